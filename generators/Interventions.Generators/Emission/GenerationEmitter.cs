using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes <c>Generate</c> and the types of what it gives: what one run generated, and the runs of the sweep.</summary>
internal static class GenerationEmitter
{
    /// <summary>The method, with an expression for its body.</summary>
    public static void Method(SourceWriter writer, InterventionModel model, string body)
    {
        writer.Summary("Continues the prompts under this intervention, token by token.");
        writer.Line($"{model.Access} Generation Generate({model.ModelType} model, {model.PromptType} prompts, {Names.GenerationOptions}? options = null, {Names.CancellationToken} cancellationToken = default) =>");
        writer.Indented(body);
    }

    /// <summary>What the method's body returns.</summary>
    public static string Call => $"new Generation({Names.GenerationRunner}.Generate(Graph, model, prompts, options, cancellationToken));";

    /// <summary>The types. Gradients are a run's.</summary>
    public static void Types(SourceWriter writer, InterventionModel model)
    {
        writer.Line().Summary("What one run generated and kept.");
        writer.Open($"{model.Access} sealed class Generated : {Names.GeneratedValues}");
        foreach (string name in model.Methods.Where(method => method.Kind is NodeKind.Capture or NodeKind.Metric).Select(method => method.Name).Distinct())
            writer.Line($"public {Names.GeneratedValue} {Literals.Identifier(name)} => Get({Literals.Quote(name)});");
        writer.Close();

        List<string> names = model.Placeholders.Select(placeholder => Literals.Identifier(placeholder.Name)).ToList();
        string parameters = string.Join(", ", names.Select((name, i) => $"{ResultEmitter.Type(model.Placeholders[i].Kind)} {name}"));
        writer.Line().Summary(names.Count > 0 ? "What was generated at every point of the sweep." : "What was generated.");
        writer.Open($"{model.Access} sealed class Generation : {Names.GenerationResult}<Generated>");
        writer.Line($"internal Generation({Names.GenerationOutput} output) : base(output) {{ }}");
        writer.Line(names.Count > 0
            ? $"public Generated this[{parameters}] => this.At(new {Names.SweepCoordinate}[] {{ {string.Join(", ", names)} }});"
            : "public Generated Changed => At(default);");
        writer.Close();
    }
}
