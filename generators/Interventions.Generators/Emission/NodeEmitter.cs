using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;

namespace Interventions.Generators.Emission;

/// <summary>Writes the nodes of a graph as expressions, line by line.</summary>
/// <param name="arguments">The name of the one variable in a lambda's body.</param>
internal sealed class NodeEmitter(string arguments)
{
    /// <summary>The emitter of a declaration: the variable must not hide a method.</summary>
    public static NodeEmitter For(InterventionSpec spec)
    {
        IEnumerable<MethodSpec> patches =
            spec.Writes.Steps.SelectMany(step => step.Writes).OfType<WriteSpec.Method>().Select(write => write.Node);
        return new(spec.Keeps.Methods.Concat(patches).Any(method => method.Name == "x") ? "arguments_" : "x");
    }

    /// <summary>The one write of a step, or a call of the method that fuses several.</summary>
    public string[] Write(StepSpec step) => step.Method is { } method ? [method + "()"] : Write(step.First);

    /// <summary>A write of a method, or a built-in one.</summary>
    public string[] Write(WriteSpec write) => write is WriteSpec.Method method ? Node(method.Node) : [BuiltIn((WriteSpec.BuiltIn)write)];

    /// <summary>A method.</summary>
    public string[] Node(MethodSpec method)
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
            $"new {CodeNames.Runtime}.{type}Node(",
            .. parts.Select((part, i) => $"    {part}{(i < parts.Count - 1 ? "," : end)}"),
        ];
    }

    /// <summary>A trained value.</summary>
    public static string[] Parameter(ParameterSpec parameter) =>
        [New("ParameterNode", Literals.Quote(parameter.Name), Literals.Identifier(parameter.Name), OrNothing(parameter.Metric))];

    /// <summary>A tensor whose shape is declared.</summary>
    public static string[] Shape(ShapeSpec shape) =>
        [New("ShapedTensor", Literals.Quote(shape.Name), Literals.Identifier(shape.Name), List(shape.Axes))];

    /// <summary>A derived run.</summary>
    public static string[] Run(RunSpec run) => [New("DerivedRun", Literals.Quote(run.Name), OrNothing(run.From))];

    /// <summary>The values of a placeholder that stands for strengths or runs.</summary>
    public static string[] Sweep(SweepListSpec sweep)
    {
        bool isOfRuns = sweep.Runs.Count > 0;
        IEnumerable<string> values = isOfRuns ? sweep.Runs.Select(Literals.Quote) : sweep.Numbers.Select(Literals.Number);
        string arguments = string.Join(", ", values.Prepend(Literals.Quote(sweep.Name)));
        return [$"{CodeNames.SweepAxis}.{(isOfRuns ? "OfRuns" : "OfNumbers")}({arguments})"];
    }

    private static string BuiltIn(WriteSpec.BuiltIn write)
    {
        string site = Literals.Quote(write.Site), donor = Literals.QuoteOrNull(write.Donor);
        string amount = write.AmountSweep is { } sweep ? Literals.Quote(sweep) : Literals.Number(write.Amount);
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
        string run = write.Run is { } derived ? ", run: " + Literals.Quote(derived) : "";
        return $"{CodeNames.Runtime}.BuiltInWrites.{write.Kind}({string.Join(", ", parts)}{run})";
    }

    private static IEnumerable<string> Reference(WriteSpec.BuiltIn mean)
    {
        if (mean.Over is { } over)
            yield return "over: " + Literals.Identifier(over);
        if (mean.AcrossTemplates)
            yield return "acrossTemplates: true";
    }

    /// <summary>An array of strings, as an expression.</summary>
    public static string Strings(IEnumerable<string> texts) => $"new string[] {{ {Literals.QuoteAll(texts)} }}";

    private static string Reads(MethodSpec method) => $"[{string.Join(", ", method.Reads.Select(Read))}]";

    private static string Read(ReadSpec read) => read.Kind switch
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

    /// <summary>Optional parameters stand last, so an argument that is null is left out.</summary>
    private static string New(string type, params string?[] parts) =>
        $"new {CodeNames.Runtime}.{type}({string.Join(", ", parts.Where(part => part is not null))})";

    private static string List(IEnumerable<string> texts) => $"[{Literals.QuoteAll(texts)}]";

    private static string? OrNothing(string? text) => text is null ? null : Literals.Quote(text);

    private string Body(MethodSpec method)
    {
        string values = string.Join(", ", method.Reads.Select(
            (read, i) => $"{arguments}[{Literals.Number(i)}]{(read.Kind == ReadKind.Swept ? ".item<double>()" : "")}"));
        return $"{(method.IsStatic ? "static " : "")}{arguments} => {Literals.Identifier(method.Name)}({values})";
    }
}
