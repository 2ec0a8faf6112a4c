using System.Text.Json;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Testing.Reference;

/// <summary>
/// A user's own transformers, as graphs without detours or pieces: one of attention alone, without norms (Elhage et al. 2021), and one
/// whose attention and feed-forward block read the same residual, with half of each head rotated (GPT-NeoX, arXiv:2204.06745). Float64.
/// </summary>
internal sealed class PlainTransformer : HookedModel
{
    private readonly Dictionary<string, Tensor> _weights;
    private readonly int _heads, _rotated;

    private PlainTransformer(Dictionary<string, Tensor> weights, int layers, int heads, int rotated)
    {
        _weights = weights;
        _heads = heads;
        _rotated = rotated;
        Graph = Build(layers);
        long[] embedding = weights["embed"].shape;
        string[] sites = [.. Graph.Nodes.Select(node => node.Name.Replace("blocks.0.", "blocks.{layer}.", StringComparison.Ordinal)).Where(
            name => !name.StartsWith("blocks.1", StringComparison.Ordinal))];
        Schema = new ModelSchema(
            nameof(PlainTransformer),
            EquatableArray.Of(
                new AxisSize("layer", layers), new AxisSize("head", heads), new AxisSize("kv_head", heads),
                new AxisSize("d_head", (int)weights["blocks.0.W_q"].shape[2]),
                new AxisSize("d_model", (int)embedding[1]), new AxisSize("vocab", (int)embedding[0])),
            sites.Select(site => new SiteDefinition(site, Axes(site).ToEquatableArray())).ToEquatableArray());
    }

    public override ModelSchema Schema { get; }

    public override ModelGraph Graph { get; }

    public override int? ContextLength => null;

    public override int VocabularySize => (int)_weights["embed"].shape[0];

    public override Device Device => CPU;

