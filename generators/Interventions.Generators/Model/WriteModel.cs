using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>One declared write.</summary>
internal abstract record WriteModel
{
    private WriteModel()
    {
    }

    /// <summary>What a method returns.</summary>
    public sealed record Method(MethodModel Node) : WriteModel;

    /// <summary>A write without a method.</summary>
    /// <param name="Kind">Which one.</param>
    /// <param name="Site">The site path.</param>
    /// <param name="Run">The derived run that is written; <see langword="null"/> is the changed one.</param>
    /// <param name="Property">The property that holds its tensor; empty for an attribute of the class.</param>
    /// <param name="Donor">The run that is read; <see langword="null"/> is the changed one.</param>
    /// <param name="Amount">The factor or strength.</param>
    /// <param name="AmountSweep">The placeholder that sweeps it, in braces; <see langword="null"/> when it is not swept.</param>
    /// <param name="Seed">The seed of partners.</param>
    /// <param name="IsPooled">Whether a mean is one over all positions.</param>
    /// <param name="Over">The property that holds the prompts of a mean; <see langword="null"/> for the run's own.</param>
    /// <param name="AcrossTemplates">Whether a mean is over prompts of all templates.</param>
    /// <param name="Axes">What the axes of a mask are.</param>
    public sealed record BuiltIn(
        WriteKind Kind, string Site, string? Run, string Property, string? Donor, double Amount, string? AmountSweep, int Seed, bool IsPooled,
        string? Over, bool AcrossTemplates, EquatableArray<string> Axes) : WriteModel;

    /// <summary>An encoder–decoder, which writes what it replaces.</summary>
    /// <param name="Property">The property that holds it.</param>
    /// <param name="Site">The path of what is replaced.</param>
    /// <param name="Reads">The path of what is encoded; <see langword="null"/> for what is replaced.</param>
    /// <param name="ErrorTerm">Whether the error term is kept.</param>
    /// <param name="DetachError">Whether gradients hold the error term constant.</param>
    /// <param name="Features">How many features there are; 0 where it is not said.</param>
    public sealed record Splice(string Property, string Site, string? Reads, bool ErrorTerm, bool DetachError, int Features) : WriteModel;

    /// <summary>The writes of an included intervention, where they come after a write of the declaration's own.</summary>
    /// <param name="Property">The property that holds it.</param>
    public sealed record Include(string Property) : WriteModel;

    /// <summary>A path patch.</summary>
    /// <param name="Senders">The senders, one at least.</param>
    /// <param name="Receivers">The receivers.</param>
    /// <param name="From">The run of the senders.</param>
    /// <param name="FreezeMlps">Whether MLPs are frozen.</param>
    /// <param name="HasFrozen">Whether it says what else is frozen; otherwise every head is.</param>
    /// <param name="Frozen">What else is frozen.</param>
    /// <param name="Run">The derived run whose receivers are written; <see langword="null"/> is the changed one.</param>
    public sealed record PathPatch(
        EquatableArray<string> Senders, EquatableArray<string> Receivers, string From, bool FreezeMlps, bool HasFrozen, EquatableArray<string> Frozen,
        string? Run) : WriteModel;
}

/// <summary>The sorts of writes, each with an attribute of its own.</summary>
internal enum WriteKind
{
    /// <summary>A method's.</summary>
    Patch,

    /// <summary>Path patching.</summary>
    PathPatch,

    /// <summary>0.</summary>
    Zero,

    /// <summary>The value times a factor.</summary>
    Scale,

    /// <summary>The value of another run.</summary>
    Freeze,

    /// <summary>The value of another prompt.</summary>
    Resample,

    /// <summary>The mean over prompts.</summary>
    Mean,

    /// <summary>A mask's mixture of the value and that of another run.</summary>
    Mix,

    /// <summary>The value plus a vector.</summary>
    Add,

    /// <summary>The value without a direction.</summary>
    ProjectOut,

    /// <summary>The direction alone.</summary>
    ProjectOnto,

    /// <summary>An encoder–decoder.</summary>
    Splice,
}
