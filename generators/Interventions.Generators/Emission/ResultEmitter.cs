using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes the types of the results: the values of an unchanged run, those of the changed one, the sweep over them, and generated tokens.
/// </summary>
internal static class ResultEmitter
{
    public static void Emit(SourceWriter writer, InterventionSpec spec)
    {
        List<string> kept = Kept(spec);
        RunValues(writer, spec, kept);
        Result(writer.Line(), spec, kept);
        if (spec.Sweep.Placeholders.Count > 0)
            Swept(writer.Line(), spec);
        Generated(writer.Line(), spec);
        Generation(writer.Line(), spec);
    }

    /// <summary>The names of the kept values.</summary>
    public static List<string> Kept(InterventionSpec spec) => spec.Keeps.Methods.Select(method => method.Name).Distinct().ToList();

    private static void RunValues(SourceWriter writer, InterventionSpec spec, List<string> kept)
    {
        writer.Summary("The kept values in one unchanged run.");
        writer.Open($"{spec.Subject.Access} sealed class RunValues : {CodeNames.UnchangedRun}");
        foreach (string name in kept)
            Property(writer, spec, name, isChanged: false, "in this run");
        writer.Close();
    }

    private static void Result(SourceWriter writer, InterventionSpec spec, List<string> kept)
    {
        string baseType = spec.Subject.PromptsHaveSchema ? $"{spec.Subject.Prompts}.Results<RunValues>" : CodeNames.RunResult;
        bool isSwept = spec.Sweep.Placeholders.Count > 0;
        writer.Summary(
            isSwept ? "The kept values in the changed run, for every point of the sweep." : "The kept values in the changed run.");
        writer.Open($"{spec.Subject.Access} sealed class Result : {baseType}");
        writer.Line($"internal Result({CodeNames.RunResult} output) : base(output) {{ }}");
        foreach (string name in kept)
            Property(writer, spec, name, isChanged: true, isSwept ? "at every point of the sweep" : "in the changed run");
        foreach (MethodSpec method in spec.Keeps.Methods.Where(method => method.IsRagged && !kept.Contains(ResultNames.Mask(method.Name))))
        {
            writer.Summary(
                $"Where <c>{Literals.Xml(method.Name)}</c> has real values: elsewhere a shorter prompt is padded with zeros. "
                + "It broadcasts to the values of every run.");
            writer.Line($"public {CodeNames.Tensor} {ResultNames.Mask(method.Name)} => GetMask({Literals.Quote(method.Name)});");
        }
        // A trained value has one gradient over all points of a sweep. Two results of one name are an error of their own: one is written.
        IEnumerable<string> parameters = spec.Keeps.Parameters.Select(parameter => parameter.Name).Concat(spec.Keeps.IncludedParameters);
        foreach (string parameter in parameters.Distinct().Where(parameter => !kept.Contains(ResultNames.Gradient(parameter))))
        {
            writer.Summary($"The metric's gradient with respect to <c>{Literals.Xml(parameter)}</c>, summed over prompts.");
            writer.Line($"public {CodeNames.Tensor} {ResultNames.Gradient(parameter)} => GetGradient({Literals.Quote(parameter)});");
        }
        writer.Close();
    }

    /// <summary>
    /// Writes a kept value: a tensor, or one that is indexed by layer where the path names several, or by the sweep's point.
    /// </summary>
    private static void Property(SourceWriter writer, InterventionSpec spec, string name, bool isChanged, string where)
    {
        MethodSpec method = spec.Keeps.Methods.First(method => method.Name == name);
        string quoted = Literals.Quote(name);
        string type = Stacked(method, isSwept: spec.Sweep.Placeholders.Count > 0 && (isChanged || method.IsSwept));
        string value = type switch
        {
            CodeNames.Tensor => $"Get({quoted})",
            CodeNames.LayerStack => $"GetStack({quoted})",
            _ => $"new {type}(GetSwept({quoted}))",
        };
        writer.Summary($"What <c>{Literals.Xml(name)}</c> returned {where}.");
        writer.Line($"public {type} {Literals.Identifier(name)} => {value};");
    }

