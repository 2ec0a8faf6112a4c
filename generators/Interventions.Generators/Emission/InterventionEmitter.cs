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
    }, GraphEmitter.CallsPathPatch(model) ? $"using static {Names.Graphs}.PathPatching;" : null);

    private static void Graph(SourceWriter writer, InterventionModel model)
    {
        GraphEmitter.Emit(GraphSummary(writer), model);
        RunHeader(writer.Line(), model, " =>");
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
        writer.Summary("Runs the model on the prompts with and without this intervention.");
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
}
