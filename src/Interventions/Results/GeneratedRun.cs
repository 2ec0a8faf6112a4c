using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>What one run generated and kept, prompt by prompt.</summary>
public sealed class GeneratedRun
{
    private readonly IReadOnlyDictionary<string, GeneratedValue> _values;
    private readonly HookedModel _model;

    internal GeneratedRun(
        IReadOnlyList<IReadOnlyList<long>> tokens, IReadOnlyList<IReadOnlyList<double>> logProbabilities, IReadOnlyDictionary<string, GeneratedValue> values, HookedModel model)
    {
        Tokens = tokens;
        LogProbabilities = logProbabilities;
        _values = values;
        _model = model;
    }

    /// <summary>The new tokens of each prompt, a stop token included.</summary>
    public IReadOnlyList<IReadOnlyList<long>> Tokens { get; }

    /// <summary>
    /// The natural logarithm of each new token's probability in this run: by the model's own logits, before <see cref="GenerationOptions.Temperature"/>,
    /// <see cref="GenerationOptions.TopK"/> and <see cref="GenerationOptions.TopP"/>.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<double>> LogProbabilities { get; }

    /// <summary>The new tokens of each prompt as text, without special tokens.</summary>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public IReadOnlyList<string> Texts => field ??=
        [.. Tokens.Select(tokens => _model.Decode(tokens) ?? throw new InvalidOperationException($"{_model.Schema.Model} has no tokenizer, so tokens have no text."))];

    /// <summary>What a capture or metric kept.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name, or it depends on the sweep and this is the unchanged run.</exception>
    public GeneratedValue Kept(string name) => _values.TryGetValue(name, out GeneratedValue? value)
        ? value
        : throw new KeyNotFoundException($"Nothing is kept under '{name}' in this run.");

    internal void Detach()
    {
        foreach (Tensor tensor in _values.Values.SelectMany(value => value.Tensors))
            tensor.DetachFromDisposeScope();
    }

    internal void Dispose()
    {
        foreach (Tensor tensor in _values.Values.SelectMany(value => value.Tensors))
            tensor.Dispose();
    }
}
