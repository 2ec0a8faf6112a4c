using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>
/// Writes that happen together: those to one site path in one run, unless a write that may touch the same site stands between them.
/// </summary>
/// <param name="Method">The generated method that fuses them; <see langword="null"/> for a single write.</param>
/// <param name="Writes">The writes, in the order of the text.</param>
internal sealed record StepSpec(string? Method, EquatableArray<WriteSpec> Writes)
{
    /// <summary>The first write.</summary>
    public WriteSpec First => Writes[0];
}

/// <summary>One declared write.</summary>
internal abstract record WriteSpec
{
    private WriteSpec()
    {
    }

    /// <summary>A method's write.</summary>
    public sealed record Method(MethodSpec Node) : WriteSpec;

    /// <summary>A write without a method.</summary>
    /// <param name="Kind">The attribute that declares it. Generated code calls the method of the same name of <c>BuiltInWrites</c>.</param>
    /// <param name="Site">The site path.</param>
    public sealed record BuiltIn(WriteKind Kind, string Site) : WriteSpec
    {
        /// <summary>The derived run that is written; <see langword="null"/> is the changed one.</summary>
        public string? Run { get; init; }

        /// <summary>The property that holds its tensor; empty for an attribute of the class.</summary>
        public string Property { get; init; } = "";

        /// <summary>The run that is read; <see langword="null"/> is the changed one.</summary>
        public string? Donor { get; init; }

        /// <summary>The factor or strength.</summary>
        public double Amount { get; init; }

        /// <summary>The placeholder that sweeps the factor or strength, in braces; <see langword="null"/> when none does.</summary>
        public string? AmountSweep { get; init; }

        /// <summary>The seed that draws partners.</summary>
        public int Seed { get; init; }

        /// <summary>Whether a mean is one over all positions.</summary>
        public bool IsPooled { get; init; }

        /// <summary>The property that holds the prompts of a mean; <see langword="null"/> for the run's own.</summary>
        public string? Over { get; init; }

        /// <summary>Whether a mean is over prompts of all templates.</summary>
        public bool AcrossTemplates { get; init; }

        /// <summary>The axes of a mask.</summary>
        public EquatableArray<string> Axes { get; init; }
    }

    /// <summary>An encoder–decoder, which writes the value that it replaces.</summary>
    /// <param name="Property">The property that holds it.</param>
    /// <param name="Site">The path of the value that is replaced.</param>
    /// <param name="Reads">The path of the value that is encoded; <see langword="null"/> for the replaced one.</param>
    /// <param name="ErrorTerm">Whether the error term is kept.</param>
    /// <param name="DetachError">Whether gradients hold the error term constant.</param>
    /// <param name="Features">How many features there are; 0 where it is not said.</param>
    public sealed record Splice(string Property, string Site, string? Reads, bool ErrorTerm, bool DetachError, int Features) : WriteSpec;

    /// <summary>The writes of an included intervention, where they come after an own write.</summary>
    /// <param name="Property">The property that holds it.</param>
    public sealed record Include(string Property) : WriteSpec;

    /// <summary>A path patch.</summary>
    /// <param name="Senders">The senders, one at least.</param>
    /// <param name="Receivers">The receivers.</param>
    /// <param name="From">The run of the senders.</param>
    /// <param name="FreezeMlps">Whether MLPs are frozen.</param>
    /// <param name="Frozen">The other frozen sites; <see langword="null"/> means every head.</param>
    /// <param name="Run">The derived run whose receivers are written; <see langword="null"/> is the changed one.</param>
    public sealed record PathPatch(
        EquatableArray<string> Senders, EquatableArray<string> Receivers, string From, bool FreezeMlps, EquatableArray<string>? Frozen,
        string? Run)
        : WriteSpec;
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
