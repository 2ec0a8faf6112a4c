using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes the graph of a declaration. The writes stand in the order in which they happen: an initializer holds them up to the first path
/// patch, splice or late include; each of those, and the writes after it, is a call on the graph so far. A call that includes another graph
/// puts its writes first.
/// </summary>
internal static class GraphEmitter
{
    /// <summary>Writes the property <c>Graph</c>, and the methods that fuse writes.</summary>
    public static void Emit(SourceWriter writer, InterventionSpec spec)
    {
        var nodes = NodeEmitter.For(spec);
        List<StepSpec> first = spec.Writes.Steps.TakeWhile(step => IsNode(step.First)).ToList();

        writer.Line($"public {spec.Inheritance.Modifier}{CodeNames.InterventionGraph} Graph => new {CodeNames.InterventionGraph}").Open();
        writer.Line($"Name = {Literals.Quote(spec.Type.Name)},");
        // A generic intervention is compiled against no model: its names are compared with the model that it runs on.
        if (!spec.Subject.IsGeneric)
            writer.Line($"ModelFingerprint = {spec.Subject.Model}.SchemaFingerprint,");
        writer.Line($"PromptFingerprint = {spec.Subject.Prompts}.SchemaFingerprint,");
        if (spec.Writes.Changes is { } changes)
            writer.Line($"Changes = {Literals.Quote(changes)},");
        Nodes(writer, "Sweeps", spec.Sweep.Lists.Select(list => NodeEmitter.Sweep(list, spec.Type.Name)));
        Nodes(writer, "Runs", spec.Writes.Runs.Select(NodeEmitter.Run));
        Nodes(writer, "Writes", first.Select(nodes.Write));
        foreach (NodeKind kind in new[] { NodeKind.Capture, NodeKind.Gradient, NodeKind.Metric })
            Nodes(writer, kind + "s", spec.Keeps.Methods.Where(method => method.Kind == kind).Select(nodes.Node));
        Nodes(writer, "Parameters", spec.Keeps.Parameters.Select(NodeEmitter.Parameter));
        Nodes(writer, "Shapes", spec.Keeps.Shapes.Select(NodeEmitter.Shape));

        List<string[]> calls = Calls(spec.Writes, first.Count, nodes).ToList();
        // What is inherited comes first: it is put before all that the graph has.
        if (spec.Inheritance.Base is not null)
            calls.Add([".Inheriting(base.Graph)"]);
        writer.Close(calls.Count == 0 ? ";" : "");
        for (int i = 0; i < calls.Count; i++)
            writer.Indented(WithEnd(calls[i], i < calls.Count - 1 ? "" : ";"));
        foreach (StepSpec step in spec.Writes.Steps.Where(step => step.Method is not null))
            Fused(writer.Line(), step, nodes);
    }

    /// <summary>Whether the graph calls <c>PathPatch</c>, an extension method.</summary>
    public static bool CallsPathPatch(InterventionSpec spec) =>
        spec.IsWellFormed && spec.Writes.Steps.Any(step => step.First is WriteSpec.PathPatch);

    private static bool IsNode(WriteSpec write) => write is not (WriteSpec.PathPatch or WriteSpec.Splice or WriteSpec.Include);

    private static IEnumerable<string[]> Calls(WritesSpec writes, int start, NodeEmitter nodes)
    {
        // The graph that is included last comes first.
        foreach (string include in writes.Includes.Reverse())
            yield return [$".Including({Included(include)})"];
        var then = new List<string[]>();
        foreach (StepSpec step in writes.Steps.Skip(start))
        {
            if (IsNode(step.First))
            {
                then.Add(nodes.Write(step));
                continue;
            }
            if (then.Count > 0)
                yield return Then(then);
            then.Clear();
            yield return
            [
                step.First switch
                {
                    WriteSpec.PathPatch path => PathPatch(path),
                    WriteSpec.Splice splice => Splice(splice),
                    var include => $".Then({Included(((WriteSpec.Include)include).Property)})",
                },
            ];
        }
        if (then.Count > 0)
            yield return Then(then);
    }

    private static string Included(string property) => $"{Literals.Identifier(property)}.Graph, {Literals.Quote(property)}";

    private static string PathPatch(WriteSpec.PathPatch path)
    {
        string senders =
            path.Senders.Count == 1 && path.Frozen is null ? Literals.Quote(path.Senders[0]) : NodeEmitter.Strings(path.Senders);
        string frozen = path.Frozen is { } sites ? $", freeze: {NodeEmitter.Strings(sites)}" : "";
        string run = path.Run is { } derived ? $", run: {Literals.Quote(derived)}" : "";
        return $".PathPatch({senders}, {NodeEmitter.Strings(path.Receivers)}, from: {Literals.Quote(path.From)}, "
            + $"freezeMlps: {Literals.Truth(path.FreezeMlps)}{frozen}{run})";
    }

