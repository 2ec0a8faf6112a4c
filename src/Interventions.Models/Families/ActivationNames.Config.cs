using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>The names of activations in configurations.</summary>
internal static class ActivationNames
{
    // The first name of an activation is the one that is written.
    private static readonly (string Name, Activation Activation)[] Known =
    [
        ("gelu_new", Activation.GeluTanh), ("gelu_pytorch_tanh", Activation.GeluTanh), ("gelu_fast", Activation.GeluTanh),
        ("gelu", Activation.Gelu), ("relu", Activation.Relu), ("silu", Activation.Silu), ("swish", Activation.Silu),
    ];

    /// <summary>Reads a property that names an activation. It fails where the activation is not supported.</summary>
    public static Activation Read(IConfig config, string property, Activation otherwise)
    {
        string name = config.Text(property, Of(otherwise));
        foreach ((string known, Activation activation) in Known)
            if (known == name)
                return activation;
        throw config.Wrong(property, $"is '{name}'; supported are {string.Join(", ", Known.Select(known => known.Name))}");
    }

    /// <summary>The name of an activation.</summary>
    public static string Of(Activation activation) => Known.First(known => known.Activation == activation).Name;
}
