using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Sites beside the ordinary path mean the same as the path.</summary>
public sealed class DetourTests
{
    public static TheoryData<string, string, int> Beside()
    {
        TheoryData<string, string, int> data = new();
        foreach (string family in (string[])["gpt2", "llama"])
            foreach (string site in (string[])[
                "attn.q_input", "attn.k_input", "attn.v_input", "ln1.scale", "ln2.scale", "attn.scores", "attn.result"])
                for (int layer = 0; layer < 3; layer++)
                    data.Add(family, site, layer);
        return data;
    }

    [Theory]
    [MemberData(nameof(Beside))]
    public void A_detour_agrees_with_the_ordinary_path(string family, string site, int layer)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        string path = $"blocks.{layer}.{site}";
        Tensor ordinary = model.Forward(ids);
        Assert.True(Distance.Largest(SmallDecoders.Read(model, ids, "logits", (path, x => x)), ordinary) < 1e-9);
        Assert.True(Distance.Largest(SmallDecoders.Read(model, ids, "logits", (path, x => x.sin() + 2)), ordinary) > 1e-3);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void All_detours_together_agree_too(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        Tensor all = SmallDecoders.Read(
            model, ids, "logits", [.. model.Graph.Nodes.Select(node => (node.Name, (Func<Tensor, Tensor>)(x => x)))]);
        Assert.True(Distance.Largest(all, model.Forward(ids)) < 1e-9);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Writing_what_is_there_changes_nothing(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts(), ordinary = model.Forward(ids);
        foreach (ModelNode node in model.Graph.Nodes)
        {
            Tensor written = SmallDecoders.Read(model, ids, "logits", (node.Name, x => x.clone()));
            Assert.True(Distance.Largest(written, ordinary) < 1e-9, node.Name);
        }
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Reading_takes_no_detour(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(model.Graph, ids, model.Graph.Nodes.Select(node => node.Name));
        Assert.True(SmallDecoders.Same(values["logits"], model.Forward(ids)));
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void All_heads_and_neurons_and_the_embedding_from_another_run_are_that_run(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor clean = SmallDecoders.Prompts(3), corrupted = SmallDecoders.Prompts(4);
        string[] sites =
        [
            .. Enumerable.Range(0, 3).SelectMany(layer =>
                (string[])[$"blocks.{layer}.attn.z", .. model.Config.HasMlp ? (string[])[$"blocks.{layer}.mlp_out"] : []]),
            "embed",
        ];
        Dictionary<string, Tensor> donor = GraphEvaluator.Evaluate(model.Graph, corrupted, [.. sites, "logits"]);
        Tensor patched = SmallDecoders.Read(
            model, clean, "logits", [.. sites.Select(site => (site, (Func<Tensor, Tensor>)(_ => donor[site])))]);
        Assert.True(Distance.Largest(patched, donor["logits"]) < 1e-9);
        Assert.False(Distance.Largest(model.Forward(clean), donor["logits"]) < 1e-3);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void A_port_moves_its_own_head_only(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        // Where all heads' queries, or keys, go through one norm, each moves all.
        string[] ports = model.Config.QkNorm == QkNorm.AllHeads ? ["v_input"] : ["q_input", "k_input", "v_input"];
        foreach (string port in ports)
        {
            Tensor before = SmallDecoders.Read(model, ids, "blocks.1.attn.z");
            Tensor after = SmallDecoders.Read(model, ids, "blocks.1.attn.z", ($"blocks.1.attn.{port}", x => Plus(x, head: 2, position: 4)));
            Tensor difference = (after - before).abs().amax([0, 3]);
            Assert.Equal(0, Largest(difference[.., 0]) + Largest(difference[.., 1]) + Largest(difference[.., 3]), 9);
            Assert.Equal(0, Largest(difference[TensorIndex.Slice(0, 4), 2]), 9);
            Assert.True(Largest(difference[4, 2]) > 1e-3, port);
            Assert.Equal(port == "q_input", Largest(difference[TensorIndex.Slice(5, 9), 2]) < 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Every_head_s_port_written_alike_is_the_shared_input_written(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        Tensor Ports(Tensor x) => x.sin();
        Tensor apart = SmallDecoders.Read(model, ids, "logits",
            ("blocks.1.attn.q_input", Ports), ("blocks.1.attn.k_input", Ports), ("blocks.1.attn.v_input", Ports));
        Tensor together = SmallDecoders.Read(model, ids, "logits", ("blocks.1.attn_in", Ports));
        Assert.True(Distance.Largest(apart, together) < 1e-9);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Masked_scores_stay_masked(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        Tensor pattern = SmallDecoders.Read(model, ids, "blocks.1.attn.pattern", ("blocks.1.attn.scores", x => ones_like(x) * 50));
        Tensor seen = ones(9, 9, ScalarType.Float64).tril().triu(1 - (model.Config.WindowOf(1) ?? 9));
        Tensor uniform = seen / seen.sum([-1L], keepdim: true);
        Assert.True(Distance.Largest(pattern, uniform.expand(pattern.shape)) < 1e-12);
        Assert.Equal(0, Largest(SmallDecoders.Read(model, ids, "blocks.1.attn.scores").triu(1)), 15);
    }

    private static Tensor Plus(Tensor x, int head, int position)
    {
        Tensor changed = x.clone();
        changed[.., position, head, ..] = x[.., position, head, ..].sin() * 3;
        return changed;
    }

    private static double Largest(Tensor x) => x.abs().max().item<double>();
}