    private static string Splice(WriteSpec.Splice splice)
    {
        var parts = new List<string> { Literals.Quote(splice.Property), Literals.Quote(splice.Site), Literals.Identifier(splice.Property) };
        if (splice.Reads is { } reads)
            parts.Add("reads: " + Literals.Quote(reads));
        if (!splice.ErrorTerm)
            parts.Add("errorTerm: false");
        if (splice.DetachError)
            parts.Add("detachError: true");
        if (splice.Features != 0)
            parts.Add("features: " + Literals.Number(splice.Features));
        return $".Splice({string.Join(", ", parts)})";
    }

    private static string[] Then(List<string[]> writes) => [".Then(", .. Separated(writes, ")")];

    private static void Fused(SourceWriter writer, StepSpec step, NodeEmitter nodes)
    {
        string path = step.First is WriteSpec.Method { Node: var node } ? node.Site : ((WriteSpec.BuiltIn)step.First).Site;
        writer.Summary(
            $"The writes to <c>{Literals.Xml(path)}</c> as one, in the order of the text: each reads what the one before it wrote.");
        writer.Line($"private {CodeNames.Runtime}.WriteNode {step.Method}() => {CodeNames.Runtime}.WriteNode.Fuse(");
        foreach (string line in Separated(step.Writes.Select(nodes.Write).ToList(), ");"))
            writer.Line(line);
    }

    private static void Nodes(SourceWriter writer, string property, IEnumerable<string[]> nodes)
    {
        List<string[]> all = nodes.ToList();
        if (all.Count == 0)
            return;
        writer.Line($"{property} =").Line("[");
        foreach (string line in Separated(all, ""))
            writer.Line(line);
        writer.Line("],");
    }

    private static IEnumerable<string> Separated(List<string[]> nodes, string end) =>
        nodes.SelectMany((lines, i) => WithEnd(lines, i < nodes.Count - 1 ? "," : end)).Select(line => "    " + line);

    private static string[] WithEnd(string[] lines, string end) => [.. lines.Take(lines.Length - 1), lines[lines.Length - 1] + end];
}

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

    /// <summary>What a placeholder, or several together, go through.</summary>
    public static string[] Sweep(SweepListSpec sweep, string type)
    {
        int placeholders = ListedPoints.Placeholders(sweep.Name).Count;
        if (sweep.Property is { } property)
        {
            string coordinates = placeholders == 1
                ? "point"
                : string.Join(", ", Enumerable.Range(1, placeholders).Select(i => $"point.Item{Literals.Number(i)}"));
            return
            [
                $"{CodeNames.Runtime}.SweptLists.Of(",
                $"    {Literals.Quote($"{type}.{property}")},",
                $"    {Literals.Quote(sweep.Name)},",
                $"    {Literals.Identifier(property)},",
                $"    static point => new {CodeNames.SweepCoordinate}[] {{ {coordinates} }})",
            ];
        }
        string of = placeholders > 1 ? "OfPoints" : sweep.Texts.Count > 0 ? "OfRuns" : "OfNumbers";
        IEnumerable<string> values = sweep.Texts.Select(Literals.Quote).Concat(sweep.Numbers.Select(Literals.Number));
        return [$"{CodeNames.SweepAxis}.{of}({string.Join(", ", values.Prepend(Literals.Quote(sweep.Name)))})"];
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
            WriteKind.Mix => [name, site, property, Ablation(write) ?? "from: " + donor, $"axes: {Strings(write.Axes)}"],
            WriteKind.Add => [name, site, property, "strength: " + amount],
            WriteKind.ProjectOut or WriteKind.ProjectOnto => [name, site, property],
            _ => [site],
        };
        string run = write.Run is { } derived ? ", run: " + Literals.Quote(derived) : "";
        return $"{CodeNames.Runtime}.BuiltInWrites.{write.Kind}({string.Join(", ", parts)}{run})";
    }

    /// <summary>What a mask mixes in, as the write that it is; null for another run's value.</summary>
    private static string? Ablation(WriteSpec.BuiltIn mix) =>
        mix.Ablation is { } kind ? "ablation: " + BuiltIn(mix with { Kind = kind, Run = null }) : null;

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
        ReadKind.WordLogits => $"{CodeNames.Runtime}.Read.WordLogits.Listed({Literals.Quote(read.Name)}, {Literals.Identifier(read.Name)}, "
            + $"{Literals.Quote(read.Place!)}{(read.Run is { } run ? ", " + Literals.Quote(run) : "")})",
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
