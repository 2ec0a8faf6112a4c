using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>The base of generated results. Owns its tensors until it is disposed, whatever dispose scopes come and go.</summary>
public abstract class InterventionResult : IDisposable
{
    private readonly RunOutput _output;

    /// <summary>Takes the run's output over.</summary>
    protected InterventionResult(RunOutput output) => _output = output;

    /// <inheritdoc cref="RunOutput.Prompts"/>
    public ImmutableArray<int> Prompts => _output.Prompts;

    /// <summary>
    /// What each declared write did, over all prompts and points of the sweep: those of includes, of the class's attributes, of its
    /// members.
    /// </summary>
    public ImmutableArray<WriteEffect> Effects => _output.Effects;

    /// <summary>
    /// Writes without effect: those that changed nothing on any prompt and point of the sweep, and those that nothing reads. Freezes are
    /// none, nor are copies of another run at positions up to which both runs' tokens agree; but prompts of which a copy selects such
    /// positions alone are reported by number. A strict run (<see cref="RunOptions.Strict"/>) throws instead.
    /// </summary>
    public ImmutableArray<string> Warnings => _output.Warnings;

    /// <summary>The value kept under a name, of a declaration without sweep; owned by the result.</summary>
    protected Tensor Get(string name) => _output.Changed(name).Values;

    /// <summary>The value kept under a name, with the sweep's axes.</summary>
    protected SweptTensor GetSwept(string name) => _output.Changed(name);

    /// <summary>Which entries of a captured value or gradient are real, see <see cref="SweptTensor.Mask"/>; owned by the result.</summary>
    protected Tensor GetMask(string name) => _output.Changed(name).Mask ?? throw new KeyNotFoundException($"'{name}' is a metric: it has one number a prompt, and no mask.");

    /// <summary>
    /// The metric's gradient with respect to a parameter, summed over the prompts and the sweep's points; owned by the result.
    /// </summary>
    protected Tensor GetGradient(string parameter) => _output.Gradient(parameter);

    /// <summary>The values in an unchanged run.</summary>
    protected TRun Of<TRun>(string run)
        where TRun : RunResult, new() => new() { Values = _output.Run(run) };

    /// <inheritdoc cref="RunOutput.Save(string)"/>
    public void Save(string path) => _output.Save(path);

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        _output.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The base of generated results of one unchanged run.</summary>
public abstract class RunResult
{
    internal IReadOnlyDictionary<string, Tensor> Values { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>The value kept under a name; owned by the whole result.</summary>
    protected Tensor Get(string name) => Values[name];
}
