using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Testing.RandomDeclarations;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Tracing;

/// <summary>A trace of a prompt set knows its positions and answers by name, as a declaration does.</summary>
public sealed class NamedTraceTests
{
    public static IEnumerable<object[]> Families => SmallDecoders.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void A_position_is_read_and_written_as_a_declaration_does(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        // Whole numbers, as a router's choices, have no gradient and take no fractions.
        string[] sites =
        [
            .. model.Schema.Sites.Where(site => !site.WholeNumbers)
                .Select(site => site.Path.Replace("{layer}", "1", StringComparison.Ordinal)),
        ];
        int ran = 0;
        for (int seed = 0; seed < 2 * sites.Length; seed++)
            ran += Check(model, sites[seed % sites.Length], sites, new Random(seed)) ? 1 : 0;
        Assert.True(ran > 1.6 * sites.Length, $"{ran} of {2 * sites.Length} ran");
    }

    private static bool Check(DecoderModel model, string written, string[] sites, Random random)
    {
        using DisposeScope scope = NewDisposeScope();
        string kept = sites[random.Next(sites.Length)], run = Pick("clean", "corrupted", "other");
        RandomPrompts prompts = RandomPrompts.Of(random.Next(), (int)model.VocabularySize, 4, 7, 3, 4);
        (string Axis, string Position)[] to = Positions(written), from = Positions(kept);
        bool inPlace = random.Next(2) == 0;
        InterventionGraph graph = new()
        {
            Name = "Declared",
            Changes = run,
            Writes = [new("Write", Path(written, to), [new Read.Value()], x => (x[0] * 0.9) + 0.2)],
            Captures = [new("Kept", Path(kept, from), [new Read.Value()], x => x[0])],
            Metrics =
            [
                new("Right", [new Read.Logit("right", "mid")], x => x[0]), new("Wrong", [new Read.Logit("wrong", "end")], x => x[0]),
            ],
        };
        Tensor? seen = null;
        using ModelTrace trace = model.Trace(prompts, run: run, written, kept, "logits");
        try
        {
            foreach (TracedSite site in trace)
            {
                if (site.Name == written)
                {
                    TracedPosition at = At(site, to);
                    if (inPlace)
                        at.Value.mul_(0.9).add_(0.2);
                    else
                        at.Value = (at.Value * 0.9) + 0.2;
                }
                if (site.Name == kept)
                {
                    seen = At(site, from).Value.clone();
                    site.Keep();
                }
                if (site.Name == "logits")
                    site.Keep();
            }
        }
        catch (InterventionException refusal) when (refusal.Message.Contains("by the model's schema", StringComparison.Ordinal))
        {
            return false;
        }
        using RunResult declared = InterventionRunner.Run(graph, model, prompts);
        string what = $"{graph.ToText()} in place: {inPlace}";
        Tensor values = declared.Changed("Kept").Values;
        Assert.True(Distance.Largest(seen!.reshape(values.shape), values) < 1e-9, what);
        Assert.True(Distance.Largest(trace[Path(kept, from)], values) < 1e-9, what);
        Assert.True(Distance.Largest(trace.Logit("right", at: "mid"), declared.Changed("Right").Values) < 1e-9, what);
        Assert.True(Distance.Largest(trace.Logit("wrong"), declared.Changed("Wrong").Values) < 1e-9, what);
        return true;

        string Pick(params string[] choices) => choices[random.Next(choices.Length)];

        (string, string)[] Positions(string site)
        {
            string[] axes = site.EndsWith("scores", StringComparison.Ordinal) || site.EndsWith("pattern", StringComparison.Ordinal)
                ? ["query", "key"] : ["pos"];
            return [.. axes.Select(axis => (axis, Pick("end", "mid", "0", "-1", "end-1")))];
        }
    }

