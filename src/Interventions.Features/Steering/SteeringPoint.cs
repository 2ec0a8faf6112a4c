using System.Globalization;

namespace Interventions.Features;

/// <summary>What steering with one strength does.</summary>
/// <param name="Method">The name of the steering.</param>
/// <param name="Layer">The layer, of layers one at a time; else null.</param>
/// <param name="Strength">The strength c.</param>
/// <param name="Norm">The norm of all that is added; null where nothing of a fixed length is.</param>
/// <param name="Loss">The mean loss of scored tokens, in nats.</param>
/// <param name="Success">How many rollouts are a success.</param>
public sealed record SteeringPoint(string Method, int? Layer, double Strength, double? Norm, double Loss, SuccessRate Success)
{
    /// <summary>Whether its strength is the reference one, so that it is circled.</summary>
    public bool IsReference { get; init; }

    /// <summary>Its method, layer, strength, loss and success.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Method}{(Layer is { } layer ? $", layer {layer}" : "")}, strength {Strength:0.###}: loss {Loss:0.000}, success {Success}");
}
