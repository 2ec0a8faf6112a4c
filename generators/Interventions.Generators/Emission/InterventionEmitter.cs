using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes what <c>[Intervention]</c> adds: the graph, and <c>Run</c>.</summary>
internal static class InterventionEmitter
{
    public static string Emit(InterventionModel model) => TypeEmitter.Emit(model.Type, DeclaredSites(model), model.Type.Header, writer =>
    {
        if (model.IsValid)
            Graph(writer, model);
        else
            Refuse(writer, model);
        ResultEmitter.Emit(writer.Line(), model);
        GenerationEmitter.Types(writer, model);
    }, GraphEmitter.CallsPathPatch(model) ? $"using static {Names.Runtime}.PathPatching;" : null);

    /// <summary>In another assembly, a closed use is checked against these: private members are not seen there.</summary>
    private static IEnumerable<string> DeclaredSites(InterventionModel model) =>
        model.IsGeneric
            ? Sites(model).Distinct().Select(site => $"global::Interventions.Runtime.DeclaredSite({Literals.Quote(site.Member)}, {Literals.Quote(site.Path)})")
            : [];

    private static IEnumerable<(string Member, string Path)> Sites(InterventionModel model)
    {
        foreach (WriteModel write in model.Writes)
        {
            if (write is WriteModel.BuiltIn builtIn)
                yield return (builtIn.Property.Length > 0 ? builtIn.Property : $"[{builtIn.Kind}]", builtIn.Site);
            else if (write is WriteModel.Splice splice)
                foreach (string site in new[] { splice.Site, splice.Reads }.OfType<string>())
                    yield return (splice.Property, site);
            else if (write is WriteModel.PathPatch path)
                foreach (string site in path.Frozen.Concat(path.Senders).Concat(path.Receivers))
                    yield return ("[PathPatch]", site);
        }
        foreach (MethodModel method in model.Methods)
        {
            if (method.Site.Length > 0)
                yield return (method.Name, method.Site);
            foreach (ReadModel read in method.Reads)
                if ((read.Kind == ReadKind.ValueOf ? read.Name : read.Kind == ReadKind.From ? read.Place : null) is { } site)
                    yield return (method.Name, site);
        }
    }

    private static void Graph(SourceWriter writer, InterventionModel model)
    {
        GraphEmitter.Emit(GraphSummary(writer), model);
        Members(writer.Line(), $"{Names.GraphMembers}.Of(Graph);");
        RunHeader(writer.Line(), model, " =>");
        writer.Indented($"new Result({Names.Runner}.Run(Graph, model, prompts, options, cancellationToken));");
        LongRunEmitter.Emit(writer, model);
        GenerationEmitter.Method(writer, model, GenerationEmitter.Call);
    }

    /// <summary>The declaration is in error, which an analyzer says; code that uses it should not be in error too.</summary>
    private static void Refuse(SourceWriter writer, InterventionModel model)
    {
        string because = $"throw new {Names.InvalidOperation}({Literals.Quote($"'{model.Type.Name}' is in error: the compiler's messages say why.")});";
        GraphSummary(writer).Line($"public {Names.InterventionGraph} Graph =>").Indented(because).Line();
        Members(writer, because);
        writer.Line();
        RunHeader(writer, model, " =>");
        writer.Indented(because);
        LongRunEmitter.Refuse(writer, model, because);
        GenerationEmitter.Method(writer, model, because);
    }

    /// <summary>The table of what a saved graph refers to by name.</summary>
    private static void Members(SourceWriter writer, string value)
    {
        writer.Summary("The methods and tensors that a saved graph of this declaration refers to by name.");
        writer.Line($"public {Names.GraphMembers} Members => {value}");
    }

    private static SourceWriter GraphSummary(SourceWriter writer) => writer.Summary("What this declaration writes, keeps and measures.");

    private static void RunHeader(SourceWriter writer, InterventionModel model, string end)
    {
        writer.Summary("Runs the model on the prompts with and without this intervention. The result owns its tensors: dispose it.");
        writer.Line($"/// <inheritdoc cref=\"{Names.Runner}.Run\" path=\"/param\"/>");
        writer.Line($"{model.Access} Result Run({model.ModelType} model, {model.PromptType} prompts, {Names.RunOptions}? options = null, {Names.CancellationToken} cancellationToken = default){end}");
    }
}
