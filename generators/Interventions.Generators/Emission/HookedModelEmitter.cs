using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes what <c>[HookedModel]</c> adds: the attributes that a <c>[ModelSchema]</c> class carries, so that analyzers and other assemblies read them as
/// always, and what <c>[ModelSchema]</c> adds.
/// </summary>
internal static class HookedModelEmitter
{
    public static string Emit(HookedModelModel model)
    {
        TypeModel type = model.Model.Type;
        string header = model.Base is { } baseType ? $"{type.Header} : {baseType}" : type.Header;
        return model.IsValid
            ? TypeEmitter.Emit(type, Attributes(model), header, writer => ModelSchemaEmitter.Members(writer, model.Model))
            : TypeEmitter.Emit(type, [], header, writer => Refuse(writer, model.Model));
    }

    private static IEnumerable<string> Attributes(HookedModelModel model) =>
        model.Axes.Select(axis => $"global::Interventions.Axis({Literals.Quote(axis.Axis)}, {Literals.Number(axis.Size)})")
            .Prepend("global::Interventions.ModelSchema");

    /// <summary>Class or configuration are in error, which an analyzer says; code that uses the class should not be in error too.</summary>
    private static void Refuse(SourceWriter writer, ModelSchemaModel model)
    {
        writer.Summary("Not known: the configuration cannot be used.").Line("public const string SchemaFingerprint = \"\";").Line();
        writer.Summary("Not known: the configuration cannot be used.").Line($"public static {Names.ModelSchema} DeclaredSchema =>");
        writer.Indented($"throw new {Names.InvalidOperation}({Literals.Quote($"'{model.Type.Name}' is in error: the compiler's messages say why.")});");
        if (model.IsDecoder)
            ModelSchemaEmitter.Load(writer.Line(), model.Type);
    }
}
