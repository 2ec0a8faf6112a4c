using System.Runtime.CompilerServices;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>
/// Means over prompts that several runs share: one of them takes a mean, the others find it. Weights and prompts stay as they are while it
/// is used. Means are held as arrays, which nobody has to free.
/// </summary>
internal sealed class MeanCache
{
    private readonly ConditionalWeakTable<HookedModel, Dictionary<object, IReadOnlyDictionary<int, StoredMean>>> _means = [];

    /// <summary>Whether a mean was taken.</summary>
    public bool Has(HookedModel model, object key)
    {
        lock (_means)
            return _means.TryGetValue(model, out var ofModel) && ofModel.ContainsKey(key);
    }

    /// <summary>The mean over prompts of a template; null if it was not taken, or there are no such prompts.</summary>
    public StoredMean? Find(HookedModel model, object key, int template)
    {
        lock (_means)
            return _means.TryGetValue(model, out var ofModel) && ofModel.TryGetValue(key, out var means)
                ? means.GetValueOrDefault(template)
                : null;
    }

    /// <summary>Adds a mean, by template.</summary>
    public void Add(HookedModel model, object key, IReadOnlyDictionary<int, StoredMean> means)
    {
        lock (_means)
            _means.GetOrCreateValue(model)[key] = means;
    }
}

/// <summary>A mean as an array.</summary>
/// <param name="Values">Numbers of double or single precision.</param>
/// <param name="Shape">Their shape.</param>
/// <param name="Type">The type of the tensor.</param>
internal sealed record StoredMean(Array Values, long[] Shape, ScalarType Type)
{
    /// <summary>A tensor's numbers.</summary>
    public static StoredMean Of(Tensor mean)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor numbers = mean.cpu().contiguous();
        return new StoredMean(
            mean.dtype == ScalarType.Float64 ? numbers.data<double>().ToArray() : numbers.to(ScalarType.Float32).data<float>().ToArray(),
            mean.shape, mean.dtype);
    }

    /// <summary>The tensor.</summary>
    public Tensor ToTensor(Device device) =>
        (Values is double[] numbers ? tensor(numbers, device: device) : tensor((float[])Values, device: device)).view(Shape).to(Type);
}
