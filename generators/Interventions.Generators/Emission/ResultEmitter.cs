using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes the types of what a run gives: the values of an unchanged run, those of the changed one, and the sweep over them.</summary>
internal static class ResultEmitter
{
    public static void Emit(SourceWriter writer, InterventionModel model)
    {
        List<string> kept = Kept(model);
        RunValues(writer, model, kept);
        Result(writer.Line(), model, kept);
        if (model.Placeholders.Count > 0)
            Swept(writer.Line(), model);
    }

    /// <summary>The names of what is kept and measured.</summary>
    public static List<string> Kept(InterventionModel model) => model.Methods.Where(method => method.Kind != NodeKind.Patch).Select(method => method.Name).Distinct().ToList();

    private static void RunValues(SourceWriter writer, InterventionModel model, List<string> kept)
    {
        writer.Summary("The kept values in one unchanged run.");
        writer.Open($"{model.Access} sealed class RunValues : {Names.RunResult}");
        foreach (string name in kept)
            Property(writer, name, Names.Tensor, $"Get({Literals.Quote(name)})", "in this run");
        writer.Close();
    }

    private static void Result(SourceWriter writer, InterventionModel model, List<string> kept)
    {
        string baseType = model.PromptsHaveSchema ? $"{model.PromptType}.Results<RunValues>" : Names.InterventionResult;
        bool isSwept = model.Placeholders.Count > 0;
        writer.Summary(isSwept ? "The kept values in the changed run, for every point of the sweep." : "The kept values in the changed run.");
        writer.Open($"{model.Access} sealed class Result : {baseType}");
        writer.Line($"internal Result({Names.RunOutput} output) : base(output) {{ }}");
        foreach (string name in kept)
        {
            string quoted = Literals.Quote(name);
            Property(
                writer, name, isSwept ? "Swept" : Names.Tensor, isSwept ? $"new Swept(GetSwept({quoted}))" : $"Get({quoted})",
                isSwept ? "at every point of the sweep" : "in the changed run");
        }
        foreach (MethodModel method in model.Methods.Where(method => IsMasked(method) && !kept.Contains(method.Name + "Mask")))
        {
            writer.Summary($"Where <c>{Literals.Xml(method.Name)}</c> has real values: elsewhere a shorter prompt is padded with zeros. It broadcasts to the values of every run.");
            writer.Line($"public {Names.Tensor} {method.Name}Mask => GetMask({Literals.Quote(method.Name)});");
        }
        // Over all points of a sweep, a trained value has one gradient. (Of two results of one name, which an analyzer reports, one is left.)
        IEnumerable<string> parameters = model.Parameters.Select(parameter => parameter.Name).Concat(model.IncludedParameters);
        foreach (string parameter in parameters.Distinct().Where(parameter => kept.All(name => name != ResultNames.Gradient(parameter))))
        {
            writer.Summary($"The metric's gradient with respect to <c>{Literals.Xml(parameter)}</c>, summed over prompts.");
            writer.Line($"public {Names.Tensor} {ResultNames.Gradient(parameter)} => GetGradient({Literals.Quote(parameter)});");
        }
        writer.Close();
    }

    private static bool IsMasked(MethodModel method) => method.Kind is NodeKind.Capture or NodeKind.Gradient && RaggedPath.MayBe(method.Site);

    private static void Property(SourceWriter writer, string name, string type, string value, string where)
    {
        writer.Summary($"What <c>{Literals.Xml(name)}</c> returned {where}.");
        writer.Line($"public {type} {Literals.Identifier(name)} => {value};");
    }

    /// <summary>The type of a coordinate.</summary>
    public static string Type(PlaceholderKind kind) => kind switch
    {
        PlaceholderKind.Number => "double",
        PlaceholderKind.Name => "string",
        _ => "int",
    };

    private static void Swept(SourceWriter writer, InterventionModel model)
    {
        List<string> names = model.Placeholders.Select(placeholder => Literals.Identifier(placeholder.Name)).ToList();
        string list = string.Join(", ", names);
        string point = $"[{list}]";
        writer.Summary($"A value at every point <c>{point}</c> of the sweep.");
        writer.Open($"{model.Access} readonly struct Swept");
        writer.Line($"private readonly {Names.SweptTensor} _values;");
        writer.Line($"internal Swept({Names.SweptTensor} values) => _values = values;");
        writer.Summary("All points: one leading axis a placeholder, in the order of the indexer.");
        writer.Line($"public {Names.Tensor} Values => _values.Values;");
        writer.Summary("The value at one point.");
        string parameters = string.Join(", ", names.Select((name, i) => $"{Type(model.Placeholders[i].Kind)} {name}"));
        writer.Line($"public {Names.Tensor} this[{parameters}] => this._values.At(new {Names.SweepCoordinate}[] {{ {list} }});");
        writer.Summary("Every point with its mean, in the sweep's order.");
        writer.Line($"public {Names.ReadOnlyList}<{Names.SweptPoint}> Points() => _values.Points();");
        writer.Summary("The points whose mean moved furthest from the unchanged base run, furthest first.");
        writer.Line($"public {Names.ReadOnlyList}<{Names.SweptPoint}> Top(int count) => _values.Top(count);");
        writer.Close();
    }
}
