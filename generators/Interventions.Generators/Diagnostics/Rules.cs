using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Diagnostics;

/// <summary>
/// Every rule. 0xx: names of sites and vocabularies, which cannot be switched off; 1xx: signatures; 2xx: how the parts of a declaration fit together;
/// 3xx: memory.
/// </summary>
internal static class Rules
{
    public static readonly DiagnosticDescriptor UnknownSite = Name("INV001", "Unknown site");
    public static readonly DiagnosticDescriptor MissingSegment = Name("INV002", "A segment of the path is missing");
    public static readonly DiagnosticDescriptor LayerOutOfRange = Name("INV003", "Layer out of range");
    public static readonly DiagnosticDescriptor TransformerLensSpelling = Name("INV004", "TransformerLens's spelling of a site");
    public static readonly DiagnosticDescriptor UnknownAxis = Name("INV005", "The site lacks this axis");
    public static readonly DiagnosticDescriptor IndexOutOfRange = Name("INV006", "Index out of range");
    public static readonly DiagnosticDescriptor PathSyntax = Name("INV007", "Not a site path");
    public static readonly DiagnosticDescriptor UnknownPosition = Name("INV008", "Unknown position");
    public static readonly DiagnosticDescriptor UnknownRun = Name("INV009", "Unknown run");
    public static readonly DiagnosticDescriptor UnknownAnswer = Name("INV010", "Unknown answer");
    public static readonly DiagnosticDescriptor ModelWithoutSchema = Name(
        "INV011", "The model declares no sites", "'{0}' has no [ModelSchema], so no site of it can be checked");
    public static readonly DiagnosticDescriptor PromptsWithoutSchema = Name(
        "INV012", "The prompt set declares no names", "'{0}' has no [PromptSchema], so no run, position or answer of it can be checked");
    public static readonly DiagnosticDescriptor InvalidSchema = Name("INV013", "Not a schema");
    public static readonly DiagnosticDescriptor MissingConfig = Name("INV014", "The configuration is missing");
    public static readonly DiagnosticDescriptor ConfigSyntax = Name("INV015", "The configuration is not JSON");
    public static readonly DiagnosticDescriptor InvalidConfig = Name("INV016", "The configuration describes no supported model");
    public static readonly DiagnosticDescriptor HiddenConstant = Name(
        "INV018", "A text that the generator cannot read",
        "The generator does not see generated constants, only their names: write 'Model.Sites.…' here, or \"{0}\"");
    public static readonly DiagnosticDescriptor ConfigFamily = Name("INV017", "The class does not fit its configuration");
    public static readonly DiagnosticDescriptor ClosedUse = Name(
        "INV019", "A generic intervention that does not fit the model", "'{0}' does not fit: {1}");
    public static readonly DiagnosticDescriptor HiddenArgument = Name(
        "INV020", "A value beside a generated constant", "Beside a generated constant the generator reads only what is written here: write {0}");

    public static readonly DiagnosticDescriptor ReturnsTensor = Signature(
        "INV101", "A declared method returns a tensor", "'{0}' must return Tensor: what it returns is {1}");
    public static readonly DiagnosticDescriptor TakesTensors = Signature(
        "INV102", "A declared method takes tensors", "Parameter '{0}' must be a {1}, passed by value: parameters say what the method reads");
    public static readonly DiagnosticDescriptor OneValue = Signature(
        "INV103", "One parameter is the selected value", "'{0}' already has the selected value as '{1}'; say what '{2}' reads, as in [From(\"…\")]");
    public static readonly DiagnosticDescriptor LogitInMetric = Signature(
        "INV104", "Only metrics read logits of answers", "{1} belongs to a [Metric]: '{0}' runs before there are logits");
    public static readonly DiagnosticDescriptor MetricHasNoValue = Signature(
        "INV105", "A metric has no site of its own",
        "Metric '{0}' has no site of its own; say what '{1}' reads, as in [Logit(\"…\")] or [From(\"…\", \"site\")]");
    public static readonly DiagnosticDescriptor Partial = Signature(
        "INV106", "The type must be partial", "'{0}' must be partial: the generator adds to '{1}'");
    public static readonly DiagnosticDescriptor NotGeneric = Signature(
        "INV107", "A declared method is not generic", "'{0}' must not have type parameters: nothing says what they would be");
    public static readonly DiagnosticDescriptor OneMeaning = Signature(
        "INV108", "One meaning a method, one a parameter", "'{0}' has several of {1}; it can have one");
    public static readonly DiagnosticDescriptor OutsideIntervention = Signature(
        "INV109", "A declared method outside an intervention", "'{0}' is never run: '{1}' has no [Intervention]");
    public static readonly DiagnosticDescriptor NotStatic = Signature(
        "INV110", "An intervention is a value", "'{0}' must not be {1}: an intervention is an object, which generated code completes");
    public static readonly DiagnosticDescriptor TensorProperty = Signature(
        "INV111", "A written or trained property is a tensor", "'{0}' must be a Tensor that can be read: {1} says what becomes of its value");
    public static readonly DiagnosticDescriptor ModelParameter = Signature(
        "INV112", "A generic intervention has one model parameter",
        "'{0}' needs one type parameter that is a model, as in 'where TModel : Gpt2Model'; for one certain model write [Intervention<…>]");

    public static readonly DiagnosticDescriptor SpliceProperty = Signature(
        "INV115", "A spliced property is an encoder-decoder",
        "'{0}' must be an ISplice that can be read, or a list of them, IReadOnlyList<ISplice>, with one for each layer");