    private static string Stacked(MethodSpec method, bool isSwept) =>
        isSwept ? (method.IsStacked ? "Swept.Stacked" : "Swept") : method.IsStacked ? CodeNames.LayerStack : CodeNames.Tensor;

    private static void Swept(SourceWriter writer, InterventionSpec spec)
    {
        string list = Coordinates(spec);
        writer.Summary($"A value at every point <c>[{list}]</c> of the sweep, which indexes it.");
        writer.Open($"{spec.Subject.Access} sealed class Swept : {CodeNames.SweptTensor}");
        Members(CodeNames.Tensor, "At", "Swept");
        if (spec.Keeps.Methods.Any(method => method.IsStacked))
        {
            writer.Summary($"A value of several layers at every point <c>[{list}]</c> of the sweep, which indexes it.");
            writer.Open($"public sealed class Stacked : {CodeNames.SweptTensor}");
            Members(CodeNames.LayerStack, "StackAt", "Stacked");
            writer.Close();
        }
        writer.Close();

        void Members(string value, string at, string type)
        {
            writer.Line($"internal {type}({CodeNames.SweptTensor} values) : base(values) {{ }}");
            writer.Line($"public {value} this[{Parameters(spec)}] => this.{at}(new {CodeNames.SweepCoordinate}[] {{ {list} }});");
            writer.Line($"/// <inheritdoc cref=\"{CodeNames.SweptTensor}.Change\"/>");
            writer.Line($"public new {type} Change => new {type}(base.Change);");
            writer.Line($"/// <inheritdoc cref=\"{CodeNames.SweptTensor}.Mean\"/>");
            writer.Line($"public new {type} Mean() => new {type}(base.Mean());");
        }
    }

    /// <summary>
    /// Writes the values that were kept while tokens were generated. Gradients are not among them: they are taken on prompts.
    /// </summary>
    private static void Generated(SourceWriter writer, InterventionSpec spec)
    {
        writer.Summary("What one run generated and kept.");
        writer.Open($"{spec.Subject.Access} sealed class Generated : {CodeNames.GeneratedRun}");
        IEnumerable<MethodSpec> kept = spec.Keeps.Methods.Where(method => method.Kind != NodeKind.Gradient);
        foreach (string name in kept.Select(method => method.Name).Distinct())
            writer.Line($"public {CodeNames.GeneratedValue} {Literals.Identifier(name)} => Get({Literals.Quote(name)});");
        writer.Close();
    }

    private static void Generation(SourceWriter writer, InterventionSpec spec)
    {
        bool isSwept = spec.Sweep.Placeholders.Count > 0;
        writer.Summary(isSwept ? "What was generated at every point of the sweep." : "What was generated.");
        writer.Open($"{spec.Subject.Access} sealed class Generation : {CodeNames.GenerationResult}<Generated>");
        writer.Line($"internal Generation({CodeNames.GenerationOutput} output) : base(output) {{ }}");
        writer.Line(isSwept
            ? $"public Generated this[{Parameters(spec)}] => this.At(new {CodeNames.SweepCoordinate}[] {{ {Coordinates(spec)} }});"
            : "public Generated Changed => At(default);");
        writer.Close();
    }

    private static string Coordinates(InterventionSpec spec) =>
        string.Join(", ", spec.Sweep.Placeholders.Select(placeholder => Literals.Identifier(placeholder.Name)));

    private static string Parameters(InterventionSpec spec) =>
        string.Join(", ", spec.Sweep.Placeholders.Select(
            placeholder => $"{Type(placeholder.Kind)} {Literals.Identifier(placeholder.Name)}"));

    private static string Type(PlaceholderKind kind) => kind switch
    {
        PlaceholderKind.Number => "double",
        PlaceholderKind.Name => "string",
        _ => "int",
    };
}
