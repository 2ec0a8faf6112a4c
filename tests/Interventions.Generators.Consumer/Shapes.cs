using Interventions;
using Interventions.Models;
using Interventions.Torch;
using static TorchSharp.torch;

namespace Consumer;

/// <summary>Where declarations can stand.</summary>
internal static partial class Shapes
{
    [PromptSchema]
    private sealed partial class Local : PromptSet;

    [Intervention<Gpt2Medium, Local>]
    private sealed partial class Nested
    {
        [Patch("blocks.[6..8].mlp_out")]
        private static Tensor Silence(Tensor x) => zeros_like(x);
    }

    /// <summary>Placeholders may be called anything that a path can spell.</summary>
    [Intervention<Gpt2Medium, Local>]
    private sealed partial class Placeholders
    {
        [Patch("blocks.{_values}.attn.z[head={class}; pos={Values=0..1}]")]
        private static Tensor Silence(Tensor x) => zeros_like(x);
    }

    /// <summary>Uses what is generated.</summary>
    public static void Use(Gpt2Medium model, IReadOnlyList<PromptTokens> prompts)
    {
        using Nested.Result result = new Nested().Run(model, Local.FromTokens(prompts));
        Use(result.Clean);
    }

    private static void Use(Nested.RunValues values) => Console.WriteLine(values);
}

/// <summary>Around a generic type.</summary>
/// <typeparam name="T">Anything.</typeparam>
public static partial class Around<T>
{
    /// <summary>Inside a generic type.</summary>
    [Intervention<Gpt2Small>]
    internal sealed partial record @event
    {
        [Metric]
        internal static Tensor @new([Logit("wrong")] Tensor @in) => @in;
    }

    /// <summary>Uses it.</summary>
    internal static double First(Gpt2Small model, PromptPairs prompts)
    {
        using @event.Result result = new @event().Run(model, prompts);
        using Tensor mean = result.@new.mean();
        return mean.item<float>();
    }
}