    public static readonly DiagnosticDescriptor Promise = Signature("INV116", "A promise that means something", "{0}");

    public static readonly DiagnosticDescriptor DuplicateResult = Composition(
        "INV201", "Two results of one name", "The result already has a '{0}'; what is kept needs different names");
    public static readonly DiagnosticDescriptor UnsweptPlaceholder = Composition(
        "INV202", "A placeholder that no write sweeps", "No write sweeps '{{{0}}}', so it has no value here{1}");
    public static readonly DiagnosticDescriptor PlaceholderAxes = Composition(
        "INV203", "One placeholder for two axes", "'{{{0}}}' counts {1}s elsewhere and {2}s here; a placeholder sweeps one axis");
    public static readonly DiagnosticDescriptor EmptyPlaceholder = Composition(
        "INV204", "A placeholder that ranges over nothing", "'{{{0}}}' ranges over nothing: its uses have no index in common");
    public static readonly DiagnosticDescriptor ReservedName = Composition(
        "INV205", "A name that the generator needs", "'{0}' is a name that the generator adds to '{1}'; choose another");
    public static readonly DiagnosticDescriptor SeveralDonors = Composition(
        "INV206", "A donor is one site", "[{0}] reads one site, but '{1}' names several layers");
    public static readonly DiagnosticDescriptor OneMetric = Composition(
        "INV207", "A gradient is of one metric", "'{0}' is a gradient, and {1}");
    public static readonly DiagnosticDescriptor UnknownMetric = Composition(
        "INV208", "Unknown metric", "'{0}' has no metric '{1}'{2}");
    public static readonly DiagnosticDescriptor RunCycle = Composition(
        "INV209", "Runs that wait for each other", "Run '{0}' reads '{1}', which waits for '{0}'; a run can read only what does not depend on it");
    public static readonly DiagnosticDescriptor DerivedRun = Composition("INV210", "A derived run is new, written and read", "{0}");
    public static readonly DiagnosticDescriptor Include = Composition("INV211", "An included intervention fits", "{0}");
    public static readonly DiagnosticDescriptor Receiver = Composition("INV212", "Receivers are downstream of the sender", "{0}");
    public static readonly DiagnosticDescriptor LaterValue = Composition(
        "INV213", "A write reads earlier values of its own run", "'{0}' is written before {1}");
    public static readonly DiagnosticDescriptor UnreadWrite = Composition(
        "INV221", "A write that nothing reads", "Nothing that is kept reads what is written to '{0}'{1}: it all comes before, or is of another run");
    public static readonly DiagnosticDescriptor AmbiguousOrder = Composition(
        "INV222", "Writes whose order is not said",
        "'{0}' is also written by {1}, and the text does not say which comes first: give the later one a higher Order");
    public static readonly DiagnosticDescriptor NothingBefore = Composition(
        "INV223", "Captured before writes that do not happen", "Nothing writes '{0}' in the changed run, so there is no value before: leave BeforeWrites out");
    public static readonly DiagnosticDescriptor HiddenRun = Composition(
        "INV224", "A result that hides a run", "'{0}' would hide what every result has under that name: {1}; choose another");
    public static readonly DiagnosticDescriptor AllLogits = new(
        "INV225", "A metric that computes all logits", "'{0}' only picks columns of all logits; [Logit(\"…\")] computes just an answer's", "Interventions.Composition",
        DiagnosticSeverity.Info, true, null, Pages + "INV225.md");

    public static readonly DiagnosticDescriptor Splice = Composition("INV230", "A splice fits its site", "{0}");
    public static readonly DiagnosticDescriptor SweepList = Composition("INV231", "A sweep has values and a use", "{0}");
    public static readonly DiagnosticDescriptor SweepKind = Composition("INV232", "A sweep goes through values of the right kind", "{0}");

    public static readonly DiagnosticDescriptor Shape = Composition("INV233", "A declared shape fits its site", "{0}");

    public static readonly DiagnosticDescriptor Reference = Composition("INV234", "A mean is over prompts that are there", "{0}");

    public static readonly DiagnosticDescriptor Mask = Composition("INV235", "A mask has axes of its site", "{0}");

    public static readonly DiagnosticDescriptor NewTokens = Composition("INV240", "New tokens have what is read of them", "{0}");

    public static readonly DiagnosticDescriptor InPlace = Memory(
        "INV301", "A declared method changes an argument", "{0} writes into '{1}', which other variants share; compute a new tensor");
    public static readonly DiagnosticDescriptor DisposedArgument = Memory(
        "INV302", "A declared method disposes an argument", "'{0}' is borrowed: other variants share it, and the run frees it");

    private const string Pages = "generators/rules/";

    /// <summary>A wrong name. The message is made where the name is resolved, so that the run time says the same.</summary>
    private static DiagnosticDescriptor Name(string id, string title, string message = "{0}") =>
        new(id, title, message, "Interventions.Names", DiagnosticSeverity.Error, true, null, Pages + id + ".md", WellKnownDiagnosticTags.NotConfigurable);

    private static DiagnosticDescriptor Signature(string id, string title, string message) =>
        new(id, title, message, "Interventions.Signatures", DiagnosticSeverity.Error, true, null, Pages + id + ".md");

    private static DiagnosticDescriptor Composition(string id, string title, string message) =>
        new(id, title, message, "Interventions.Composition", DiagnosticSeverity.Error, true, null, Pages + id + ".md");

    private static DiagnosticDescriptor Memory(string id, string title, string message) =>
        new(id, title, message, "Interventions.Memory", DiagnosticSeverity.Error, true, null, Pages + id + ".md");
}
