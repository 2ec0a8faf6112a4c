using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Tracing;

/// <summary>A forward pass walked through site by site is the forward pass.</summary>
public sealed class TraceTests
{
    public static IEnumerable<object[]> Families => SmallDecoders.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void A_trace_offers_every_site_once_in_order_and_ends_in_the_models_logits(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        List<string> seen = [];
        using ModelTrace trace = model.Trace(ids);
        foreach (TracedSite site in trace)
        {
            seen.Add(site.Name);
            Assert.Equal(site.Axes.Count, site.Value.shape.Length);
            if (site.Name == "logits")
                site.Keep();
        }
        HashSet<string> sites = [.. seen];
        Assert.Equal(seen.Count, sites.Count);
        Assert.Equal(model.Graph.Nodes.Select(node => node.Name).Where(sites.Contains), seen);
        Assert.Equal(
            model.Schema.Sites.Sum(site => site.Path.Contains("{layer}", StringComparison.Ordinal) ? model.Config.Layers : 1), seen.Count);
        // Every port and every head's result was looked at, and yet no bit is another.
        Assert.True(trace["logits"].eq(model.Forward(ids)).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void What_replaces_a_value_is_what_the_model_goes_on_with_at_every_site(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        foreach (string name in SitesOf(model))
        {
            Tensor expected = SmallDecoders.Read(model, ids, "logits", (name, x => (x * 0.5).sin() + 2));
            using ModelTrace assigned = model.Trace(ids, name, "logits"), inPlace = model.Trace(ids, "logits", name);
            foreach (TracedSite site in assigned)
            {
                if (site.Name == name)
                    site.Value = (site.Value * 0.5).sin() + 2;
                if (site.Name == "logits")
                    site.Keep();
            }
            foreach (TracedSite site in inPlace)
            {
                if (site.Name == name)
                    site.Value.mul_(0.5).sin_().add_(2);
                if (site.Name == "logits")
                    site.Keep();
            }
            Assert.True(Distance.Largest(assigned["logits"], expected) < 1e-9, name);
            Assert.True(Distance.Largest(inPlace["logits"], expected) < 1e-9, name);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Several_replacements_compose_as_writes_do(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        string[] names = [.. SitesOf(model).Where((_, i) => i % 3 == 0)];
        Dictionary<string, Func<Tensor, Tensor>> writes = names.ToDictionary(name => name, _ => (Func<Tensor, Tensor>)(x => x * 0.9));
        Tensor expected = GraphEvaluator.Evaluate(model.Graph, ids, ["logits"], writes)["logits"];
        using ModelTrace trace = model.Trace(ids);
        foreach (TracedSite site in trace)
        {
            if (names.Contains(site.Name))
                site.Value = site.Value * 0.9;
            if (site.Name == "logits")
                site.Keep();
        }
        Assert.True(Distance.Largest(trace["logits"], expected) < 1e-9);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Gradients_are_the_finite_differences_of_the_metric(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        foreach (string name in SitesOf(model).Where(name => name != "logits" && !name.EndsWith("scores", StringComparison.Ordinal)))
        {
            using ModelTrace trace = model.Trace(ids, name, "logits");
            foreach (TracedSite site in trace)
            {
                if (site.Name == name)
                    site.KeepGradient();
                else
                    site.Keep();
            }
            Tensor gradient = trace.Gradient(Metric(trace["logits"]), name);
            using Generator generator = new(5);
            Tensor direction = randn(gradient.shape, dtype: float64, generator: generator);
            double Along(double step) =>
                Metric(SmallDecoders.Read(model, ids, "logits", (name, x => x + (direction * step)))).item<double>();
            // Small, so that hardly a neuron of a relu turns on or off on the way.
            double expected = (Along(1e-6) - Along(-1e-6)) / 2e-6, found = (gradient * direction).sum().item<double>();
            Assert.True(Math.Abs(found - expected) <= 1e-6 * Math.Max(1, Math.Abs(expected)), $"{name}: {found} instead of {expected}");
        }

        static Tensor Metric(Tensor logits) => logits.log_softmax(-1).select(-1, 3).sum();
    }

    [Fact]
    public void Gradients_of_several_layers_come_of_one_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Tensor ids = SmallDecoders.Prompts();
        using ModelTrace all = model.Trace(ids, "blocks.*.attn.z", "logits"), one = model.Trace(ids, "blocks.1.attn.z", "logits");
        foreach (ModelTrace trace in new[] { all, one })
            foreach (TracedSite site in trace)
            {
                site.Keep();
                site.KeepGradient();
            }
        Tensor stacked = all.Gradient(all["logits"].square().sum([1L, 2L]), "blocks.*.attn.z");
        Assert.True(Distance.Largest(stacked[1], one.Gradient(one["logits"].square(), "blocks.1.attn.z")) < 1e-9);
        // Nothing that comes after the logits depends on what came before them in another pass.
        Assert.Equal(0, all.Gradient(one["logits"].sum(), "blocks.0.attn.z").abs().max().item<double>());
    }

    [Fact]
    public void Gradients_are_those_of_the_pass_whatever_mode_the_loop_stands_in()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Tensor ids = SmallDecoders.Prompts(), zero = zeros([32], dtype: float64).requires_grad_();
        using ModelTrace ordinary = model.Trace(ids, "embed", "logits");
        using ModelTrace frozen = model.Trace(ids, "embed", "logits");
        using ModelTrace own = model.Trace(ids, "embed", "logits");
        Walk(ordinary);
        using (no_grad())
            Walk(frozen);
        foreach (TracedSite site in own)
        {
            if (site.Name == "embed")
                site.Value.add_(zero);
            site.Keep();
        }
        Tensor expected = ordinary.Gradient(ordinary["logits"].square(), "embed");
        Assert.True(Distance.Largest(frozen.Gradient(frozen["logits"].square(), "embed"), expected) < 1e-9);
        Assert.True(Distance.Largest(autograd.grad([own["logits"].square().sum()], [zero])[0], expected.sum([0L, 1L])) < 1e-9);

        static void Walk(ModelTrace trace)
        {
            foreach (TracedSite site in trace)
            {
                _ = site.Value;
                site.Keep();
                site.KeepGradient();
            }
        }
    }

    [Fact]
    public void Wildcards_stack_and_a_single_name_does_not()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using ModelTrace trace = model.Trace(SmallDecoders.Prompts(), "blocks.*.attn.z");
        foreach (TracedSite site in trace)
            site.Keep();
        Assert.Equal(4, trace["blocks.1.attn.z"].shape.Length);
        Assert.Equal(model.Config.Layers, trace["blocks.*.attn.z"].shape[0]);
        Assert.True(trace["blocks.[1..2].attn.z"][1].eq(trace["blocks.2.attn.z"]).all().item<bool>());
        Assert.Equal(2, trace["blocks.[1,2].attn.z"].shape[0]);
    }

    [Fact]
    public void Two_passes_go_side_by_side()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("llama");
        Tensor clean = SmallDecoders.Prompts(), corrupted = (clean + 1).remainder(model.VocabularySize);
        const string Port = "blocks.1.attn.q_input";
        Tensor donor = SmallDecoders.Read(model, corrupted, Port);
        Tensor expected = SmallDecoders.Read(model, clean, "logits", (Port, _ => donor));
        using ModelTrace to = model.Trace(clean, Port, "logits"), from = model.Trace(corrupted, Port, "logits");
        foreach ((TracedSite site, TracedSite other) in to.Zip(from))
        {
            if (site.Name == Port)
                site.Value = other.Value;
            else
                site.Keep();
        }
        Assert.True(Distance.Largest(to["logits"], expected) < 1e-9);
    }

    [Fact]
    public async Task A_loop_may_await_and_continue_on_another_thread()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Tensor ids = SmallDecoders.Prompts();
        using ModelTrace trace = model.Trace(ids);
        SynchronizationContext.SetSynchronizationContext(null);
        HashSet<int> threads = [];
        foreach (TracedSite site in trace)
        {
            threads.Add(Environment.CurrentManagedThreadId);
            site.Keep();
            await Task.Delay(1);
        }
        using Tensor logits = model.Forward(ids);
        Assert.True(trace["logits"].eq(logits).all().item<bool>());
    }

    /// <summary>The sites, except those of whole numbers, which have no gradient and no sine.</summary>
    private static IEnumerable<string> SitesOf(HookedModel model) =>
        model.Graph.Nodes.Select(node => node.Name).Where(
            model.Trace(tensor(new long[] { 0 })).Select(site => site.Name).ToHashSet().Contains)
            .Where(name => !name.EndsWith("router_indices", StringComparison.Ordinal));
}
