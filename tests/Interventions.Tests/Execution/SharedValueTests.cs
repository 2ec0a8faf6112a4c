using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Values that several methods read, and gradients of several sites in one method.</summary>
public sealed class SharedValueTests : ToyTest
{
    public static TheoryData<bool> Executors => [true, false];

    [Theory]
    [MemberData(nameof(Executors))]
    public void It_is_computed_once_and_gives_what_every_method_alone_would(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 4, 4, 4);
        int calls = 0, sums = 0;
        Read change = Shared("Change", [new Read.From(null, "embed"), new Read.From("corrupted", "embed")], x =>
        {
            calls++;
            return x[1] - x[0];
        });
        Read own = Shared("Sum", [new Read.Of("blocks.0.out"), change], x =>
        {
            sums++;
            return x[0] + x[1];
        });
        InterventionGraph shared = Graph([Value, own], [Value, own, change], x => x[0] + x[1], x => x[0] + (x[1] * 0.5) - x[2]);
        Read[] apart = [new Read.Of("blocks.0.out"), new Read.From(null, "embed"), new Read.From("corrupted", "embed")];
        InterventionGraph alone = Graph(
            [Value, .. apart], [Value, .. apart],
            x => x[0] + x[1] + (x[3] - x[2]), x => x[0] + ((x[1] + (x[3] - x[2])) * 0.5) - (x[3] - x[2]));
        using RunResult expected = Run(alone, prompts, new() { Naive = true });
        using RunResult actual = Run(shared, prompts, new() { Naive = naive });
        Close(expected.Changed("logits").Values, actual.Changed("logits").Values);
        // Naively each reader computes it: five calls. A call may be repeated where a collection overlaps it.
        Assert.InRange(calls + sums, naive ? 5 : 2, naive ? 7 : 4);

        static InterventionGraph Graph(Read[] first, Read[] second, MethodBody one, MethodBody other) => new()
        {
            Name = "Sharing",
            Writes = [new("First", "blocks.0.resid", [.. first], one), new("Second", "blocks.1.out", [.. second], other)],
            Captures = [Capture("logits")],
        };
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Joined_values_grow_behind_what_two_runs_have_in_common(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 4, 4, 4);
        Read[] sites = [new Read.Of("embed"), new Read.Of("blocks.0.out"), new Read.Of("blocks.0.resid")];
        Read scaled = Shared("Scaled", [sites[0]], x => x[0] * 0.5);
        Read two = new Read.Shared(SharedNode.Joined("Two", new([sites[0], scaled])));
        Read three = new Read.Shared(SharedNode.Joined("Three", new([two, sites[1]])));
        Read four = new Read.Shared(SharedNode.Joined("Four", new([three, sites[2]])));
        // The runs share the embedding alone, so what stands behind it is one run's or the other's.
        InterventionGraph joined = Graph(
            [Value, two], [Value, three], [Value, four], x => x[0] + Weighted(x[1], x[0].shape[0]));
        InterventionGraph apart = Graph(
            [Value, .. sites[..1]], [Value, .. sites[..2]], [Value, .. sites],
            x => x[0] + Weighted(cat([x[1], x[1] * 0.5, .. x[2..]]), x[0].shape[0]));
        using RunResult expected = Run(apart, prompts, new() { Naive = true });
        using RunResult actual = Run(joined, prompts, new() { Naive = naive });
        Close(expected.Changed("logits").Values, actual.Changed("logits").Values);

        static Tensor Weighted(Tensor joined, long batch)
        {
            Tensor parts = joined.view([-1, batch, .. joined.shape[1..]]);
            return (parts * arange(1, parts.shape[0] + 1, float64).view(-1, 1, 1, 1)).sum(0) * 0.1;
        }