    public static PlainTransformer Load(string folder)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        using SafeTensorFile file = SafeTensorFile.Open(Path.Combine(folder, "model.safetensors"));
        JsonElement config = json.RootElement;
        Tensor Stored(string name) => file.Read(name).to_type(float64);
        return config.GetProperty("model_type").GetString() == "attention_only"
            ? new(
                AttentionOnly(Stored, config.GetProperty("n_layers").GetInt32()), config.GetProperty("n_layers").GetInt32(),
                config.GetProperty("n_heads").GetInt32(), 0)
            : Parallel(Stored, config);
    }

    protected override void Dispose(bool disposing)
    {
        foreach (Tensor weight in _weights.Values)
            weight.Dispose();
    }

    private static Dictionary<string, Tensor> AttentionOnly(Func<string, Tensor> stored, int layers)
    {
        Dictionary<string, Tensor> weights = new()
        {
            ["embed"] = stored("embed.W_E"),
            ["pos_embed"] = stored("pos_embed.W_pos"),
            ["W_U"] = stored("unembed.W_U"),
            ["b_U"] = stored("unembed.b_U"),
        };
        for (int layer = 0; layer < layers; layer++)
            foreach (string part in new[] { "q", "k", "v", "o" })
                foreach (string kind in new[] { "W", "b" })
                    weights[$"blocks.{layer}.{kind}_{part}"] = stored($"blocks.{layer}.attn.{kind}_{part.ToUpperInvariant()}");
        return weights;
    }

    private static PlainTransformer Parallel(Func<string, Tensor> stored, JsonElement config)
    {
        int layers = config.GetProperty("num_hidden_layers").GetInt32();
        int heads = config.GetProperty("num_attention_heads").GetInt32();
        int width = config.GetProperty("hidden_size").GetInt32();
        Dictionary<string,
        Tensor> weights = new() { ["embed"] = stored("gpt_neox.embed_in.weight"), ["W_U"] = stored("embed_out.weight").t() };
        AddNorm("ln_final", "gpt_neox.final_layer_norm");
        for (int layer = 0; layer < layers; layer++)
        {
            string block = $"blocks.{layer}", there = $"gpt_neox.layers.{layer}";
            AddNorm($"{block}.ln1", $"{there}.input_layernorm");
            AddNorm($"{block}.ln2", $"{there}.post_attention_layernorm");
            // Stored by head, each with its query, its key and its value.
            Tensor weight = stored($"{there}.attention.query_key_value.weight").view(heads, 3, -1, width);
            Tensor bias = stored($"{there}.attention.query_key_value.bias").view(heads, 3, -1);
            foreach ((string part, int i) in new[] { ("q", 0), ("k", 1), ("v", 2) })
                (weights[$"{block}.W_{part}"], weights[$"{block}.b_{part}"]) = (weight.select(1, i).transpose(1, 2), bias.select(1, i));
            (weights[$"{block}.W_o"], weights[$"{block}.b_o"]) = (
                stored($"{there}.attention.dense.weight").t().view(heads, -1, width), stored($"{there}.attention.dense.bias"));
            foreach ((string part, string name) in new[] { ("in", "dense_h_to_4h"), ("out", "dense_4h_to_h") })
                (weights[$"{block}.W_{part}"], weights[$"{block}.b_{part}"]) = (stored($"{there}.mlp.{name}.weight").t(), stored(
                    $"{there}.mlp.{name}.bias"));
        }
        double rotated = config.GetProperty("rope_parameters").GetProperty("partial_rotary_factor").GetDouble();
        return new PlainTransformer(weights, layers, heads, (int)(rotated * width / heads));

        void AddNorm(string name, string there) =>
            (weights[$"{name}.gain"], weights[$"{name}.bias"]) = (stored($"{there}.weight"), stored($"{there}.bias"));
    }

    private ModelGraph Build(int layers)
    {
        ModelGraphBuilder graph = new();
        NodeInput stream = graph.Add("embed", graph.Tokens, ids => _weights["embed"][ids]);
        for (int layer = 0; layer < layers; layer++)
        {
            string block = $"blocks.{layer}", attn = $"{block}.attn";
            NodeInput resid_pre = layer == 0 && _weights.TryGetValue("pos_embed", out Tensor? learned)
                ? graph.Add($"{block}.resid_pre", stream, graph.Positions, (x, positions) => x + learned[positions])
                : graph.Add($"{block}.resid_pre", stream, x => x);
            NodeInput q = Projection("q"), k = Projection("k"), v = Projection("v");
            NodeInput scores = graph.Add(
                $"{attn}.scores", [q, graph.Positions, k with { Reach = Reach.Causal }, graph.Positions with { Reach = Reach.Causal }],
                x => Scores(x[0], x[1], x[2], x[3]));
            NodeInput pattern = graph.Add(
                $"{attn}.pattern", [scores, graph.Positions, graph.Positions with { Reach = Reach.Causal }],
                x => x[0].masked_fill(Hidden(x[1], x[2]), double.NegativeInfinity).softmax(-1));
            NodeInput z = graph.Add(
                $"{attn}.z", pattern, v with { Reach = Reach.Causal }, (attention, values) => einsum("bhqk,bkhe->bqhe", attention, values));
            NodeInput result = graph.Add($"{attn}.result", z, x => einsum("bphe,hed->bphd", x, _weights[$"{block}.W_o"]));
            NodeInput attn_out = graph.Add($"{block}.attn_out", result, x => x.sum(2) + _weights[$"{block}.b_o"]);
            stream = graph.Add($"{block}.resid_mid", resid_pre, attn_out, (x, y) => x + y);
            if (_weights.ContainsKey($"{block}.W_in"))
            {
                NodeInput mlp_in = graph.Add($"{block}.mlp_in", resid_pre, x => x);
                NodeInput mlp_out = graph.Add(
                    $"{block}.mlp_out", mlp_in, x => Linear(gelu(Linear(Norm($"{block}.ln2", x), $"{block}.", "in")), $"{block}.", "out"));
                stream = graph.Add($"{block}.resid_post", stream, mlp_out, (x, y) => x + y);
            }
            else
            {
                stream = graph.Add($"{block}.resid_post", stream, x => x);
            }

            NodeInput Projection(string part)
            {
                NodeInput port = graph.Add($"{attn}.{part}_input", resid_pre, x => x.unsqueeze(2).expand(-1, -1, _heads, -1));
                return graph.Add(
                    $"{attn}.{part}", port,
                    x => einsum("bphd,hde->bphe", Norm($"{block}.ln1", x), _weights[$"{block}.W_{part}"]) + _weights[$"{block}.b_{part}"]);
            }
        }
        return graph.Build(graph.Add("logits", stream, x => Linear(Norm("ln_final", x), "", "U")));
    }

    private Tensor Norm(string name, Tensor x) =>
        _weights.TryGetValue($"{name}.gain", out Tensor? gain) ? layer_norm(x, gain.shape, gain, _weights[$"{name}.bias"], 1e-5) : x;

    private Tensor Linear(Tensor x, string block, string part) =>
        x.matmul(_weights[$"{block}W_{part}"]) + (_weights.TryGetValue($"{block}b_{part}", out Tensor? bias) ? bias : 0);

    private Tensor Scores(Tensor q, Tensor queries, Tensor k, Tensor keys)
    {
        Tensor scores = einsum("bqhe,bkhe->bhqk", Rotated(q, queries), Rotated(k, keys)) / Math.Sqrt(q.shape[3]);
        return scores.masked_fill(Hidden(queries, keys), 0);
    }

    /// <summary>The keys behind each query.</summary>
    private static Tensor Hidden(Tensor queries, Tensor keys) => keys.unsqueeze(1).gt(queries.unsqueeze(2)).unsqueeze(1);

    /// <summary>Turns coordinates (i, i + half) of the rotated ones.</summary>
    private Tensor Rotated(Tensor x, Tensor positions)
    {
        if (_rotated == 0)
            return x;
        long half = _rotated / 2;
        Tensor angles = (positions.to_type(float64).unsqueeze(-1) * pow(tensor(10000.0), arange(half, dtype: float64) * (-2.0 / _rotated)))
            .unsqueeze(2);
        Tensor left = x.narrow(3, 0, half), right = x.narrow(3, half, half);
        return cat(
            [(left * angles.cos()) - (right * angles.sin()), (right * angles.cos()) + (left * angles.sin()), x.narrow(
                3, _rotated, x.shape[3] - _rotated)],
            3);
    }

    private static string[] Axes(string site) => site.Split('.')[^1] switch
    {
        "q_input" or "k_input" or "v_input" or "result" => ["batch", "pos", "head", "d_model"],
        "q" or "z" => ["batch", "pos", "head", "d_head"],
        "k" or "v" => ["batch", "pos", "kv_head", "d_head"],
        "scores" or "pattern" => ["batch", "head", "query", "key"],
        "logits" => ["batch", "pos", "vocab"],
        _ => ["batch", "pos", "d_model"],
    };
}
