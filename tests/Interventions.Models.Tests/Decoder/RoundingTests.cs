using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Tests.Decoder;

/// <summary>
/// What half precision rounds, and when: norms, turned queries and keys, and patterns are recomputed of their inputs with the casts that
/// each family's class in transformers has, bit for bit.
/// </summary>
public sealed class RoundingTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, ScalarType> Cases
    {
        get
        {
            TheoryData<string, ScalarType> cases = [];
            foreach (string family in SmallDecoders.Names)
                foreach (ScalarType dtype in new[] { ScalarType.Float16, ScalarType.BFloat16 })
                    cases.Add(family, dtype);
            return cases;
        }
    }

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Norms_round_where_transformers_does(string family, ScalarType dtype)
    {
        using DecoderModel model = SmallDecoders.Model(family, dtype);
        (string Input, string Norm)[] norms =
        [
            .. model.Config.NormsBefore ? new[] { ("blocks.1.resid_pre", "blocks.1.ln1") } : [],
            .. model.Config.NormsAfter ? new[] { ("blocks.1.attn.out", "blocks.1.ln1_post") } : [],
            .. model.Config.FinalNorm ? new[] { ("blocks.2.resid_post", "ln_final") } : [],
        ];
        foreach ((string input, string norm) in norms)
        {
            Tensor expected = Norm(model, Read(model, input), norm);
            Assert.True(SmallDecoders.Same(expected, Read(model, $"{norm}.normalized")), norm);
            // With a scale that is written, which is rounded itself.
            Tensor detour = Read(model, $"{norm}.normalized", $"{norm}.scale");
            Assert.Equal(dtype, detour.dtype);
            Assert.InRange(Distance.Largest(detour, expected), 0, Ulp(dtype) * 4 * expected.abs().max().to(float64).item<double>());
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Queries_and_keys_turn_as_in_transformers(string family, ScalarType dtype)
    {
        using DecoderModel model = SmallDecoders.Model(family, dtype);
        if (model.Config.RotaryOf(0) is not { } rotary)
            return;
        long d_head = model.Config.DHead, width = rotary.WidthIn((int)d_head), pos = SmallDecoders.Prompts().shape[1];
        Tensor angles = StraightLine.Angles(arange(pos), width, rotary.Theta, dtype);
        angles = (rotary.Neighbours ? angles.repeat_interleave(2, -1) : cat([angles, angles], -1)).unsqueeze(1);
        bool staysWide = family is "olmo" or "olmo2" or "gptj"; // their cosines are not cast
        Tensor cos = angles.cos(), sin = angles.sin();
        if (!staysWide)
            (cos, sin) = (cos.to(dtype), sin.to(dtype));
        foreach (string letter in new[] { "q", "k" })
        {
            Tensor x = Read(model, $"blocks.0.attn.{letter}");
            if (model.Config.QkvClip is { } clip)
                x = x.clamp(-clip, clip);
            x = HeadNorm(model, x, $"blocks.0.attn.{letter}_norm");
            Tensor turning = x.narrow(-1, 0, width).to(cos.dtype);
            Tensor turned = addcmul(turning * cos, Half(turning, rotary.Neighbours), sin, 1).to(dtype);
            Tensor expected = width == d_head ? turned : cat([turned, x.narrow(-1, width, d_head - width)], -1);
            Assert.True(SmallDecoders.Same(expected, Read(model, $"blocks.0.attn.rot_{letter}")), letter);
        }

        static Tensor Half(Tensor x, bool neighbours)
        {
            long half = x.shape[^1] / 2;
            if (!neighbours)
                return cat([-x.narrow(-1, half, half), x.narrow(-1, 0, half)], -1);
            Tensor pairs = x.unflatten(x.dim() - 1, half, 2);
            return stack([-pairs.select(-1, 1), pairs.select(-1, 0)], -1).flatten(-2);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_softmax_is_float32(string family, ScalarType dtype)
    {
        using DecoderModel model = SmallDecoders.Model(family, dtype);
        Tensor scores = Read(model, "blocks.2.attn.scores"), pattern = Read(model, "blocks.2.attn.pattern");
        Assert.Equal(family is "gptj" or "gpt_neo" ? float32 : dtype, scores.dtype);
        Tensor hidden = Read(model, model.Config.WindowOf(2) is { } window ? $"mask.{window}.hidden" : "mask.hidden");
        Tensor expected = scores.masked_fill(hidden, double.NegativeInfinity).softmax(-1, float32).to(dtype);
        Assert.True(SmallDecoders.Same(expected, pattern));
        // Through scores that are written, and through the mixing that keeps no pattern.
        Assert.True(SmallDecoders.Same(pattern, Read(model, "blocks.2.attn.pattern", "blocks.2.attn.scores")));
        Tensor z = Read(model, "blocks.2.attn.z"), mixed = Read(model, "blocks.2.attn.z", "blocks.2.attn.pattern");
        Assert.InRange(Distance.Largest(z, mixed), 0, Ulp(dtype) * 4 * z.abs().max().to(float64).item<double>());
    }

    /// <summary>In float16, scores of GPT-Neo, which are not divided, are larger than its largest number.</summary>
    [Fact]
    public void Scores_that_float16_cannot_hold_do_not_overflow()
    {
        using DecoderModel model = SmallDecoders.Model("gpt_neo", ScalarType.Float16);
        using (no_grad())
            model.Weights["blocks.0.attn.qkv.weight"].mul_(200);
        Assert.True(Read(model, "blocks.0.attn.scores").abs().max().item<float>() > 65504);
        Assert.True(model.Forward(SmallDecoders.Prompts()).isfinite().all().item<bool>());
    }

    /// <summary>Far angles: those of float32, and not exact ones, are what models were trained with.</summary>
    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Angles_are_those_of_float32(ScalarType dtype)
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.LlamaConfig with { DHead = 64, ContextLength = 8192 }, dtype: dtype);
        Tensor positions = arange(0, 8192, 7).unsqueeze(0), ids = zeros_like(positions);
        Tensor cos = GraphEvaluator.Evaluate(model.Graph, ids, ["rotary.cos"], positions: positions)["rotary.cos"];
        Tensor expected = StraightLine.Angles(positions.squeeze(0), 64, 10000, dtype).cos();
        expected = cat([expected, expected], -1).to(dtype);
        double same = cos.view(expected.shape).eq(expected).to_type(float64).mean().item<double>();
        Assert.InRange(same, 0.99, 1);
        Assert.InRange(Distance.Largest(cos.view(expected.shape), expected), 0, 2e-3 + Ulp(dtype));
    }

    private static double Ulp(ScalarType dtype) => dtype == ScalarType.Float16 ? 1.0 / 1024 : 1.0 / 128;

    private static Tensor Read(DecoderModel model, string site, params string[] through) =>
        SmallDecoders.Read(model, SmallDecoders.Prompts(), site, [.. through.Select(one => (one, (Func<Tensor, Tensor>)(x => x.clone())))]);

    /// <summary>A norm as the class of the family in transformers computes it.</summary>
    private static Tensor Norm(DecoderModel model, Tensor x, string name)
    {
        DecoderConfig config = model.Config;
        model.Weights.TryGetValue($"{name}.gain", out Tensor? gain);
        model.Weights.TryGetValue($"{name}.bias", out Tensor? bias);
        if (config.Norm == NormKind.LayerNorm)
            return layer_norm(x, [x.shape[^1]], gain, bias, config.NormEpsilon);
        Tensor wide = x.to(float32);
        Tensor normalized = wide * (wide.square().mean([-1L], keepdim: true) + config.NormEpsilon).rsqrt();
        return config.Family switch
        {
            "gemma" or "gemma2" or "gemma3_text" => (normalized * (gain!.to(float32) + 1)).to(x.dtype),
            "olmo2" => (gain! * normalized).to(x.dtype),
            _ => gain! * normalized.to(x.dtype),
        };
    }

    /// <summary>The norm of queries or keys, <c>[batch, pos, head, d_head]</c>.</summary>
    private static Tensor HeadNorm(DecoderModel model, Tensor x, string name) => model.Config.QkNorm switch
    {
        QkNorm.OneGain => Norm(model, x, name),
        QkNorm.AllHeads => Norm(model, x.flatten(-2), name).view(x.shape),
        QkNorm.GainForEachHead => stack(
            [.. Enumerable.Range(0, (int)x.shape[2]).Select(head => layer_norm(
                x.select(2, head), [x.shape[3]], model.Weights[$"{name}.gain"].view(x.shape[2], x.shape[3])[head], null,
                model.Config.NormEpsilon))],
            2),
        _ => x,
    };
}
