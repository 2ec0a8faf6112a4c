using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>The nodes of a graph as expressions, line by line.</summary>
/// <param name="arguments">The name of a body's only variable.</param>
internal sealed class NodeEmitter(string arguments)
{
    /// <summary>A body's variable must not hide a method.</summary>
    public static NodeEmitter For(InterventionModel model) => new(model.Methods.Any(method => method.Name == "x") ? "arguments_" : "x");

    /// <summary>The writes to a site, except a path patch, which is no node: the one write, or a call of the method that makes several one.</summary>
    public string[] Write(SiteWrites writes) => writes.Method is { } method ? [method + "()"] : Write(writes.First);

    /// <summary>A write, except a path patch, which is no node.</summary>
    public string[] Write(WriteModel write) => write is WriteModel.Method method ? Node(method.Node) : [BuiltIn((WriteModel.BuiltIn)write)];

    /// <summary>A method.</summary>
    public string[] Node(MethodModel method)
    {
        string name = Literals.Quote(method.Name);
        var parts = new List<string>
        {
            method.Kind == NodeKind.Metric ? name : $"{name}, {Literals.Quote(method.Site)}",
            Reads(method),
            Body(method),
        };
        if (method is { Kind: NodeKind.Patch, Run: { } run })
            parts.Add(Literals.Quote(run));
        if (method is { Kind: NodeKind.Capture, BeforeWrites: true })
            parts.Add("BeforeWrites: true");
        if (method is { Kind: NodeKind.Gradient, Metric: { } metric })
            parts.Add(Literals.Quote(metric));
        string type = method.Kind == NodeKind.Patch ? "Write" : method.Kind.ToString();
        string[] properties =
        [
            .. method.Shape is { } shape ? [$"Shape = {List(shape)}"] : Array.Empty<string>(),
            .. method.IsPointwise ? ["Pointwise = true"] : Array.Empty<string>(),
            .. method.IsAcrossBatch ? ["AcrossBatch = true"] : Array.Empty<string>(),
        ];
        string end = properties.Length > 0 ? $") {{ {string.Join(", ", properties)} }}" : ")";
        return
        [
            $"new {Names.Runtime}.{type}Node(",
            .. parts.Select((part, i) => $"    {part}{(i < parts.Count - 1 ? "," : end)}"),
        ];
    }

    /// <summary>A trained value.</summary>
    public static string[] Parameter(ParameterModel parameter) =>
        [New("ParameterNode", Literals.Quote(parameter.Name), Literals.Identifier(parameter.Name), OrNothing(parameter.Metric))];

    /// <summary>A tensor whose shape is declared.</summary>
    public static string[] Shape(ShapeModel shape) => [New("ShapedTensor", Literals.Quote(shape.Name), Literals.Identifier(shape.Name), List(shape.Axes))];

    /// <summary>A derived run.</summary>
    public static string[] Run(RunModel run) => [New("DerivedRun", Literals.Quote(run.Name), OrNothing(run.Of))];

    /// <summary>What a placeholder of strengths or runs goes through.</summary>
    public static string[] Sweep(SweepModel sweep)
    {
        IEnumerable<string> values = sweep.Runs.Count > 0 ? sweep.Runs.Select(Literals.Quote) : sweep.Numbers.Select(Literals.Number);
        return [$"{Names.SweepAxis}.{(sweep.Runs.Count > 0 ? "OfRuns" : "OfNumbers")}({string.Join(", ", values.Prepend(Literals.Quote(sweep.Name)))})"];
    }

    private static string BuiltIn(WriteModel.BuiltIn write)
    {
        string site = Literals.Quote(write.Site), amount = write.AmountSweep is { } sweep ? Literals.Quote(sweep) : Literals.Number(write.Amount), donor = Literals.QuoteOrNull(write.Donor);
        string name = Literals.Quote(write.Property), property = Literals.Identifier(write.Property);
        string[] parts = write.Kind switch
        {
            WriteKind.Scale => [site, amount],
            WriteKind.Freeze => [site, "from: " + donor],
            WriteKind.Resample => [site, "from: " + donor, "seed: " + Literals.Number(write.Seed)],
            WriteKind.Mean => [site, "from: " + donor, "pooled: " + Literals.Truth(write.IsPooled), .. Reference(write)],
            WriteKind.Mix => [name, site, property, "from: " + donor, $"axes: {Strings(write.Axes)}"],
            WriteKind.Add => [name, site, property, "strength: " + amount],
            WriteKind.ProjectOut or WriteKind.ProjectOnto => [name, site, property],
            _ => [site],
        };
        return $"{Names.Runtime}.BuiltInWrites.{write.Kind}({string.Join(", ", parts)}{(write.Run is { } run ? ", run: " + Literals.Quote(run) : "")})";
    }

    private static IEnumerable<string> Reference(WriteModel.BuiltIn mean)
    {
        if (mean.Over is { } over)
            yield return "over: " + Literals.Identifier(over);
        if (mean.AcrossTemplates)
            yield return "acrossTemplates: true";
    }

    /// <summary>An array of strings, as an expression.</summary>
    public static string Strings(IEnumerable<string> texts) => $"new string[] {{ {string.Join(", ", texts.Select(Literals.Quote))} }}";

    private static string Reads(MethodModel method) => $"[{string.Join(", ", method.Reads.Select(Expression))}]";

    private static string Expression(ReadModel read) => read.Kind switch
    {
        ReadKind.Gradient => New("Read.Gradient"),
        ReadKind.From => New("Read.From", Literals.Quote(read.Name), OrNothing(read.Place)),
        ReadKind.ValueOf => New("Read.Of", Literals.Quote(read.Name)),
        ReadKind.Logit => New("Read.Logit", Literals.Quote(read.Name), OrNothing(read.Place), OrNothing(read.Run)),
        ReadKind.Logits => New("Read.Logits", OrNothing(read.Place), OrNothing(read.Run)),
        ReadKind.Swept => New("Read.Swept", Literals.Quote(read.Name)),
        ReadKind.Answer => New("Read.AnswerIds", Literals.Quote(read.Name)),
        _ => New("Read.Value"),
    };

    /// <summary>Optional parameters stand last, so that one that is not given is left out.</summary>
    private static string New(string type, params string?[] parts) => $"new {Names.Runtime}.{type}({string.Join(", ", parts.Where(part => part is not null))})";

    private static string List(IEnumerable<string> texts) => $"[{string.Join(", ", texts.Select(Literals.Quote))}]";

    private static string? OrNothing(string? text) => text is null ? null : Literals.Quote(text);

    private string Body(MethodModel method)
    {
        string values = string.Join(", ", method.Reads.Select((read, i) => $"{arguments}[{Literals.Number(i)}]{(read.Kind == ReadKind.Swept ? ".item<double>()" : "")}"));
        return $"{(method.IsStatic ? "static " : "")}{arguments} => {Literals.Identifier(method.Name)}({values})";
    }
}
