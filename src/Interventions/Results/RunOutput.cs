using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>What a run kept, by name: in the changed run (with the sweep's axes in front) and in every unchanged run. Owns its tensors.</summary>
public sealed class RunOutput : IDisposable
{
    private readonly IReadOnlyDictionary<string, SweptTensor> _changed;
    private readonly IReadOnlyDictionary<string, IReadOnlyDictionary<string, Tensor>> _runs;
    private readonly IReadOnlyDictionary<string, Tensor> _parameters;

    internal RunOutput(
        IReadOnlyDictionary<string, SweptTensor> changed,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, Tensor>> runs,
        IReadOnlyDictionary<string, Tensor> parameters)
    {
        _changed = changed;
        _runs = runs;
        _parameters = parameters;
    }

    /// <summary>What each declared write did, in the order of the writes.</summary>
    public ImmutableArray<WriteEffect> Effects { get; internal init; } = [];

    /// <summary>Writes without effect: those that changed nothing, and those that nothing reads.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The values in the changed run.</summary>
    /// <exception cref="KeyNotFoundException">Nothing is kept under that name.</exception>
    public SweptTensor Changed(string name) => _changed[name];

    /// <summary>The values in an unchanged run, by name.</summary>
    /// <exception cref="KeyNotFoundException">There is no such run.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(string run) => _runs[run];

    /// <summary>The metric's gradient with respect to a parameter in the changed run, summed over the prompts and the sweep's points.</summary>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public Tensor Gradient(string parameter) => _parameters[parameter];

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in _changed.Values.SelectMany(swept => swept.Tensors))
            tensor.Dispose();
        foreach (Tensor tensor in _runs.Values.SelectMany(run => run.Values).Concat(_parameters.Values))
            tensor.Dispose();
    }
}
