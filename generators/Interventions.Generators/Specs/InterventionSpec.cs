using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>
/// An <c>[Intervention]</c> class as the emitters need it. It holds no schema: an edit of a model must not write the interventions on it
/// again.
/// </summary>
/// <param name="Type">The class.</param>
/// <param name="Subject">The model and the prompts.</param>
/// <param name="IsWellFormed">Whether its members can be called. Otherwise the generated members throw, and an analyzer says why.</param>
/// <param name="Writes">The values that it writes.</param>
/// <param name="Keeps">The values that it keeps.</param>
/// <param name="Sweep">The axes of the result.</param>
/// <param name="DeclaredSites">Every path of a generic intervention, for the checks of its uses in other assemblies.</param>
/// <param name="Inheritance">What it inherits. All other parts but placeholders and paths are its own.</param>
internal sealed record InterventionSpec(
    TypeSpec Type, SubjectSpec Subject, bool IsWellFormed, WritesSpec Writes, KeepsSpec Keeps, SweepSpec Sweep,
    EquatableArray<DeclaredSiteSpec> DeclaredSites, InheritanceSpec Inheritance);

/// <summary>The place of an intervention among those that share members.</summary>
/// <param name="IsAbstract">Whether it is there to be derived from.</param>
/// <param name="Base">The intervention that it derives from, fully qualified; <see langword="null"/> when it derives from none.</param>
/// <param name="Kept">The inherited kept values.</param>
/// <param name="Runs">
/// The names of the prompt set's runs with those of their properties, where a derived intervention keeps further values; else none.
/// </param>
internal sealed record InheritanceSpec(bool IsAbstract, string? Base, EquatableArray<KeptSpec> Kept, EquatableArray<NamedRunSpec> Runs)
{
    /// <summary>The word for members that a derived intervention has too, with a space behind it.</summary>
    public string Modifier => Base is not null ? "override " : IsAbstract ? "virtual " : "";

    /// <summary>The head of a type inside the intervention that derives from the base's type of that name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="root">The type that it derives from where there is no base.</param>
    public string Nested(string name, string root) =>
        $"{(Base is null ? "" : "new ")}{(IsAbstract ? "" : "sealed ")}class {name} : {(Base is null ? root : $"{Base}.{name}")}";
}

/// <summary>A kept value, as its type in the result depends on it.</summary>
/// <param name="Name">The method.</param>
/// <param name="IsStacked">Whether it has an axis of layers.</param>
/// <param name="IsSwept">Whether the sweep's point decides what is kept of unchanged runs too.</param>
internal sealed record KeptSpec(string Name, bool IsStacked, bool IsSwept)
{
    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static KeptSpec Parse(string text)
    {
        string[] words = text.Split(' ');
        return new(words[0], words.Contains("stacked"), words.Contains("swept"));
    }

    /// <summary>The name and what is true of it: <c>Attention stacked</c>.</summary>
    public override string ToString() => Name + (IsStacked ? " stacked" : "") + (IsSwept ? " swept" : "");
}

/// <summary>A run of the prompt set and the property of the results that holds its values.</summary>
/// <param name="Name">The run.</param>
/// <param name="Property">The property.</param>
internal sealed record NamedRunSpec(string Name, string Property);

/// <summary>The model and the prompts of an intervention.</summary>
/// <param name="Model">The model type, fully qualified; or the type parameter that stands for it.</param>
/// <param name="IsGeneric">Whether a type parameter stands for the model.</param>
/// <param name="Prompts">The prompt set's type, fully qualified.</param>
/// <param name="PromptsHaveSchema">Whether the prompt set has the generated base of results.</param>
/// <param name="Access">The accessibility of members that name model or prompts: no wider than theirs.</param>
internal sealed record SubjectSpec(string Model, bool IsGeneric, string Prompts, bool PromptsHaveSchema, string Access);

/// <summary>The writes of an intervention, and the runs that they write.</summary>
/// <param name="Changes">The run that is changed; <see langword="null"/> is the first.</param>
/// <param name="Runs">The derived runs.</param>
/// <param name="Includes">The properties of the included interventions whose writes come before all own writes.</param>
/// <param name="Steps">The own writes and the later includes, in the graph's order.</param>
internal sealed record WritesSpec(
    string? Changes, EquatableArray<RunSpec> Runs, EquatableArray<string> Includes, EquatableArray<StepSpec> Steps);

/// <summary>A derived run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The run whose tokens it reads; <see langword="null"/> is the changed one.</param>
internal sealed record RunSpec(string Name, string? From);

/// <summary>The values that an intervention keeps, trains and measures.</summary>
/// <param name="Methods">The captures, gradients and metrics, in textual order.</param>
/// <param name="Parameters">The trained values.</param>
/// <param name="IncludedParameters">The trained values of included interventions: <c>Inner.Direction</c>.</param>
/// <param name="Shapes">The tensors of properties whose shape is declared.</param>
internal sealed record KeepsSpec(
    EquatableArray<MethodSpec> Methods, EquatableArray<ParameterSpec> Parameters, EquatableArray<string> IncludedParameters,
    EquatableArray<ShapeSpec> Shapes);

/// <summary>A trained value.</summary>
/// <param name="Name">The property.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
internal sealed record ParameterSpec(string Name, string? Metric);

/// <summary>A property's tensor with its declared shape.</summary>
/// <param name="Name">The property.</param>
/// <param name="Axes">The axes, outermost first.</param>
internal sealed record ShapeSpec(string Name, EquatableArray<string> Axes);

