using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes what <c>[Intervention]</c> adds: the graph, and <c>Run</c>.</summary>
internal static class InterventionEmitter
{
    public static string Emit(InterventionModel model) => TypeEmitter.Emit(model.Type, writer =>
    {
        if (model.IsValid)
            Graph(writer, model);
        else
            Refuse(writer, model);
        ResultEmitter.Emit(writer.Line(), model);
    });

    private static void Graph(SourceWriter writer, InterventionModel model)
    {
        GraphSummary(writer).Line($"public {Names.Graphs}.InterventionGraph Graph => new {Names.Graphs}.InterventionGraph").Open();
        writer.Line($"Name = {Literals.Quote(model.Type.Name)},");
        writer.Line($"ModelFingerprint = {model.ModelType}.SchemaFingerprint,");
        writer.Line($"PromptFingerprint = {model.PromptType}.SchemaFingerprint,");
        Nodes(writer, model, NodeKind.Patch, "Writes", "WriteNode");
        Nodes(writer, model, NodeKind.Capture, "Captures", "CaptureNode");
        Nodes(writer, model, NodeKind.Metric, "Metrics", "MetricNode");
        writer.Close(";").Line();

        RunHeader(writer, model, " =>");
        writer.Indented($"new Result({Names.Runner}.Run(Graph, model, prompts, options, cancellationToken));");
    }

    /// <summary>The declaration is in error, which an analyzer says; code that uses it should not be in error too.</summary>
    private static void Refuse(SourceWriter writer, InterventionModel model)
    {
        string because = $"throw new {Names.InvalidOperation}({Literals.Quote($"'{model.Type.Name}' is in error: the compiler's messages say why.")});";
        GraphSummary(writer).Line($"public {Names.Graphs}.InterventionGraph Graph =>").Indented(because).Line();
        RunHeader(writer, model, " =>");
        writer.Indented(because);
    }

    private static SourceWriter GraphSummary(SourceWriter writer) => writer.Summary("What this declaration writes, keeps and measures.");

    private static void RunHeader(SourceWriter writer, InterventionModel model, string end)
    {
        writer.Summary("Runs the model on the prompts with and without this intervention, in one pass.");
        writer.Line("/// <param name=\"model\">The model.</param>");
        writer.Line("/// <param name=\"prompts\">The prompts.</param>");
        writer.Line("/// <param name=\"options\">How to run; by default, the ordinary way.</param>");
        writer.Line("/// <param name=\"cancellationToken\">Stops the run between two steps.</param>");
        writer.Line("/// <returns>What was kept. It owns its tensors: dispose it.</returns>");
        writer.Line($"{model.Access} Result Run(");
        writer.Indented(
            $"{model.ModelType} model,",
            $"{model.PromptType} prompts,",
            $"{Names.RunOptions}? options = null,",
            $"{Names.CancellationToken} cancellationToken = default){end}");
    }

    private static void Nodes(SourceWriter writer, InterventionModel model, NodeKind kind, string property, string node)
    {
        List<MethodModel> methods = model.Methods.Where(method => method.Kind == kind).ToList();
        if (methods.Count == 0)
            return;
        // The body's only variable must not hide a method.
        string arguments = model.Methods.Any(method => method.Name == "x") ? "arguments_" : "x";
        writer.Line($"{property} = {Names.ImmutableArray}.Create<{Names.Graphs}.{node}>(");
        for (int i = 0; i < methods.Count; i++)
        {
            MethodModel method = methods[i];
            var lines = new List<string> { Literals.Quote(method.Name), Reads(method), Body(method, arguments) };
            if (kind != NodeKind.Metric)
                lines.Insert(1, Literals.Quote(method.Site));
            writer.Indented($"new {Names.Graphs}.{node}(");
            for (int j = 0; j < lines.Count; j++)
                writer.Indented("    " + lines[j] + (j < lines.Count - 1 ? "," : i < methods.Count - 1 ? ")," : ")),"));
        }
    }

    private static string Reads(MethodModel method)
    {
        string type = $"{Names.Graphs}.Read";
        return method.Reads.Count == 0
            ? $"{Names.ImmutableArray}<{type}>.Empty"
            : $"{Names.ImmutableArray}.Create<{type}>({string.Join(", ", method.Reads.Select(Read))})";

        string Read(ReadModel read) => read.Kind switch
        {
            ReadKind.Logit => $"new {type}.Logit({Literals.Quote(read.Name)}, {Literals.Quote(read.Place ?? "end")})",
            ReadKind.From when read.Place is { } site => $"new {type}.From({Literals.Quote(read.Name)}, {Literals.Quote(site)})",
            ReadKind.From => $"new {type}.From({Literals.Quote(read.Name)})",
            _ => $"new {type}.Value()",
        };
    }

    private static string Body(MethodModel method, string arguments)
    {
        string values = string.Join(", ", method.Reads.Select((_, i) => $"{arguments}[{Literals.Number(i)}]"));
        return $"{(method.IsStatic ? "static " : "")}{arguments} => {Literals.Identifier(method.Name)}({values})";
    }
}