        static InterventionGraph Graph(Read[] first, Read[] second, Read[] third, MethodBody body) => new()
        {
            Name = "Joining",
            Runs = [new DerivedRun("other")],
            Writes =
            [
                new("Twice", "blocks.0.out", [Value], x => x[0] * 2, "other"),
                .. from run in (string?[])[null, "other"]
                   from write in new[] { ("blocks.0.resid", first), ("blocks.1.out", second), ("blocks.1.resid", third) }
                   select new WriteNode($"{write.Item1}{run}", write.Item1, [.. write.Item2], body, run),
                new("Both", "logits", [Value, new Read.From("other")], x => x[0] - (x[1] * 0.5)),
            ],
            Captures = [Capture("logits")],
        };
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Gradients_flow_through_it(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 4, 4);
        Read half = Shared("Half", [new Read.Of("embed")], x => x[0] * 0.5);
        InterventionGraph Graph(Read read, double factor) => new()
        {
            Name = "Sharing",
            Writes = [new("Add", "blocks.1.out", [Value, read], x => x[0] + (x[1] * factor))],
            Gradients = [new("OfEmbed", "embed", [new Read.Gradient()], x => x[0])],
            Metrics = [LogitDifference],
        };
        using RunResult expected = Run(Graph(new Read.Of("embed"), 0.5), prompts, new() { Naive = true });
        using RunResult actual = Run(Graph(half, 1), prompts, new() { Naive = naive });
        Close(expected.Changed("OfEmbed").Values, actual.Changed("OfEmbed").Values);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_gradients_method_reads_gradients_of_other_sites(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4, 5);
        InterventionGraph apart = new()
        {
            Name = "Gradients",
            Gradients =
            [
                .. new[] { "embed", "blocks.1.out" }.Select(site => new GradientNode(site, site, [new Read.Gradient()], x => x[0])),
            ],
            Metrics = [LogitDifference],
        };
        InterventionGraph together = apart with
        {
            Gradients = [new("Both", "embed", [new Read.Gradient(), new Read.Gradient("blocks.1.out")], x => stack([x[0], x[1]], 1))],
        };
        using RunResult expected = Run(apart, prompts, new() { Naive = true });
        using RunResult actual = Run(together, prompts, new() { Naive = naive });
        foreach (string run in (string[])["clean", "corrupted"])
        {
            Close(expected.Run(run)["embed"], actual.Run(run)["Both"].select(1, 0));
            Close(expected.Run(run)["blocks.1.out"], actual.Run(run)["Both"].select(1, 1));
        }
    }

    [Fact]
    public void It_has_no_site_of_its_own_and_only_gradients_read_gradients()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4);
        InterventionGraph graph = new() { Name = "Sharing", Captures = [Capture("logits")] };
        Says("shared by methods, so it has no site of its own", () => Run(
            graph with { Captures = [new("Kept", "embed", [Shared("Own", [Corrupted], x => x[0])], x => x[0])] }, prompts).Dispose());
        Says("only the method of a gradient reads gradients", () => Run(
            graph with { Captures = [new("Kept", "embed", [new Read.Gradient("blocks.0.out")], x => x[0])] }, prompts).Dispose());
        Says("blocks.0.outt", () => Run(
            graph with { Captures = [new("Kept", "embed", [Value, Shared("Of", [new Read.Of("blocks.0.outt")], x => x[0])], x => x[0])] },
            prompts).Dispose());
    }

    [Fact]
    public void It_is_saved_with_its_method()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 4, 4);
        Read half = Shared("Half", [new Read.Of("embed")], x => x[0] * 0.5);
        InterventionGraph graph = new()
        {
            Name = "Sharing",
            Writes = [new("Add", "blocks.1.out", [Value, half], x => x[0] + x[1]) { Uncompared = true }],
            Captures = [new("Kept", "blocks.0.out", [Value, half], x => x[0] - x[1])],
            Gradients = [new("Slope", "embed", [new Read.Gradient("blocks.0.out")], x => x[0])],
            Metrics = [LogitDifference],
        };
        InterventionGraph read = InterventionGraph.FromJson(graph.ToJson(), GraphMembers.Of(graph));
        Assert.Equal(graph.ToText(), read.ToText());
        Assert.Equal(graph.Writes[0].Reads[1], read.Captures[0].Reads[1]);
        using RunResult expected = Run(graph, prompts), actual = Run(read, prompts);
        foreach (string name in (string[])["Kept", "Slope", "LogitDifference"])
            Close(expected.Changed(name).Values, actual.Changed(name).Values);
        Assert.Equal(0, expected.Effects[0].Compared);
        Assert.Empty(expected.Warnings);
    }

    private static Read Shared(string name, Read[] reads, MethodBody body) => new Read.Shared(new SharedNode(name, new(reads), body));
}
