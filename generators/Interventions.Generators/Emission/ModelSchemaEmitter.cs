using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes the members that <c>[ModelSchema]</c> adds: fingerprint, schema, the constants of <c>Sites</c> and, for decoders, <c>Load</c>.
/// A family's class has the constants for all models of the family.
/// For <c>[HookedModel]</c> it also writes the attributes that a <c>[ModelSchema]</c> class carries: analyzers and other assemblies read
/// the schema from them.
/// </summary>
internal static class ModelSchemaEmitter
{
    public static string Emit(ModelSchemaSpec spec) => TypeEmitter.Emit(spec.Type, writer => Members(writer, spec));

    public static string Emit(HookedModelSpec spec)
    {
        TypeSpec type = spec.Model.Type;
        string header = spec.Base is { } baseType ? $"{type.Header} : {baseType}" : type.Header;
        return spec.IsValid
            ? TypeEmitter.Emit(type, Attributes(spec), header, writer => Members(writer, spec.Model))
            : TypeEmitter.Emit(type, [], header, writer => Refuse(writer, spec.Model));
    }

    /// <summary>
    /// Writes an attribute for each site of a family, in the order of computation, and for each that it has not; and the constants.
    /// </summary>
    public static string Emit(FamilySitesSpec spec) => TypeEmitter.Emit(
        spec.Type, spec.Schema.Sites.Select(Attribute).Concat(spec.Schema.Absent.Select(site => CodeNames.AbsentSite + Absent(site))),
        spec.Type.Header, writer => SitesEmitter.Emit(writer, spec.Schema));

    private static string Absent(AbsentSite site) => $"({Literals.Quote(site.Path)}, {Literals.Quote(site.Reason)})";

    private static string Attribute(SiteDefinition site) =>
        $"{CodeNames.SiteAttribute}({string.Join(", ", site.Axes.Prepend(site.Path).Select(Literals.Quote).Concat(Flags(site)))})";

    private static string Definition(SiteDefinition site)
    {
        string flags = string.Join(", ", Flags(site));
        return $"({Literals.Quote(site.Path)}, {TypeEmitter.Strings(site.Axes)}){(flags.Length == 0 ? "" : $" {{ {flags} }}")}";
    }

    /// <summary>The flags of a site that are set, as assignments.</summary>
    private static IEnumerable<string> Flags(SiteDefinition site)
    {
        if (site.SameStep)
            yield return "SameStep = true";
        if (site.Beside)
            yield return "Beside = true";
        if (site.WholeNumbers)
            yield return "WholeNumbers = true";
    }

    private static IEnumerable<string> Attributes(HookedModelSpec spec) =>
        spec.Axes.Select(axis => $"{CodeNames.AxisAttribute}({Literals.Quote(axis.Axis)}, {Literals.Number(axis.Size)})")
            .Prepend(CodeNames.ModelSchemaAttribute);

    /// <summary>An analyzer reports the class or its configuration; the code that uses the class should not be in error too.</summary>
    private static void Refuse(SourceWriter writer, ModelSchemaSpec spec)
    {
        const string Unknown = "Not known: the configuration cannot be used.";
        writer.Summary(Unknown).Line("public const string SchemaFingerprint = \"\";").Line();
        writer.Summary(Unknown).Line($"public static {CodeNames.ModelSchema} DeclaredSchema =>").Indented(TypeEmitter.Refusal(spec.Type));
        if (spec.IsDecoder)
            Load(writer.Line(), spec);
    }

    private static void Members(SourceWriter writer, ModelSchemaSpec spec)
    {
        writer.Summary("Identifies the sites and axes that interventions on this model were compiled against.");
        writer.Line($"public const string SchemaFingerprint = {Literals.Quote(spec.Schema.Fingerprint)};").Line();
        Schema(writer, spec);
        if (spec.IsDecoder)
            Load(writer.Line(), spec);
        if (!spec.HasSites)
            SitesEmitter.Emit(writer.Line(), spec.Schema);
    }

    private static void Schema(SourceWriter writer, ModelSchemaSpec spec)
    {
        writer.Summary("The declared names: sites with their axes, and the lengths of the axes.");
        writer.Line($"public static {CodeNames.ModelSchema} DeclaredSchema {{ get; }} = new {CodeNames.ModelSchema}(");
        writer.Indented($"{Literals.Quote(spec.Schema.Model)},");
        Array(
            writer, CodeNames.AxisSize,
            spec.Schema.Axes.Select(axis => $"({Literals.Quote(axis.Axis)}, {Literals.Number(axis.Size)})"), ",");
        bool isWhole = spec.Schema.Absent.Count == 0;
        Array(writer, CodeNames.SiteDefinition, spec.Schema.Sites.Select(Definition), isWhole ? ");" : ")");
        if (isWhole)
            return;
        writer.Line("{");
        writer.Indented("Absent =");
        Array(writer, CodeNames.AbsentSite, spec.Schema.Absent.Select(Absent), "");
        writer.Line("};");
    }

    private static void Array(SourceWriter writer, string type, IEnumerable<string> arguments, string end)
    {
        writer.Indented($"new {CodeNames.EquatableArray}<{type}>(new {type}[]", "{");
        foreach (string argument in arguments)
            writer.Indented($"    new {type}{argument},");
        writer.Indented("})" + end);
    }

    /// <summary>Writes a decoder's constructor, <c>Load</c> and <c>Processed</c>.</summary>
    private static void Load(SourceWriter writer, ModelSchemaSpec spec)
    {
        TypeSpec type = spec.Type;
        writer.Line($"private {type.Identifier}({CodeNames.Checkpoint} checkpoint)").Indented(": base(checkpoint, DeclaredSchema)");
        writer.Line("{").Line("}").Line();
        if (spec.HubId is { } id)
            writer.Summary("Where the checkpoint is published.").Line($"public const string HubId = {Literals.Quote(id)};").Line();
        (string value, string meaning) = spec.HubId is null ? ("", "") : (" = HubId", " Default: where the checkpoint is published.");
        writer.Summary(
            "Loads the weights from a folder, a file, or a hub id such as <c>openai-community/gpt2</c>, "
            + "and checks that they have the declared sizes.");
        writer.Line($"/// <param name=\"path\">The folder, file or hub id.{meaning}</param>");
        writer.Line("/// <param name=\"dtype\">What the weights are converted to. Default: float32.</param>");
        writer.Line("/// <param name=\"device\">Where they are put. Default: the CPU.</param>");
        writer.Line(
            "/// <param name=\"ignore\">Names of tensors that are left out although the family does not know them; "
            + "* stands for any text.</param>");
        writer.Line(
            "/// <param name=\"processing\">What is done to the weights then, such as <c>WeightProcessing.FoldNorms</c>. "
            + "Default: nothing.</param>");
        writer.Line($"public static new {type.Reference} Load(").Indented(
            $"string path{value}, {CodeNames.ScalarType}? dtype = null, {CodeNames.Device}? device = null,",
            $"{CodeNames.ReadOnlyList}<string>? ignore = null,",
            $"{CodeNames.WeightProcessing} processing = {CodeNames.WeightProcessing}.None) =>");
        writer.Indented($"new {type.Reference}({CodeNames.Checkpoint}.Open(path, dtype, device, ignore, processing));").Line();
        writer.Line("/// <inheritdoc/>");
        writer.Line($"public override {type.Reference} Processed({CodeNames.WeightProcessing} processing) =>");
        writer.Indented($"new {type.Reference}(ProcessedCheckpoint(processing));");
    }
}
