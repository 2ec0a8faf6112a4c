using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;

namespace Interventions.Generators.Emission;

/// <summary>Writes the members that <c>[Intervention]</c> adds: the graph, and the methods that run it.</summary>
internal static class InterventionEmitter
{
    private const string Options = $"{CodeNames.RunOptions}? options = null, {CodeNames.CancellationToken} cancellationToken = default";

    public static string Emit(InterventionSpec spec)
    {
        string? usings = GraphEmitter.CallsPathPatch(spec) ? $"using static {CodeNames.Runtime}.PathPatching;" : null;
        return TypeEmitter.Emit(spec.Type, Attributes(spec), spec.Type.Header, writer => Members(writer, spec), usings);
    }

    private static IEnumerable<string> Attributes(InterventionSpec spec)
    {
        foreach (DeclaredSiteSpec site in spec.DeclaredSites)
            yield return $"{CodeNames.DeclaredSiteAttribute}({Literals.Quote(site.Member)}, {Literals.Quote(site.Path)})";
        if (spec.Inheritance.IsAbstract)
            yield return $"{CodeNames.InheritedAttribute}({NodeEmitter.Strings(ResultEmitter.Kept(spec).Select(kept => kept.ToString()))}, "
                + $"{NodeEmitter.Strings(ResultEmitter.Coordinates(spec))})";
    }

    private static void Members(SourceWriter writer, InterventionSpec spec)
    {
        // A declaration that an analyzer reports has members that throw: the code that calls them should not be in error too.
        string? refusal = spec.IsWellFormed ? null : TypeEmitter.Refusal(spec.Type);
        writer.Summary("What this declaration writes, keeps and measures.");
        if (refusal is null)
            GraphEmitter.Emit(writer, spec);
        else
            writer.Line($"public {spec.Inheritance.Modifier}{CodeNames.InterventionGraph} Graph =>").Indented(refusal);
        writer.Line();
        if (spec.Inheritance.Base is null)
        {
            writer.Summary("The methods and tensors that a saved graph of this declaration refers to by name.");
            writer.Line($"public {CodeNames.GraphMembers} Members => {refusal ?? $"{CodeNames.GraphMembers}.Of(Graph);"}").Line();
        }
        Run(writer, spec, refusal);
        LongRuns(writer, spec, refusal);
        Generate(writer, spec, refusal);
        ResultEmitter.Emit(writer.Line(), spec);
    }

    private static void Run(SourceWriter writer, InterventionSpec spec, string? refusal)
    {
        writer.Summary("Runs the model on the prompts with and without this intervention. The result owns its tensors: dispose it.");
        writer.Line($"/// <inheritdoc cref=\"{CodeNames.Runner}.Run\" path=\"/param\"/>");
        writer.Line($"{Access(spec)}Result Run({Subject(spec)}, {Options}) =>");
        writer.Indented(refusal ?? $"new Result({CodeNames.Runner}.Run(Graph, model, prompts, options, cancellationToken));");
    }

    /// <summary>Writes the methods for runs that take long: <c>StreamAsync</c>, <c>RunTo</c> and <c>Load</c>.</summary>
    private static void LongRuns(SourceWriter writer, InterventionSpec spec, string? refusal)
    {
        string access = Access(spec);
        writer.Summary(
            "Runs the prompts batch by batch: each batch's result as soon as it is there, which the reader disposes. "
            + "At most one batch is computed ahead.");
        string stream = refusal
            ?? $"{CodeNames.Runner}.StreamAsync(Graph, model, prompts, static output => new Result(output), options, cancellationToken);";
        writer.Line($"{access}{CodeNames.AsyncEnumerable}<Result> StreamAsync({Subject(spec)}, {Options}) => {stream}");

        writer.Summary(
            "Runs the prompts batch by batch into a safetensors file. After whatever stopped it, the same call goes on where it stopped; "
            + "where the file is complete, it is loaded.");
        string runTo = refusal ?? $"new Result({CodeNames.Runner}.RunTo(Graph, model, prompts, path, options, cancellationToken));";
        writer.Line($"{access}Result RunTo({Subject(spec)}, string path, {Options}) => {runTo}");

        // A file is the result of one declaration.
        if (spec.Inheritance.IsAbstract)
            return;
        writer.Summary("Reads a result that <c>Result.Save</c> or <c>RunTo</c> wrote.");
        string placeholders = NodeEmitter.Strings(spec.Sweep.Placeholders.Select(placeholder => placeholder.Name));
        string load = refusal
            ?? $"new Result({CodeNames.RunResult}.Load(path, {Literals.Quote(spec.Type.Name)}, "
                + $"{NodeEmitter.Strings(ResultEmitter.Kept(spec).Select(kept => kept.Name))}, {placeholders}));";
        writer.Line($"{spec.Subject.Access} static Result Load(string path) => {load}");
    }

    private static void Generate(SourceWriter writer, InterventionSpec spec, string? refusal)
    {
        writer.Summary("Continues the prompts under this intervention, token by token.");
        writer.Line(
            $"{Access(spec)}Generation Generate({Subject(spec)}, {CodeNames.GenerationOptions}? options = null, "
            + $"{CodeNames.CancellationToken} cancellationToken = default) =>");
        writer.Indented(
            refusal ?? $"new Generation({CodeNames.GenerationRunner}.Generate(Graph, model, prompts, options, cancellationToken));");
    }

    /// <summary>The accessibility of a method that derived interventions override, and the word that says so.</summary>
    private static string Access(InterventionSpec spec) => $"{spec.Subject.Access} {spec.Inheritance.Modifier}";

    private static string Subject(InterventionSpec spec) => $"{spec.Subject.Model} model, {spec.Subject.Prompts} prompts";
}
