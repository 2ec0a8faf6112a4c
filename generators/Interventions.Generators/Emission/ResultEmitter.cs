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
        List<KeptSpec> own = Own(spec);
        if (spec.Inheritance.Base is null || own.Count > 0)
            RunValues(writer, spec, own);
        Result(writer.Line(), spec, own);
        if (spec.Sweep.Placeholders.Count > 0 && !spec.Inheritance.IsAbstract)
            Swept(writer.Line(), spec);
        Generated(writer.Line(), spec);
        Generation(writer.Line(), spec);
    }

    /// <summary>The kept values, inherited ones first.</summary>
    public static List<KeptSpec> Kept(InterventionSpec spec) =>
        spec.Inheritance.Kept.Concat(Own(spec)).GroupBy(kept => kept.Name).Select(same => same.First()).ToList();

    /// <summary>The placeholders as parameters: <c>int layer</c>.</summary>
    public static IEnumerable<string> Coordinates(InterventionSpec spec) =>
        spec.Sweep.Placeholders.Select(placeholder => $"{Type(placeholder.Kind)} {placeholder.Name}");

    private static List<KeptSpec> Own(InterventionSpec spec) => spec.Keeps.Methods.GroupBy(method => method.Name)
        .Select(methods => new KeptSpec(methods.Key, methods.First().IsStacked, methods.First().IsSwept)).ToList();

    private static void RunValues(SourceWriter writer, InterventionSpec spec, List<KeptSpec> own)
    {
        writer.Summary("The kept values in one unchanged run.");
        writer.Open($"{spec.Subject.Access} {spec.Inheritance.Nested("RunValues", CodeNames.UnchangedRun)}");
        foreach (KeptSpec kept in own)
            Property(writer, spec, kept, isChanged: false, "in this run");
        writer.Close();
    }

    /// <summary>
    /// Writes the type of the result. That of an abstract intervention gives every value as one that may be swept; a derived one hides it
    /// by its own.
    /// </summary>
    private static void Result(SourceWriter writer, InterventionSpec spec, List<KeptSpec> own)
    {
        string baseType = spec.Subject.PromptsHaveSchema ? $"{spec.Subject.Prompts}.Results<RunValues>" : CodeNames.RunResult;
        bool isSwept = spec.Sweep.Placeholders.Count > 0, isAbstract = spec.Inheritance.IsAbstract;
        writer.Summary(
            isSwept ? "The kept values in the changed run, for every point of the sweep." : "The kept values in the changed run.");
        writer.Open($"{spec.Subject.Access} {spec.Inheritance.Nested("Result", baseType)}");
        writer.Line($"{(isAbstract ? "protected " : "")}internal Result({CodeNames.RunResult} output) : base(output) {{ }}");
        foreach (NamedRunSpec run in spec.Inheritance.Runs)
        {
            writer.Summary($"The values in run <c>{Literals.Xml(run.Name)}</c>, unchanged.");
            writer.Line($"public new RunValues {run.Property} => Of<RunValues>({Literals.Quote(run.Name)});");
        }
        foreach (KeptSpec value in isAbstract ? own : Kept(spec))
            Property(writer, spec, value, isChanged: true, isSwept ? "at every point of the sweep" : "in the changed run");
        HashSet<string> kept = new(own.Select(value => value.Name));
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
    /// Writes a kept value: a tensor, or one that is indexed by layer where the path names several, or by the sweep's point. Whether what
    /// an abstract intervention keeps is swept, a derived one says.
    /// </summary>
    private static void Property(SourceWriter writer, InterventionSpec spec, KeptSpec kept, bool isChanged, string where)
    {
        string quoted = Literals.Quote(kept.Name);
        bool mayBeSwept = isChanged || kept.IsSwept;
        string type = spec.Inheritance.IsAbstract && mayBeSwept
            ? CodeNames.SweptTensor
            : Stacked(kept, isSwept: spec.Sweep.Placeholders.Count > 0 && mayBeSwept);
        string value = type switch
        {
            CodeNames.Tensor => $"Get({quoted})",
            CodeNames.LayerStack => $"GetStack({quoted})",
            CodeNames.SweptTensor => $"GetSwept({quoted})",
            _ => $"new {type}(GetSwept({quoted}))",
        };
        string hides = isChanged && spec.Inheritance.Kept.Any(inherited => inherited.Name == kept.Name) ? "new " : "";
        string name = kept.Name;
        writer.Summary($"What <c>{Literals.Xml(name)}</c> returned {where}.");
        writer.Line($"public {hides}{type} {Literals.Identifier(name)} => {value};");
    }

    private static string Stacked(KeptSpec kept, bool isSwept) =>
        isSwept ? (kept.IsStacked ? "Swept.Stacked" : "Swept") : kept.IsStacked ? CodeNames.LayerStack : CodeNames.Tensor;

    private static void Swept(SourceWriter writer, InterventionSpec spec)
    {
        string list = Arguments(spec);
        writer.Summary($"A value at every point <c>[{list}]</c> of the sweep, which indexes it.");
        writer.Open($"{spec.Subject.Access} sealed class Swept : {CodeNames.SweptTensor}<Swept>");
        Members(CodeNames.Tensor, "At", "Swept");
        if (Kept(spec).Any(kept => kept.IsStacked))
        {
            writer.Summary($"A value of several layers at every point <c>[{list}]</c> of the sweep, which indexes it.");
            writer.Open($"public sealed class Stacked : {CodeNames.SweptTensor}<Stacked>");
            Members(CodeNames.LayerStack, "StackAt", "Stacked");
            writer.Close();
        }
        writer.Close();

        void Members(string value, string at, string type)
        {
            writer.Line($"internal {type}({CodeNames.SweptTensor} values) : base(values, static other => new {type}(other)) {{ }}");
            writer.Line($"public {value} this[{Parameters(spec)}] => this.{at}(new {CodeNames.SweepCoordinate}[] {{ {list} }});");
        }
    }

    /// <summary>
    /// Writes the values that were kept while tokens were generated. Gradients are not among them: they are taken on prompts.
    /// </summary>
    private static void Generated(SourceWriter writer, InterventionSpec spec)
    {
        writer.Summary("What one run generated and kept.");
        writer.Open($"{spec.Subject.Access} {spec.Inheritance.Nested("Generated", CodeNames.GeneratedRun)}");
        IEnumerable<MethodSpec> kept = spec.Keeps.Methods.Where(method => method.Kind != NodeKind.Gradient);
        foreach (string name in kept.Select(method => method.Name).Distinct())
            writer.Line($"public {CodeNames.GeneratedValue} {Literals.Identifier(name)} => Get({Literals.Quote(name)});");
        writer.Close();
    }

    private static void Generation(SourceWriter writer, InterventionSpec spec)
    {
        bool isSwept = spec.Sweep.Placeholders.Count > 0;
        writer.Summary(isSwept ? "What was generated at every point of the sweep." : "What was generated.");
        (bool isAbstract, bool isDerived) = (spec.Inheritance.IsAbstract, spec.Inheritance.Base is not null);
        string hides = isDerived ? "new " : "", at = isDerived ? "At<Generated>" : "At";
        writer.Open($"{spec.Subject.Access} {spec.Inheritance.Nested("Generation", $"{CodeNames.GenerationResult}<Generated>")}");
        writer.Line($"{(isAbstract ? "protected " : "")}internal Generation({CodeNames.GenerationOutput} output) : base(output) {{ }}");
        if (isDerived)
            writer.Line("public new Generated Base => BaseAs<Generated>();");
        if (!isAbstract)
            writer.Line(isSwept
                ? $"public Generated this[{Parameters(spec)}] => this.{at}(new {CodeNames.SweepCoordinate}[] {{ {Arguments(spec)} }});"
                : $"public {hides}Generated Changed => {at}(default);");
        writer.Close();
    }

    private static string Arguments(InterventionSpec spec) =>
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
