using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes the graph of a declaration. Its writes stand in the order in which they happen: an initializer holds them up to the first path patch, splice or late
/// include; each of those and what comes after it is a call on the graph so far. Included writes come first whenever they are added, except the late ones.
/// </summary>
internal static class GraphEmitter
{
    /// <summary>The property's expression.</summary>
    public static void Emit(SourceWriter writer, InterventionModel model)
    {
        NodeEmitter nodes = NodeEmitter.For(model);
        IReadOnlyList<SiteWrites> writes = SiteWrites.Of(model);
        List<SiteWrites> first = writes.TakeWhile(site => IsNode(site.First)).ToList();

        writer.Line($"public {Names.InterventionGraph} Graph => new {Names.InterventionGraph}").Open();
        writer.Line($"Name = {Literals.Quote(model.Type.Name)},");
        // A generic intervention is compiled against no one model: its names are compared with the model that it runs on.
        if (!model.IsGeneric)
            writer.Line($"ModelFingerprint = {model.ModelType}.SchemaFingerprint,");
        writer.Line($"PromptFingerprint = {model.PromptType}.SchemaFingerprint,");
        if (model.Changes is { } changes)
            writer.Line($"Changes = {Literals.Quote(changes)},");
        Nodes(writer, "Sweeps", model.Sweeps.Select(NodeEmitter.Sweep));
        Nodes(writer, "Runs", model.Runs.Select(NodeEmitter.Run));
        Nodes(writer, "Writes", first.Select(nodes.Write));
        foreach (NodeKind kind in new[] { NodeKind.Capture, NodeKind.Gradient, NodeKind.Metric })
            Nodes(writer, kind + "s", model.Methods.Where(method => method.Kind == kind).Select(nodes.Node));
        Nodes(writer, "Parameters", model.Parameters.Select(NodeEmitter.Parameter));
        Nodes(writer, "Shapes", model.Shapes.Select(NodeEmitter.Shape));

        List<string[]> calls = Calls(model, writes.Skip(first.Count), nodes).ToList();
        writer.Close(calls.Count == 0 ? ";" : "");
        for (int i = 0; i < calls.Count; i++)
            writer.Indented(WithEnd(calls[i], i < calls.Count - 1 ? "" : ";"));
        foreach (SiteWrites site in writes.Where(site => site.Method is not null))
            Site(writer.Line(), site, nodes);
    }

    /// <summary>Whether a path patch, an extension method, is called.</summary>
    public static bool CallsPathPatch(InterventionModel model) => model.IsValid && model.Writes.Any(write => write is WriteModel.PathPatch);

    private static bool IsNode(WriteModel write) => write is not (WriteModel.PathPatch or WriteModel.Splice or WriteModel.Include);

    private static IEnumerable<string[]> Calls(InterventionModel model, IEnumerable<SiteWrites> writes, NodeEmitter nodes)
    {
        // The last one that is added comes first.
        foreach (string include in model.Includes.Reverse())
            yield return [$".Including({Included(include)})"];
        var then = new List<string[]>();
        foreach (SiteWrites site in writes)
        {
            if (IsNode(site.First))
            {
                then.Add(nodes.Write(site));
                continue;
            }
            if (then.Count > 0)
                yield return Then(then);
            then.Clear();
            yield return
            [
                site.First switch
                {
                    WriteModel.PathPatch path => PathPatch(path),
                    WriteModel.Splice splice => Splice(splice),
                    var include => $".Then({Included(((WriteModel.Include)include).Property)})",
                },
            ];
        }
        if (then.Count > 0)
            yield return Then(then);
    }

    private static string Included(string property) => $"{Literals.Identifier(property)}.Graph, {Literals.Quote(property)}";

    private static string PathPatch(WriteModel.PathPatch path)
    {
        string senders = path.Senders.Count == 1 && !path.HasFrozen ? Literals.Quote(path.Senders[0]) : NodeEmitter.Strings(path.Senders);
        string frozen = path.HasFrozen ? $", freeze: {NodeEmitter.Strings(path.Frozen)}" : "";
        string run = path.Run is { } derived ? ", run: " + Literals.Quote(derived) : "";
        return $".PathPatch({senders}, {NodeEmitter.Strings(path.Receivers)}, from: {Literals.Quote(path.From)}, freezeMlps: {Literals.Truth(path.FreezeMlps)}{frozen}{run})";
    }

    private static string Splice(WriteModel.Splice splice)
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

    /// <summary>The method that makes the writes to a site one.</summary>
    private static void Site(SourceWriter writer, SiteWrites site, NodeEmitter nodes)
    {
        string path = site.First is WriteModel.Method { Node: var node } ? node.Site : ((WriteModel.BuiltIn)site.First).Site;
        writer.Summary($"The writes to <c>{Literals.Xml(path)}</c> as one, in the order of the text: each reads what the one before it wrote.");
        writer.Line($"private {Names.Runtime}.WriteNode {site.Method}() => {Names.Runtime}.WriteNode.Fuse(");
        foreach (string line in Separated(site.Writes.Select(nodes.Write).ToList(), ");"))
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
