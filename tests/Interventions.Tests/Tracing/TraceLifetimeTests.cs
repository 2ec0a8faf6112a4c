using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Tracing;

/// <summary>A trace leaves nothing behind, computes nothing that nobody asked for, and refuses what it cannot do.</summary>
public sealed class TraceLifetimeTests : IDisposable
{
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");
    private readonly Tensor _ids = SmallDecoders.Prompts();

    private static long Live => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    public void Dispose()
    {
        _ids.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Nothing_is_left_whichever_way_the_loop_ends()
    {
        long before = Live;
        using (ModelTrace trace = _model.Trace(_ids))
        {
            foreach (TracedSite site in trace)
            {
                _ = site.Value;
                site.Keep();
                site.KeepGradient();
            }
            using Tensor metric = trace["logits"].sum(), gradient = trace.Gradient(metric, "blocks.*.attn.z");
            _ = trace["blocks.*.attn.z"];
        }
        Assert.Equal(before, Live);

        using (ModelTrace left = _model.Trace(_ids))
            foreach (TracedSite site in left)
            {
                site.Value.add_(1);
                site.Keep();
                if (site.Name == "blocks.1.attn.z")
                    break;
            }
        Assert.Equal(before, Live);

        Assert.Throws<DivideByZeroException>(() =>
        {
            using ModelTrace thrown = _model.Trace(_ids);
            foreach (TracedSite site in thrown)
            {
                site.Keep();
                _ = site.Value;
                if (site.Name == "blocks.1.mlp_out")
                    throw new DivideByZeroException();
            }
        });
        Assert.Equal(before, Live);

        using (ModelTrace never = _model.Trace(_ids))
            Assert.True(Live > before);
        Assert.Equal(before, Live);
    }

    [Fact]
    public void A_pass_holds_little_while_it_goes_on()
    {
        using ModelTrace trace = _model.Trace(_ids);
        List<long> held = [];
        foreach (TracedSite site in trace)
            held.Add(Live);
        // About as much in the last layer as in the first.
        Assert.InRange(held[^1] - held[0], -5, 5);
    }

    [Fact]
    public void The_last_offered_site_is_the_last_that_is_computed()
    {
        // A pass that went on would divide what is disposed.
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        model.Weights["blocks.1.attn.qkv.weight"].Dispose();
        using ModelTrace trace = model.Trace(_ids, "blocks.0.resid_post");
        foreach (TracedSite site in trace)
            site.Keep();
        Assert.Equal(3, trace["blocks.0.resid_post"].shape.Length);
        // So is the one at which the loop is left, and what it was told to keep is kept.
        using ModelTrace left = model.Trace(_ids);
        foreach (TracedSite site in left)
        {
            if (site.Name != "blocks.0.resid_post")
                continue;
            site.Value.mul_(2);
            site.Keep();
            break;
        }
        Assert.True(left["blocks.0.resid_post"].eq(trace["blocks.0.resid_post"] * 2).all().item<bool>());
        Assert.ThrowsAny<Exception>(() => model.Trace(_ids, "logits").Count());
    }

    [Fact]
    public void A_value_is_over_when_the_loop_goes_on()
    {
        using ModelTrace trace = _model.Trace(_ids, "embed", "logits");
        TracedSite? first = null;
        foreach (TracedSite site in trace)
            first ??= site;
        string message = Assert.Throws<InvalidOperationException>(() => first!.Value).Message;
        Assert.Equal(
            "The trace has gone on from 'embed', whose value is freed. Call Keep() while the loop stands there, and read it of the "
                + "trace afterwards.",
            message);
        Assert.Throws<InvalidOperationException>(() => first!.Keep());
        Assert.Throws<InvalidOperationException>(() => trace.Count());
    }

    [Theory]
    [InlineData("blocks.9.attn.z", "layer 9 of 'blocks.9.attn.z' is out of range")]
    [InlineData("blocks.*.attn.zz", "has no site 'blocks.*.attn.zz'; did you mean 'blocks.*.attn.z'?")]
    [InlineData("blocks.0.attn.hook_z", "blocks.0.attn.z")]
    [InlineData("blocks.0.attn.z[head=1]", "selects a part of a site; a trace offers whole values. Write 'blocks.0.attn.z'")]
    [InlineData("blocks.{layer}.attn.z", "sweeps over layers one at a time; a trace is one pass")]
    public void A_wrong_path_is_refused_before_the_pass(string path, string message)
    {
        long before = Live;
        Assert.Contains(message, Assert.Throws<InterventionException>(() => _model.Trace(_ids, path)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Live);
    }

    [Fact]
    public void Out_of_order_says_where_the_loop_stands()
    {
        using ModelTrace trace = _model.Trace(_ids, "embed", "blocks.1.attn.z", "logits");
        Assert.Equal("Trace: there is no value of 'embed': the trace has not been walked through.", Refused("embed"));
        foreach (TracedSite site in trace)
        {
            Assert.EndsWith(
                $"'{site.Name}': the loop still stands there; read the site's Value, or ask when it has gone on.", Refused(site.Name),
                StringComparison.Ordinal);
            Assert.EndsWith(
                "'blocks.1.resid_post': the trace does not offer it; name it among the sites of Trace(…).", Refused("blocks.1.resid_post"),
                StringComparison.Ordinal);
            Assert.Contains(
                "is [7], which does not broadcast to", Assert.Throws<InterventionException>(() => site.Value = zeros(7)).Message,
                StringComparison.Ordinal);
            if (site.Name == "blocks.1.attn.z")
            {
                Assert.Equal("Trace: there is no value of 'embed': call Keep() on it while the loop stands there.", Refused("embed"));
                Assert.Equal(
                    "Trace: there is no value of 'logits': the loop stands at 'blocks.1.attn.z', and it is computed later.",
                    Refused("logits"));
                site.Keep();
                break;
            }
        }
        Assert.Equal("Trace: there is no value of 'logits': the loop was left at 'blocks.1.attn.z', before it.", Refused("logits"));
        Assert.Contains(
            "call KeepGradient() on it",
            Assert.Throws<InterventionException>(() => trace.Gradient(trace["blocks.1.attn.z"], "embed")).Message,
            StringComparison.Ordinal);

        string Refused(string path) => Assert.Throws<InterventionException>(() => trace[path]).Message;
    }

    [Fact]
    public void Of_two_traces_none_can_take_what_the_other_has_not_computed()
    {
        using ModelTrace to = _model.Trace(_ids), from = _model.Trace(_ids);
        string message = Assert.Throws<InterventionException>(() =>
        {
            foreach ((TracedSite site, TracedSite other) in to.Zip(from))
            {
                other.Keep();
                if (site.Name == "blocks.0.resid_post")
                    site.Value = from["blocks.2.resid_post"];
            }
        }).Message;
        Assert.Equal(
            "Trace: there is no value of 'blocks.2.resid_post': the loop stands at 'blocks.0.resid_post', and it is computed later.",
            message);
    }

    [Fact]
    public void What_is_written_too_late_does_not_reach_the_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor expected = SmallDecoders.Read(_model, _ids, "logits", ("embed", x => x + 1));
        using ModelTrace trace = _model.Trace(_ids, "embed", "blocks.0.ln1.normalized", "logits");
        Tensor? value = null, view = null, assigned = null;
        foreach (TracedSite site in trace)
        {
            switch (site.Name)
            {
                case "embed":
                    site.Value = assigned = site.Value + 1;
                    value = site.Value;
                    view = value[0];
                    site.Keep();
                    break;
                case "logits":
                    site.Keep();
                    break;
                default:
                    Assert.Throws<InvalidOperationException>(() => value!.add_(1));
                    view!.add_(1);
                    assigned!.add_(1);
                    trace["embed"].add_(1);
                    break;
            }
        }
        Assert.True(Distance.Largest(trace["logits"], expected) < 1e-9);
    }

    [Fact]
    public void A_value_that_the_loop_disposes_is_an_error()
    {
        long before = Live;
        using (ModelTrace trace = _model.Trace(_ids))
            Assert.Contains("no 'using' is needed", Assert.Throws<InterventionException>(() =>
            {
                foreach (TracedSite site in trace)
                {
                    using Tensor value = site.Value;
                    value.add_(1);
                }
            }).Message, StringComparison.Ordinal);
        Assert.Equal(before, Live);
    }

    [Fact]
    public void A_trace_or_a_model_that_is_freed_in_the_loop_ends_it()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Assert.Throws<ObjectDisposedException>(() =>
        {
            using ModelTrace trace = model.Trace(_ids);
            foreach (TracedSite site in trace)
                trace.Dispose();
        });
        Assert.Throws<ObjectDisposedException>(() =>
        {
            using ModelTrace trace = model.Trace(_ids);
            foreach (TracedSite site in trace)
                model.Dispose();
        });
        Assert.Throws<ObjectDisposedException>(() => model.Trace(_ids));
    }

    [Fact]
    public void Tokens_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => _model.Trace(ones(1, 2)));
        Assert.Throws<ArgumentException>(() => _model.Trace(full([1, 2], _model.VocabularySize, dtype: int64)));
        Assert.Throws<ArgumentException>(() => _model.Trace(zeros([1, _model.Config.ContextLength + 1], dtype: int64)));
        Assert.Contains(
            "has no tokenizer", Assert.Throws<InterventionException>(() => _model.Trace("a text")).Message, StringComparison.Ordinal);
    }
}
