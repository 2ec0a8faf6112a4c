using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes what stands beside <c>Run</c> for runs that take long: <c>StreamAsync</c>, <c>RunTo</c>, and <c>Load</c>.</summary>
internal static class LongRunEmitter
{
    public static void Emit(SourceWriter writer, InterventionModel model) => Methods(
        writer,
        model,
        $"{Names.Runner}.StreamAsync(Graph, model, prompts, static output => new Result(output), options, cancellationToken);",
        $"new Result({Names.Runner}.RunTo(Graph, model, prompts, path, options, cancellationToken));",
        $"new Result({Names.RunOutput}.Load(path, {Literals.Quote(model.Type.Name)}, {Strings(ResultEmitter.Kept(model))}, {Strings(model.Placeholders.Select(placeholder => placeholder.Name))}));");

    /// <summary>The same methods of a declaration that is in error.</summary>
    public static void Refuse(SourceWriter writer, InterventionModel model, string because) => Methods(writer, model, because, because, because);

    private static void Methods(SourceWriter writer, InterventionModel model, string stream, string runTo, string load)
    {
        string prompts = $"{model.ModelType} model, {model.PromptType} prompts", options = $"{Names.RunOptions}? options = null, {Names.CancellationToken} cancellationToken = default";
        writer.Summary("Runs the prompts batch by batch: each batch's result as soon as it is there, which the reader disposes. At most one batch is computed ahead.");
        writer.Line($"{model.Access} {Names.AsyncEnumerable}<Result> StreamAsync({prompts}, {options}) => {stream}");
        writer.Summary("Runs the prompts batch by batch into a safetensors file. After whatever stopped it, the same call goes on where it stopped; where the file is complete, it is loaded.");
        writer.Line($"{model.Access} Result RunTo({prompts}, string path, {options}) => {runTo}");
        writer.Summary("Reads a result that <c>Result.Save</c> or <c>RunTo</c> wrote.");
        writer.Line($"{model.Access} static Result Load(string path) => {load}");
    }

    private static string Strings(IEnumerable<string> items) => $"new string[] {{ {string.Join(", ", items.Select(Literals.Quote))} }}";
}
