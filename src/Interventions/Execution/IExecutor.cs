using Interventions.Binding;
using TorchSharp;

namespace Interventions.Execution;

/// <summary>Computes a bound intervention for one batch of prompts. Everything that must be refused was refused before.</summary>
internal interface IExecutor
{
    /// <summary>The prompts.</summary>
    PromptBatch Prompts { get; }

    /// <summary>How many steps the batch takes, for progress.</summary>
    int Steps { get; }

    /// <summary>Computes the batch.</summary>
    void Execute(PassContext context);
}

/// <summary>What the computation of a batch uses and fills, beside the batch itself.</summary>
/// <param name="References">Means, and values of other prompts.</param>
/// <param name="Kept">Takes everything that is kept.</param>
/// <param name="Scope">Owns the tensors of the batch.</param>
/// <param name="Report">Called after every step.</param>
/// <param name="CancellationToken">Checked before every step.</param>
internal sealed record PassContext(
    ReferenceValues References, KeptValues Kept, DisposeScope Scope, Action Report, CancellationToken CancellationToken);
