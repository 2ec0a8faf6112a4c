using System.Collections.Immutable;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>
/// Values of a prompt set's runs, computed once for many interventions on the same prompts: nodes that are held are not computed again, nor
/// is what only they depend on. An intervention that begins in layer 7 then begins there.
/// </summary>
/// <param name="values">Captures of the nodes, each under the node's name; owned.</param>
/// <param name="prompts">The prompts.</param>
internal sealed class HeldRuns(RunResult values, IPromptSet prompts) : IDisposable
{
    private readonly EquatableArray<string> _runs = prompts.Vocabulary.Runs;

    /// <summary>The nodes.</summary>
    public IReadOnlySet<string> Nodes { get; } = values.Layout.Kept.Select(kept => kept.Name).ToImmutableHashSet();

    /// <summary>Whether these are runs of a prompt set.</summary>
    public bool AreOf(IPromptSet set) => ReferenceEquals(set, prompts);

    /// <summary>Rows of a node: <c>[prompt · position, …]</c>. Perhaps a view, so not to be written into.</summary>
    /// <param name="node">The node.</param>
    /// <param name="run">The run's number.</param>
    /// <param name="numbers">The prompts' numbers in the set.</param>
    /// <param name="positions">The positions, the same of every prompt.</param>
    public Tensor Rows(string node, int run, int[] numbers, ImmutableArray<int> positions)
    {
        Tensor value = values.Saved(ResultLayout.Of(_runs[run], node)); // [batch, pos, …]
        (long count, long length) = (value.shape[0], value.shape[1]);
        Tensor rows = value.flatten(0, 1);
        bool isWhole = numbers.Length == count && positions.Length == length && numbers.Index().All(prompt => prompt.Item == prompt.Index);
        long[] index = isWhole ? [] : [.. numbers.SelectMany(prompt => positions.Select(position => (prompt * length) + position))];
        return isWhole ? rows : rows.Pick(0, tensor(index, device: value.device));
    }

    public void Dispose() => values.Dispose();
}
