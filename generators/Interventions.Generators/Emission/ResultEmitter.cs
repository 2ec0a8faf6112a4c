using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;

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
            Property(writer, name, CodeNames.Tensor, $"Get({Literals.Quote(name)})", "in this run");
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
        {
            string quoted = Literals.Quote(name);
            if (isSwept)
                Property(writer, name, "Swept", $"new Swept(GetSwept({quoted}))", "at every point of the sweep");
            else
                Property(writer, name, CodeNames.Tensor, $"Get({quoted})", "in the changed run");
        }
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

    private static void Property(SourceWriter writer, string name, string type, string value, string where)
    {
        writer.Summary($"What <c>{Literals.Xml(name)}</c> returned {where}.");
        writer.Line($"public {type} {Literals.Identifier(name)} => {value};");
    }

    private static void Swept(SourceWriter writer, InterventionSpec spec)
    {
        string list = Coordinates(spec);
        string point = $"[{list}]";
        writer.Summary($"A value at every point <c>{point}</c> of the sweep.");
        writer.Open($"{spec.Subject.Access} readonly struct Swept");
        writer.Line($"private readonly {CodeNames.SweptTensor} _values;");
        writer.Line($"internal Swept({CodeNames.SweptTensor} values) => _values = values;");
        bool hasPoints = spec.Sweep.Lists.Any(list => ListedPoints.Placeholders(list.Name).Count > 1);
        writer.Summary(
            $"All points: one leading axis a placeholder{(hasPoints ? ", or for those that go through points together" : "")}, "
            + "in the order of the indexer.");
        writer.Line($"public {CodeNames.Tensor} Values => _values.Values;");
        writer.Summary("The value at one point.");
        writer.Line(
            $"public {CodeNames.Tensor} this[{Parameters(spec)}] => this._values.At(new {CodeNames.SweepCoordinate}[] {{ {list} }});");
        writer.Summary("Every point with its mean, in the sweep's order.");
        writer.Line($"public {CodeNames.ReadOnlyList}<{CodeNames.SweptPoint}> Points() => _values.Points();");
        writer.Summary("The points whose mean moved furthest from the unchanged base run, furthest first.");
        writer.Line($"public {CodeNames.ReadOnlyList}<{CodeNames.SweptPoint}> Top(int count) => _values.Top(count);");
        writer.Close();
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
