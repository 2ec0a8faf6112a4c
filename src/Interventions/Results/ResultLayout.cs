using System.Collections.Immutable;

namespace Interventions.Results;

/// <summary>What a result consists of beside its tensors, and how these are called.</summary>
/// <param name="Declaration">The declaration's name.</param>
/// <param name="Sweep">The placeholders, in order.</param>
/// <param name="Runs">The runs of the prompt set.</param>
/// <param name="BaseRun">The one that is changed.</param>
/// <param name="Kept">Captures, gradients and metrics.</param>
/// <param name="Parameters">The parameters whose gradients are kept.</param>
/// <param name="Prompts">Which prompts of the set, by number, along the axis of prompts.</param>
/// <param name="Writes">What each declared write did.</param>
/// <param name="Notes">Methods that a strict run could not check, and those that made non-finite values.</param>
internal sealed record ResultLayout(
    string Declaration,
    ImmutableArray<SweepAxis> Sweep,
    ImmutableArray<string> Runs,
    string BaseRun,
    ImmutableArray<KeptLayout> Kept,
    ImmutableArray<string> Parameters,
    ImmutableArray<int> Prompts,
    ImmutableArray<WriteTally> Writes,
    ImmutableArray<string> Notes)
{
    /// <summary>Prompts in which a write copies what is there already.</summary>
    public ImmutableArray<AlikePrompts> Alike { get; init; } = [];

    /// <summary>The layout of all batches put together: prompts in their order.</summary>
    public static ResultLayout Join(IReadOnlyList<ResultLayout> batches) => batches[0] with
    {
        Prompts = [.. batches.SelectMany(batch => batch.Prompts).Order()],
        Writes = batches.Select(batch => batch.Writes).Aggregate(WriteTally.Sum),
        Alike = AlikePrompts.Join(batches.SelectMany(batch => batch.Alike)),
        Notes = [.. batches.SelectMany(batch => batch.Notes).Distinct().Order(StringComparer.Ordinal)],
    };

    /// <summary>Writes without effect, on all prompts or on some.</summary>
    public IEnumerable<string> Warnings => Writes.Select(write => write.Warning(Declaration, !Sweep.IsEmpty)).OfType<string>()
        .Concat(Alike.Select(alike => alike.Warning(Declaration, Prompts.Length)));

    /// <summary>Every tensor.</summary>
    public IEnumerable<string> Tensors => Kept.SelectMany(kept => Runs.Select(run => Of(run, kept.Name)).Prepend(kept.Name).Concat(kept.IsMasked ? [MaskOf(kept.Name)] : []))
        .Concat(Parameters.Select(GradientOf));

    /// <summary>The value in an unchanged run.</summary>
    public static string Of(string run, string name) => $"{run}/{name}";

    /// <summary>Which entries of a value are real.</summary>
    public static string MaskOf(string name) => $"{name}.mask";

    /// <summary>A parameter's gradient.</summary>
    public static string GradientOf(string parameter) => $"{parameter}.gradient";

    /// <summary>How many axes lie before that of the prompts.</summary>
    /// <param name="kept">What is kept.</param>
    /// <param name="isChanged">Whether in the changed run.</param>
    public int BatchAxis(KeptLayout kept, bool isChanged) => (isChanged || kept.IsSwept ? Sweep.Length : 0) + (kept.IsStacked ? 1 : 0);
}

/// <summary>Something kept under a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="IsStacked">Whether it has an axis of layers before that of the prompts.</param>
/// <param name="IsSwept">Whether the sweep's point decides what is kept, so that unchanged runs have the sweep's axes too.</param>
/// <param name="IsMasked">Whether it has a mask.</param>
internal sealed record KeptLayout(string Name, bool IsStacked, bool IsSwept, bool IsMasked);