/// <summary>The placeholders of an intervention.</summary>
/// <param name="Lists">The lists that placeholders go through, in textual order.</param>
/// <param name="Placeholders">All placeholders of the writes, in order of first appearance: the axes of the result.</param>
internal sealed record SweepSpec(EquatableArray<SweepListSpec> Lists, EquatableArray<PlaceholderSpec> Placeholders);

/// <summary>What a placeholder, or several together, go through: numbers, texts, or what a property holds.</summary>
/// <param name="Name">The placeholder; several are parted by commas.</param>
/// <param name="Numbers">The numbers.</param>
/// <param name="Texts">The runs, positions or points.</param>
/// <param name="Property">The property; <see langword="null"/> where the values are listed.</param>
internal sealed record SweepListSpec(string Name, EquatableArray<double> Numbers, EquatableArray<string> Texts, string? Property);

/// <summary>An axis of the result.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="Kind">The type of its coordinates.</param>
internal sealed record PlaceholderSpec(string Name, PlaceholderKind Kind);

/// <summary>The type of the coordinates of an axis.</summary>
internal enum PlaceholderKind
{
    /// <summary>An index: <c>int</c>.</summary>
    Index,

    /// <summary>A name, of a position or a run: <c>string</c>.</summary>
    Name,

    /// <summary>A strength: <c>double</c>.</summary>
    Number,
}

/// <summary>A path of a generic intervention, with the member that contains it.</summary>
/// <param name="Member">The member, or the attribute of the class in brackets.</param>
/// <param name="Path">The path.</param>
internal sealed record DeclaredSiteSpec(string Member, string Path);

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

        /// <summary>The write that a mask mixes in; <see langword="null"/> for another run's value.</summary>
        public WriteKind? Ablation { get; init; }
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

/// <summary>A declared method.</summary>
/// <param name="Kind">The use of the value that it returns.</param>
/// <param name="Name">Its name.</param>
/// <param name="Site">The site path; empty for a metric.</param>
/// <param name="IsStatic">Whether it needs no instance.</param>
/// <param name="Reads">The values that its parameters read.</param>
internal sealed record MethodSpec(NodeKind Kind, string Name, string Site, bool IsStatic, EquatableArray<ReadSpec> Reads)
{
    /// <summary>The derived run that a patch writes; <see langword="null"/> is the changed one.</summary>
    public string? Run { get; init; }

    /// <summary>The metric of a gradient; <see langword="null"/> is the only one.</summary>
    public string? Metric { get; init; }

    /// <summary>Whether a capture keeps the value as it was before the writes.</summary>
    public bool BeforeWrites { get; init; }

    /// <summary>The declared shape of the value that a patch returns; <see langword="null"/> where none is declared.</summary>
    public EquatableArray<string>? Shape { get; init; }

    /// <summary>Whether a patch promises to treat each position alone.</summary>
    public bool IsPointwise { get; init; }

    /// <summary>Whether it mixes prompts.</summary>
    public bool IsAcrossBatch { get; init; }

    /// <summary>Whether a prompt's length may decide how many values are kept. The result then has a mask of the real ones.</summary>
    public bool IsRagged { get; init; }

    /// <summary>Whether what it keeps has an axis of layers.</summary>
    public bool IsStacked { get; init; }

    /// <summary>Whether the sweep's point decides what it reads.</summary>
    public bool IsSwept { get; init; }
}

/// <summary>The use of the value that a method returns.</summary>
internal enum NodeKind
{
    /// <summary>It is written.</summary>
    Patch,

    /// <summary>It is kept.</summary>
    Capture,

    /// <summary>It is kept, and made of a metric's gradient.</summary>
    Gradient,

    /// <summary>It is kept, one number a prompt.</summary>
    Metric,
}

/// <summary>The value that a parameter reads.</summary>
/// <param name="Kind">The kind of value.</param>
/// <param name="Name">The run, answer, property, placeholder, or the site of <see cref="ReadKind.ValueOf"/>; else empty.</param>
/// <param name="Place">The run's site (<see langword="null"/>: the method's own), or the position of logits.</param>
/// <param name="Run">The run whose logits are read; <see langword="null"/> is the measured one.</param>
internal sealed record ReadSpec(ReadKind Kind, string Name, string? Place = null, string? Run = null);

/// <summary>The kind of value that a parameter reads.</summary>
internal enum ReadKind
{
    /// <summary>The selected value itself.</summary>
    Value,

    /// <summary>The metric's gradient with respect to the selected value.</summary>
    Gradient,

    /// <summary>The value in another run.</summary>
    From,

    /// <summary>The value of some site in the same run.</summary>
    ValueOf,

    /// <summary>The logit of an answer.</summary>
    Logit,

    /// <summary>All logits at a position.</summary>
    Logits,

    /// <summary>The logits of the words that a property lists.</summary>
    WordLogits,

    /// <summary>The number at which a sweep stands.</summary>
    Swept,

    /// <summary>The token ids of an answer.</summary>
    Answer,
}

/// <summary>A partial type that the generator adds to.</summary>
/// <param name="Namespace">Its namespace; empty for the global one.</param>
/// <param name="Outer">The headers of the types around it, outermost first: <c>partial class Outer&lt;T&gt;</c>.</param>
/// <param name="Header">Its own header: <c>partial class HeadSweep</c>.</param>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Identifier">Its name in code: with <c>@</c> where it is a keyword.</param>
/// <param name="Reference">How its own members call it: the identifier with its type parameters.</param>
/// <param name="HintName">The name of the generated file.</param>
internal sealed record TypeSpec(
    string Namespace, EquatableArray<string> Outer, string Header, string Name, string Identifier, string Reference, string HintName);
