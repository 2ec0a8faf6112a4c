using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes what <c>[ModelSchema]</c> adds: fingerprint, schema and, for decoders, <c>Load</c>.</summary>
internal static class ModelSchemaEmitter
{
    public static string Emit(ModelSchemaModel model) => TypeEmitter.Emit(model.Type, writer => Members(writer, model));

    /// <summary>Writes the members.</summary>
    public static void Members(SourceWriter writer, ModelSchemaModel model)
    {
        writer.Summary("Identifies the sites and axes that interventions on this model were compiled against.");
        writer.Line($"public const string SchemaFingerprint = {Literals.Quote(model.Schema.Fingerprint)};").Line();
        Schema(writer, model);
        if (model.IsDecoder)
            Load(writer.Line(), model.Type);
        if (!model.HasSites)
            SitesEmitter.Emit(writer.Line(), model.Schema);
    }

    private static void Schema(SourceWriter writer, ModelSchemaModel model)
    {
        writer.Summary("The declared names: sites with their axes, and the lengths of the axes.");
        writer.Line($"public static {Names.ModelSchema} DeclaredSchema {{ get; }} = new {Names.ModelSchema}(");
        writer.Indented($"{Literals.Quote(model.Schema.Model)},");
        Array(writer, Names.AxisSize, model.Schema.Axes.Select(axis => $"({Literals.Quote(axis.Axis)}, {Literals.Number(axis.Size)})").ToList(), ",");
        Array(
            writer, Names.SiteDefinition,
            model.Schema.Sites.Select(site => $"({Literals.Quote(site.Path)}, {TypeEmitter.Strings(site.Axes)}){Flags(site)}").ToList(), ");");
    }

    private static string Flags(SiteDefinition site) =>
        string.Join(", ", FamilySitesEmitter.Flags(site)) is { Length: > 0 } flags ? $" {{ {flags} }}" : "";

    private static void Array(SourceWriter writer, string type, IReadOnlyList<string> arguments, string end)
    {
        writer.Indented($"new {Names.EquatableArray}<{type}>(new {type}[]", "{");
        foreach (string argument in arguments)
            writer.Indented($"    new {type}{argument},");
        writer.Indented("})" + end);
    }

    /// <summary>Writes a decoder's constructor and <c>Load</c>.</summary>
    public static void Load(SourceWriter writer, TypeModel type)
    {
        writer.Line($"private {type.Identifier}({Names.Checkpoint} checkpoint)").Indented(": base(checkpoint, DeclaredSchema)").Line("{").Line("}").Line();
        writer.Summary(
            "Loads the weights from a folder, a file, or a hub id such as <c>openai-community/gpt2</c>, and checks that they have the declared sizes.");
        writer.Line("/// <param name=\"path\">The folder, file or hub id.</param>");
        writer.Line("/// <param name=\"dtype\">What the weights are converted to. Default: float32.</param>");
        writer.Line("/// <param name=\"device\">Where they are put. Default: the CPU.</param>");
        writer.Line($"public static new {type.Reference} Load(string path, {Names.ScalarType}? dtype = null, {Names.Device}? device = null) =>");
        writer.Indented($"new {type.Reference}({Names.Checkpoint}.Open(path, dtype, device));");
    }
}