    /// <summary>What is declared of whole rows of attention has every key that a prompt has, and no other.</summary>
    [Fact]
    public void A_query_sees_the_keys_of_its_own_prompt()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using DisposeScope scope = NewDisposeScope();
        RandomPrompts prompts = RandomPrompts.Of(3, (int)model.VocabularySize, 4, 7, 3);
        InterventionGraph graph = new()
        {
            Name = "Rows",
            Writes = [new("Uniform", "blocks.1.attn.pattern[query=end]", [new Read.Value()], x => x[0] + 0.25)],
            Captures = [new("Before", "blocks.2.attn.pattern[query=mid]", [new Read.Value()], x => x[0].sum([-1L]))],
            Metrics = [new("Right", [new Read.Logit("right", "end")], x => x[0])],
        };
        using RunResult declared = InterventionRunner.Run(graph, model, prompts);
        using ModelTrace trace = model.Trace(prompts, "blocks.[1..2].attn.pattern", "logits");
        foreach (TracedSite site in trace)
        {
            if (site.Name == "blocks.1.attn.pattern")
            {
                Assert.Equal([3L, 4L, 7L], site.At(query: "end").Value.shape);
                Assert.Equal(["batch", "head", "key"], site.At(query: "end").Axes);
                site.At(query: "end").Value = site.At(query: "end").Value + 0.25;
            }
            else if (site.Name == "logits")
                site.Keep();
            else
                Assert.True(Distance.Largest(
                    site.At(query: "mid").Value.sum([-1L]), declared.Changed("Before").Values.flatten(1)) < 1e-9);
        }
        Assert.True(Distance.Largest(trace.Logit("right"), declared.Changed("Right").Values) < 1e-9);
    }

    [Fact]
    public void Behind_a_prompts_end_values_are_zero_and_gradients_too()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        using DisposeScope scope = NewDisposeScope();
        RandomPrompts prompts = RandomPrompts.Of(3, (int)model.VocabularySize, 4, 6);
        using ModelTrace trace = model.Trace(prompts);
        foreach (TracedSite site in trace)
        {
            int axis = site.Axes.ToList().FindLastIndex(axis => axis is "pos" or "key");
            Assert.Equal(0, site.Value[0].narrow(axis - 1, 4, 2).abs().sum().item<double>());
            site.Keep();
            if (site.Name is "blocks.1.attn.pattern" or "blocks.1.resid_pre")
                site.KeepGradient();
        }
        Tensor metric = trace.Logit("right") - trace.Logit("wrong");
        foreach (string name in new[] { "blocks.1.attn.pattern", "blocks.1.resid_pre" })
        {
            Tensor gradient = trace.Gradient(metric, name);
            int axis = name.EndsWith("pattern", StringComparison.Ordinal) ? 3 : 1;
            Assert.Equal(0, gradient[0].narrow(axis - 1, 4, 2).abs().sum().item<double>());
            Assert.NotEqual(0, gradient[1].narrow(axis - 1, 4, 2).abs().sum().item<double>());
            Assert.Equal(0, trace[name][0].narrow(axis - 1, 4, 2).abs().sum().item<double>());
        }
        Tensor end = trace.Gradient(metric, "blocks.1.resid_pre[pos=end]");
        Assert.True(Distance.Largest(end[1, 0], trace.Gradient(metric, "blocks.1.resid_pre")[1, 5]) < 1e-12);
    }

    [Fact]
    public void Positions_and_the_whole_are_one_value()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using DisposeScope scope = NewDisposeScope();
        using ModelTrace trace = model.Trace(RandomPrompts.Of(3, (int)model.VocabularySize, 4, 6), "embed");
        foreach (TracedSite site in trace)
        {
            site.At("end").Value = 3;
            Assert.Equal(3, site.Value[1, 5].max().item<double>());
            site.Value[1, 5] = 4;
            Assert.Equal(4, site.At("-1").Value[1].max().item<double>());
            site.At("-1").Value.add_(1);
            Assert.Equal(5, site.At("end").Value[1].max().item<double>());
            Assert.Equal(4, site.At("end").Value[0].min().item<double>());
            site.Value = site.Value * 2;
            site.Keep();
        }
        Assert.Equal((8.0, 10.0), (trace["embed"][0, 3].max().item<double>(), trace["embed"][1, 5].max().item<double>()));
        Assert.NotEqual(10, trace["embed"][1, 4].max().item<double>());
    }

    [Fact]
    public void Gradients_flow_through_positions_in_any_mode()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using DisposeScope scope = NewDisposeScope();
        RandomPrompts prompts = RandomPrompts.Of(3, (int)model.VocabularySize, 4, 6);
        Tensor[] gradients = [.. new[] { false, true }.Select(isFrozen =>
        {
            using IDisposable mode = isFrozen ? no_grad() : enable_grad();
            using ModelTrace trace = model.Trace(prompts, "embed", "blocks.0.resid_post", "logits");
            foreach (TracedSite site in trace)
            {
                if (site.Name == "embed")
                    site.KeepGradient();
                else if (site.Name == "logits")
                    site.Keep();
                else
                    site.At("mid").Value = 0;
            }
            using IDisposable on = enable_grad();
            return trace.Gradient(trace.Logit("right"), "embed");
        })];
        Assert.NotEqual(0, gradients[0].abs().max().item<double>());
        Assert.True(Distance.Largest(gradients[0], gradients[1]) < 1e-12);
    }

    [Theory]
    [InlineData("ned", null, null, "RandomPrompts has no position 'ned'; did you mean 'end'? Its positions are mid and end.")]
    [InlineData("new", null, null, "only Generate makes new tokens")]
    [InlineData("end+1", null, null, "selects position 4 of prompt 0 of RandomPrompts, run 'clean'")]
    [InlineData("prompt", null, null, "'prompt' is several positions; one is needed, such as 'end'")]
    [InlineData(null, "end", null, "'blocks.0.attn.z' has the axes batch, pos, head, d_head: write At(\"end\").")]
    public void A_wrong_position_is_refused_by_name(string? position, string? query, string? key, string message)
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using ModelTrace trace = model.Trace(RandomPrompts.Of(3, (int)model.VocabularySize, 4, 6), "blocks.0.attn.z");
        foreach (TracedSite site in trace)
            Assert.Contains(
                message,
                Assert.Throws<InterventionException>(() => (position is null ? site.At(query, key) : site.At(position)).Value).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_trace_has_not_is_refused_by_name()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using DisposeScope scope = NewDisposeScope();
        RandomPrompts prompts = RandomPrompts.Of(3, (int)model.VocabularySize, 4, 6);
        Assert.Contains("has no run 'corupted'; did you mean 'corrupted'?", Refused(() => model.Trace(prompts, run: "corupted")));
        Assert.Contains("no site 'corrupted'", Refused(() => model.Trace(prompts, "corrupted")));
        using ModelTrace trace = model.Trace(prompts, "blocks.*.attn.pattern", "logits");
        Assert.Contains("there is no value of 'logits': the trace has not been walked through", Refused(() => trace.Logit("right")));
        foreach (TracedSite site in trace)
        {
            site.Keep();
            if (site.Name == "logits")
                Assert.Contains(": write At(\"end\")", Refused(() => site.At(key: "end")));
            else
                Assert.Contains(": write At(query: \"end\"), or At(query: \"end\", key: …)", Refused(() => site.At("end")));
            Assert.Contains("does not broadcast to", Refused(() =>
                (site.Name == "logits" ? site.At("end") : site.At(query: "end")).Value = zeros(2, 7, 7, 7)));
        }
        Assert.Contains("has no answer 'rigth'; did you mean 'right'?", Refused(() => trace.Logit("rigth")));
        Assert.Contains("has no position 'mit'; did you mean 'mid'?", Refused(() => trace.Logit("right", at: "mit")));
        Assert.Contains("has no position 'mit'", Refused(() => trace["logits[pos=mit]"]));
        Assert.Contains("more of some prompts than of others", Refused(() => trace["logits[pos=1..-1]"]));
        Assert.Contains("sweeps", Refused(() => trace["logits[pos={p}]"]));
        Assert.Equal([2L, 4L, 1L, 6L], trace["blocks.1.attn.pattern[query=end]"].shape);
        Assert.Equal([3L, 2L, 4L, 1L, 1L], trace["blocks.*.attn.pattern[query=end; key=mid]"].shape);
        using ModelTrace ids = model.Trace(SmallDecoders.Prompts(), "logits");
        foreach (TracedSite site in ids)
        {
            Assert.True(Distance.Largest(site.At("end").Value, site.Value[TensorIndex.Colon, 8]) == 0);
            site.Keep();
        }
        Assert.Contains("has no answer 'right'", Refused(() => ids.Logit("right")));

        static string Refused(Func<object> call) => Assert.Throws<InterventionException>(call).Message;
    }

    private static TracedPosition At(TracedSite site, (string Axis, string Position)[] positions) => positions.Length == 1
        ? site.At(positions[0].Position)
        : site.At(query: positions[0].Position, key: positions[1].Position);

    private static string Path(string site, (string Axis, string Position)[] positions) =>
        $"{site}[{string.Join("; ", positions.Select(one => $"{one.Axis}={one.Position}"))}]";
}
