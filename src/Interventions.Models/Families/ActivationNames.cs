using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>What configurations call the activations.</summary>
internal static class ActivationNames
{
    // The first name of an activation is the one that is written.
    private static readonly (string Name, Activation Activation)[] Known =
    [
        ("gelu_new", Activation.GeluTanh), ("gelu_pytorch_tanh", Activation.GeluTanh), ("gelu_fast", Activation.GeluTanh),
        ("gelu", Activation.Gelu), ("relu", Activation.Relu), ("silu", Activation.Silu), ("swish", Activation.Silu),
    ];

    /// <summary>Reads a property that names an activation.</summary>
    /// <exception cref="CheckpointException">The activation is not supported.</exception>
    public static Activation Read(ConfigFile file, string property, string otherwise)
    {
        string name = file.Text(property, otherwise);
        foreach ((string known, Activation activation) in Known)
            if (known == name)
                return activation;
        throw file.Wrong(property, $"is '{name}'; supported are {string.Join(", ", Known.Select(known => known.Name))}");
    }

    /// <summary>The name of an activation.</summary>
    public static string Of(Activation activation) => Known.First(known => known.Activation == activation).Name;
}
