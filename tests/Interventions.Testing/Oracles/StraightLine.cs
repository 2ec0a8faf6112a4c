using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Testing.Oracles;

/// <summary>
/// The two families' forward passes written down directly, with nothing of the decoder's code but its weights: what an uninstrumented model
/// would be.
/// </summary>
public static class StraightLine
{
    /// <summary>The logits; of so many blocks alone, the residual stream behind them.</summary>
    public static Tensor Gpt2(DecoderModel model, Tensor ids, Func<Tensor, Tensor>? embedded = null, int? blocks = null)
    {
        Tensor W(string name) => model.Weights[name];
        (long batch, long pos) = (ids.shape[0], ids.shape[1]);
        (long heads, long d_head, long d_model) = (model.Config.Heads, model.Config.DHead, model.Config.DModel);
        Tensor future = ones(pos, pos, ScalarType.Bool).triu(1);
        Tensor mask = zeros([batch, 1, pos, pos], W("embed.weight").dtype).masked_fill_(future, double.NegativeInfinity);

        Tensor embed = W("embed.weight").index_select(0, ids.reshape(-1)).view(batch, pos, d_model);
        Tensor x = (embedded?.Invoke(embed) ?? embed) + W("pos_embed.weight").narrow(0, 0, pos);
        for (int l = 0; l < (blocks ?? model.Config.Layers); l++)
            x = Layer(l, x);
        if (blocks is not null)
            return x;
        return linear(layer_norm(x, [d_model], W("ln_final.gain"), W("ln_final.bias"), 1e-5), W("embed.weight"));

        Tensor Layer(int l, Tensor x)
        {
            // What nobody needs any more is freed, as it is in Python.
            using DisposeScope scope = NewDisposeScope();
            Tensor B(string name) => W($"blocks.{l}.{name}");
            Tensor n = layer_norm(x, [d_model], B("ln1.gain"), B("ln1.bias"), 1e-5);
            Tensor[] qkv = linear(n, B("attn.qkv.weight"), B("attn.qkv.bias")).chunk(3, -1);
            qkv = [.. qkv.Select(part => part.split_axis(-1, heads, d_head).transpose(1, 2))];
            Tensor z = scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], mask).transpose(1, 2).reshape(batch, pos, d_model);
            x = x + linear(z, B("attn.out.weight"), B("attn.out.bias"));
            n = layer_norm(x, [d_model], B("ln2.gain"), B("ln2.bias"), 1e-5);
            Tensor h = linear(n, B("mlp.in.weight"), B("mlp.in.bias"));
            return (x + linear(h.gelu(GELU.Approximate.tanh), B("mlp.out.weight"), B("mlp.out.bias"))).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Rotary angles, <c>[pos, width / 2]</c>: of half precision as transformers computes them, in float32.</summary>
    public static Tensor Angles(Tensor positions, long width, double theta, ScalarType dtype, double[]? turns = null)
    {
        ScalarType wide = dtype is ScalarType.Float16 or ScalarType.BFloat16 ? float32 : float64;
        Tensor frequencies = turns is null
            ? tensor(theta, wide).pow(arange(0, width, 2).to_type(wide) / width).reciprocal()
            : tensor(turns, wide);
        return positions.to_type(wide).unsqueeze(-1) * frequencies;
    }

    public static Tensor Llama(DecoderModel model, Tensor ids, double[]? turns = null, double cosineFactor = 1)
    {
        Tensor W(string name) => model.Weights[name];
        (long batch, long pos) = (ids.shape[0], ids.shape[1]);
        (long heads, long kv, long d_head, long d_model) = (
            model.Config.Heads, model.Config.KvHeads, model.Config.DHead, model.Config.DModel);
        ScalarType dtype = W("embed.weight").dtype;
        Tensor mask = zeros([batch, 1, pos, pos], dtype).masked_fill_(ones(pos, pos, ScalarType.Bool).triu(1), double.NegativeInfinity);
        Tensor angles = Angles(arange(pos), d_head, 10000, dtype, turns);
        Tensor cos = (cat([angles.cos(), angles.cos()], -1) * cosineFactor).unsqueeze(1).to_type(dtype);
        Tensor sin = (cat([-angles.sin(), angles.sin()], -1) * cosineFactor).unsqueeze(1).to_type(dtype);
        Tensor Rms(Tensor x, Tensor gain)
        {
            // As transformers casts: in float32 up to the gain.
            Tensor wide = x.ElementSize < 4 ? x.to(float32) : x;
            return (wide * (wide.square().mean([-1], keepdim: true) + model.Config.NormEpsilon).rsqrt()).to(dtype) * gain;
        }
        Tensor Rotate(Tensor x) => addcmul(x * cos, cat([x.narrow(-1, d_head / 2, d_head / 2), x.narrow(-1, 0, d_head / 2)], -1), sin, 1);

        Tensor x = W("embed.weight").index_select(0, ids.reshape(-1)).view(batch, pos, d_model);
        for (int l = 0; l < model.Config.Layers; l++)
        {
            Tensor B(string name) => W($"blocks.{l}.{name}");
            Tensor[] qkv = linear(Rms(x, B("ln1.gain")), B("attn.qkv.weight")).split([heads * d_head, kv * d_head, kv * d_head], -1);
            Tensor q = Rotate(qkv[0].split_axis(-1, heads, d_head));
            Tensor k = Rotate(qkv[1].split_axis(-1, kv, d_head));
            Tensor v = qkv[2].split_axis(-1, kv, d_head);
            q = q.transpose(1, 2).reshape(batch, kv, heads / kv * pos, d_head);
            Tensor z = scaled_dot_product_attention(q, k.transpose(1, 2), v.transpose(1, 2), mask.repeat(1, 1, heads / kv, 1)).reshape(
                batch, heads, pos, d_head);
            x = x + linear(z.transpose(1, 2).reshape(batch, pos, heads * d_head), B("attn.out.weight"));
            Tensor n = Rms(x, B("ln2.gain"));
            x = x + linear(silu(linear(n, B("mlp.gate.weight"))) * linear(n, B("mlp.in.weight")), B("mlp.out.weight"));
        }
        return linear(Rms(x, W("ln_final.gain")), W("unembed.weight"));
    }
}
