namespace TorchSharp.Modules;

/// <summary>What a step of Adam and AdamW depends on.</summary>
internal readonly record struct AdamSettings(double Rate, double Beta1, double Beta2, double Eps, double Decay, bool AmsGrad, bool Maximize)
{
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    internal static void Check(double lr, double beta1, double beta2, double eps, double weight_decay)
    {
        if (lr < 0) throw new ArgumentException($"Invalid learning rate: {lr}");
        if (eps < 0) throw new ArgumentException($"Invalid ε: {eps}");
        if (beta1 is < 0 or >= 1) throw new ArgumentException($"Invalid beta1: {beta1}");
        if (beta2 is < 0 or >= 1) throw new ArgumentException($"Invalid beta2: {beta2}");
        if (weight_decay < 0) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
    }
}
