using System.Text.Json;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Path patching against golden values, against single edges, and what must hold.</summary>
public sealed class PathEffectsTests
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Sweeps_over_senders_agree(string name)
    {
        using CircuitCase circuit = new(name);
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        foreach ((string stored, PathOptions paths) in Ways(graph))
        {
            using DisposeScope scope = NewDisposeScope();
            Agree(circuit["path_patching", $"{stored}.to_logits.per_example"], [new Port(Component.Logits)]);
            NodeScores toLogits =
                PathEffects.Of(circuit.Model, circuit, Golden.LogitDifference, [new Port(Component.Logits)], paths: paths);
            Golden.Close(
                tensor(toLogits.Values.ToArray()), circuit["path_patching", $"{stored}.to_logits"].flatten(), $"{name} {stored}, mean");
            Tensor toHeads = circuit["path_patching", $"{stored}.to_head_qkv.per_example"]; // [q k v, sender, receiver, batch]
            foreach (Port port in graph.Ports.Where(port => port.Component.Kind == ComponentKind.Head && port.Component.Layer > 0))
                Agree(
                    toHeads[(int)(port.Input - PortInput.Query)].select(3, port.Component.Head).select(2, port.Component.Layer), [port]);

            void Agree(Tensor expected, IReadOnlyList<Port> receivers)
            {
                NodeScores scores = PathEffects.Of(circuit.Model, circuit, Golden.LogitDifference, receivers, paths: paths);
                Golden.Close(
                    Support.Changes(scores) + tensor(scores.Clean.ToArray()), expected,
                    $"{name} {stored} to {string.Join(", ", receivers)}");
            }
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Several_senders_and_receivers_agree(string name)
    {
        using CircuitCase circuit = new(name);
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        using JsonDocument json = circuit.Json("path_patching");
        int measured = 0;
        foreach (JsonElement example in json.RootElement.EnumerateArray())
        {
            foreach ((string stored, PathOptions paths) in Ways(graph))
            {
                using DisposeScope scope = NewDisposeScope();
                Component[] senders = [.. Names("senders").Select(Component.Parse)];
                Port[] receivers = [.. Names("receivers").Select(Port.Parse)];
                Tensor expected = tensor(example.GetProperty(stored).EnumerateArray().Select(value => value.GetDouble()).ToArray());
                if (receivers.All(port => senders.All(sender => port.Component.Kind == ComponentKind.Head
                    && port.Component.Layer <= sender.Layer)))
                {
                    // Nothing is sent: the reference has the clean values, and we say so.
                    Assert.Contains("nothing is sent to it", Assert.Throws<InterventionException>(() => Of()).Message);
                    Golden.Close(circuit["metrics", "ld_clean"], expected, name);
                    continue;
                }
                NodeScores scores = Of();
                Golden.Close(Support.Changes(scores) + tensor(scores.Clean.ToArray()), expected, $"{name} {stored}");
                measured++;

                NodeScores Of() => PathEffects.Of(circuit.Model, circuit, Golden.LogitDifference, receivers, senders, paths);
            }

            IEnumerable<string> Names(string property) =>
                example.GetProperty(property).EnumerateArray().Select(node => node.GetString()!);
        }
        Assert.True(measured > 0);
    }

    /// <summary>With feed-forward blocks frozen, a path is an edge.</summary>
    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void With_all_else_frozen_a_path_is_an_edge(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        EdgeScores edges = EdgeEffects.Of(model, s_prompts, Support.Column);
        int layers = edges.Graph.Layers;
        IEnumerable<Port> ports = edges.Graph.Ports.Where(port =>
            port.Component.Kind == ComponentKind.Logits || (port.Component.Layer == layers - 1 && port.Component.Head < 2));
        foreach (Port port in ports)
        {
            foreach (ComponentKind kind in (ComponentKind[])[ComponentKind.Embed, ComponentKind.Head, ComponentKind.Mlp])
            {
                if (kind == ComponentKind.Mlp && !edges.Graph.HasMlps)
                    continue;
                NodeScores scores =
                    PathEffects.Of(model, s_prompts, Support.Column, [port], kind, new() { FreezeMlps = true });
                Component[] senders = [.. edges.Graph.Sources.Where(source => source.Kind == kind)];
                for (int prompt = 0; prompt < scores.PromptCount; prompt++)
                    for (int i = 0; i < senders.Length; i++)
                        Assert.Equal(
                            edges.Graph.Sees(port, senders[i])
                                ? edges.OfPrompt(prompt)[edges.Graph.IndexOf(new Edge(senders[i], port))]
                                : 0,
                            scores.OfPrompt(prompt)[i], Tolerance);
            }
        }
    }

    [Theory]
    [InlineData("toy")]
    [InlineData("gpt2")]
    public void Freezing_blocks_changes_nothing_where_there_are_none(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        NodeScores frozen = Of(new() { FreezeMlps = true }), computed = Of(new());
        double worst = frozen.Means.Zip(computed.Means).Max(pair => Math.Abs(pair.First - pair.Second));
        Assert.True(family == "toy" ? worst <= Tolerance : worst > 1e-3, $"{worst}");

        NodeScores Of(PathOptions paths) =>
            PathEffects.Of(model, s_prompts, Support.Column, [new Port(Component.Logits)], paths: paths);
    }

    /// <summary>The embedding and all heads: with feed-forward blocks computed anew, that is everything.</summary>
    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void All_senders_to_the_logits_are_the_other_run(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        Component[] senders = [.. graph.Sources.Where(source => source.Kind != ComponentKind.Mlp)];
        NodeScores scores = PathEffects.Of(model, s_prompts, Support.Column, [new Port(Component.Logits)], senders);
        for (int prompt = 0; prompt < scores.PromptCount; prompt++)
            Assert.Equal(scores.Corrupted[prompt] - scores.Clean[prompt], scores.OfPrompt(prompt)[0], Tolerance);
        Assert.Equal(0, scores.Normalized[0], Tolerance);
        Assert.All(
            PathEffects.Of(model, Support.Equal(s_prompts), Support.Column, [new Port(Component.Logits)]).Magnitudes,
            change => Assert.Equal(0, change, Tolerance));
    }

    [Fact]
    public void How_it_is_run_changes_nothing()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        Port[] receivers = [Port.Parse("a1.h0.q"), Port.Parse("a2.h3.v"), Port.Parse("m2")];
        PathOptions paths = new() { SendersAt = "mid", ReceiversAt = "end,mid" };
        NodeScores planned = Of(new());
        Assert.Contains(planned.Magnitudes, change => change > 1e-3);
        Support.Same(planned, Of(new() { Naive = true }));
        Support.Same(planned, Of(new() { BatchSize = 2 }));
        // A sweep's point is the path patch of one sender.
        NodeScores one = PathEffects.Of(model, s_prompts, Support.Column, receivers, [Component.OfHead(1, 2)], paths);
        Assert.Equal(one.Means[0], planned[("layer", 1), ("head", 2)], Tolerance);

        NodeScores Of(RunOptions run) =>
            PathEffects.Of(model, s_prompts, Support.Column, receivers, paths: paths, options: new() { Run = run });
    }

    [Fact]
    public void What_sends_or_receives_nothing_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("toy");
        Refused("There is no receiver", []);
        Refused("There is no port 'a7.h0.q'", [Port.Parse("a7.h0.q")]);
        Refused("There is no port 'm0'", [Port.Parse("m0")]);
        Refused("nothing is sent to it", [Port.Parse("a0.h1.k")]);
        Refused("has no senders of kind Mlp", [Port.Parse("logits")], ComponentKind.Mlp);
        Assert.Contains(
            "'m1' sends nothing", Assert.Throws<InterventionException>(() => PathEffects.Of(
                model, s_prompts, Support.Column, [Port.Parse("logits")], [Component.OfMlp(1)])).Message);

        void Refused(string message, Port[] receivers, ComponentKind senders = ComponentKind.Head) => Assert.Contains(
            message, Assert.Throws<InterventionException>(() =>
                PathEffects.Of(model, s_prompts, Support.Column, receivers, senders)).Message);
    }

    private static IEnumerable<(string Stored, PathOptions Paths)> Ways(CircuitGraph graph) =>
        from freeze in graph.HasMlps ? [false, true] : (bool[])[false]
        from place in (string[])["all", "end"]
        let at = place == "all" ? null : place
        select ($"mlps_{(freeze ? "frozen" : "recomputed")}.{place}",
            new PathOptions { FreezeMlps = freeze, SendersAt = at, ReceiversAt = at });
}
