using Interventions.Binding;
using TorchSharp;

namespace Interventions.Execution;

/// <summary>A way to run a bound intervention on one chunk of its prompts.</summary>
internal interface IExecutor
{
    /// <summary>The prompts in chunks. Whatever must be refused is refused here.</summary>
    PromptBatch[] Chunks(IPromptSet prompts, RunOptions options);

    /// <summary>How many steps a chunk takes.</summary>
    int Steps(PromptBatch chunk);

    /// <summary>Runs a chunk.</summary>
    /// <param name="chunk">The prompts.</param>
    /// <param name="references">Means and partners.</param>
    /// <param name="kept">Where everything that is kept goes.</param>
    /// <param name="scope">What the chunk's tensors belong to.</param>
    /// <param name="report">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between nodes.</param>
    void Execute(PromptBatch chunk, ReferenceValues references, KeptValues kept, DisposeScope scope, Action report, CancellationToken cancellationToken);
}
