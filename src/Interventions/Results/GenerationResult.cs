using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// The text that was generated: by the changed run, at every point of the sweep, and by the unchanged run. The generated result types
/// derive from it. A result owns its tensors until it is disposed; the end of a dispose scope does not free them.
/// </summary>
/// <typeparam name="TRun">The type of one run's tokens and kept values.</typeparam>
public class GenerationResult<TRun> : IDisposable
    where TRun : GeneratedRun, new()
{
    private readonly ImmutableArray<SweepAxis> _sweep;
    private readonly IReadOnlyList<GeneratedContent> _changed;
    private readonly GeneratedContent? _base;

    internal GenerationResult(
        ImmutableArray<SweepAxis> sweep, IReadOnlyList<GeneratedContent> changed, GeneratedContent? unchanged, string? whyUncached)
    {
        _sweep = sweep;
        _changed = changed;
        _base = unchanged;
        WhyUncached = whyUncached;
    }

    /// <summary>Takes over another result's tensors. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected GenerationResult(GenerationResult<GeneratedRun> result)
    {
        ArgumentNullException.ThrowIfNull(result);
        (_sweep, _changed, _base, WhyUncached) = result.Parts;
    }

    /// <summary>
    /// The reason why every pass ran the whole sequence anew; <see langword="null"/> if only new positions were computed.
    /// </summary>
    public string? WhyUncached { get; }

    /// <summary>The unchanged run's text, where <see cref="GenerationOptions.WithBase"/> asked for it.</summary>
    /// <exception cref="InvalidOperationException">It was not asked for.</exception>
    public TRun Base => BaseAs<TRun>();

    private (ImmutableArray<SweepAxis>, IReadOnlyList<GeneratedContent>, GeneratedContent?, string?) Parts =>
        (_sweep, _changed, _base, WhyUncached);

    /// <summary>The changed run's text at a point of the sweep; one coordinate a placeholder, in order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public TRun Changed(params ReadOnlySpan<SweepCoordinate> coordinates) => At<TRun>(coordinates);

    /// <inheritdoc cref="Changed"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected TRun At(params ReadOnlySpan<SweepCoordinate> coordinates) => Changed(coordinates);

    /// <summary>The unchanged run's text, as the type of a derived result. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected TOwn BaseAs<TOwn>()
        where TOwn : GeneratedRun, new() => new()
    {
        Content = _base ?? throw new InvalidOperationException(
            $"The unchanged run was not generated: set {nameof(GenerationOptions)}.{nameof(GenerationOptions.WithBase)}."),
    };

    /// <summary>The changed run's text, as the type of a derived result. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected TOwn At<TOwn>(params ReadOnlySpan<SweepCoordinate> coordinates)
        where TOwn : GeneratedRun, new()
    {
        ImmutableArray<SweepCoordinate> along = SweepAxis.Along(_sweep, coordinates);
        int point = 0;
        for (int axis = 0; axis < _sweep.Length; axis++)
        {
            ImmutableArray<SweepCoordinate> all = _sweep[axis].Coordinates;
            int at = _sweep[axis].IndexOf(along[axis]);
            if (at < 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(coordinates),
                    $"The sweep did not run through {_sweep[axis].Name} {along[axis]}, only through {string.Join(", ", all)}.");
            }
            point = (point * all.Length) + at;
        }
        return new TOwn { Content = _changed[point] };
    }

    /// <summary>What every prompt went on with, at every point of the sweep: a table of at most 80 columns.</summary>
    public override string ToString() => GenerationTable.Of(_sweep, _changed, _base, WhyUncached);

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (GeneratedContent run in _changed)
            run.Dispose();
        _base?.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The tokens that one run generated and the values that it kept, prompt by prompt; owned by the whole result.</summary>
public class GeneratedRun
{
    /// <summary>Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public GeneratedRun()
    {
    }

    internal GeneratedContent Content { get; init; } = null!;

    /// <summary>The new tokens of each prompt, a stop token included.</summary>
    public IReadOnlyList<IReadOnlyList<long>> Tokens => Content.Tokens;

    /// <summary>
    /// The natural logarithm of each new token's probability in this run: by the model's own logits, before
    /// <see cref="GenerationOptions.Temperature"/>, <see cref="GenerationOptions.TopK"/> and <see cref="GenerationOptions.TopP"/>.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<double>> LogProbabilities => Content.LogProbabilities;

    /// <summary>The new tokens of each prompt as text, without special tokens.</summary>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public IReadOnlyList<string> Texts => Content.Texts;

    /// <summary>The value that a capture or metric kept.</summary>
    /// <exception cref="KeyNotFoundException">
    /// There is none of that name, or it depends on the sweep and this is the unchanged run.
    /// </exception>
    public GeneratedValue Kept(string name) => Content.Values.TryGetValue(name, out GeneratedValue? value)
        ? value
        : throw new KeyNotFoundException($"Nothing is kept under '{name}' in this run.");

    /// <summary>What every prompt went on with: a table of at most 80 columns.</summary>
    public override string ToString() => GenerationTable.Of(Content);

    /// <inheritdoc cref="Kept"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected GeneratedValue Get(string name) => Kept(name);
}

/// <summary>The value that a capture or metric kept in a generation; owned by the result.</summary>
public sealed class GeneratedValue
{
    private readonly string _name;
    private readonly Tensor? _prompt, _steps;

    internal GeneratedValue(string name, Tensor? prompt, Tensor? steps)
    {
        _name = name;
        _prompt = prompt;
        _steps = steps;
    }

    /// <summary>The value of the prompts, as a run keeps it: <c>[batch, …]</c>.</summary>
    /// <exception cref="InvalidOperationException">It selects nothing of the prompts.</exception>
    public Tensor Prompt => _prompt ?? throw new InvalidOperationException($"'{_name}' selects nothing of the prompts, only new tokens.");

    /// <summary>
    /// The value at each step: <c>[step, batch, …]</c>. Step k belongs to new token k, at position prompt length + k. The last generated
    /// token is not read any more, so that n tokens have n − 1 steps. Steps after a prompt's end are zero.
    /// </summary>
    /// <exception cref="InvalidOperationException">It selects no new token, or there was no step.</exception>
    public Tensor Steps => _steps ?? throw new InvalidOperationException(
        $"'{_name}' selects no new token that was read: say pos=new, and generate more than one token.");

    internal IEnumerable<Tensor> Tensors => new[] { _prompt, _steps }.OfType<Tensor>();
}

/// <summary>The tokens and values of one run.</summary>
internal sealed class GeneratedContent(
    IReadOnlyList<IReadOnlyList<long>> tokens,
    IReadOnlyList<IReadOnlyList<double>> logProbabilities,
    IReadOnlyDictionary<string, GeneratedValue> values,
    HookedModel model) : IDisposable
{
    public IReadOnlyList<IReadOnlyList<long>> Tokens { get; } = tokens;

    public IReadOnlyList<IReadOnlyList<double>> LogProbabilities { get; } = logProbabilities;

    public IReadOnlyDictionary<string, GeneratedValue> Values { get; } = values;

    public IReadOnlyList<string> Texts => field ??= [.. Tokens.Select(tokens => model.Decode(tokens)
        ?? throw new InvalidOperationException($"{model.Schema.Model} has no tokenizer, so tokens have no text."))];

    /// <summary>A prompt's new tokens as text; their ids where the model has no tokenizer.</summary>
    public string Shown(int prompt) => model.Decode(Tokens[prompt]) is { } text
        ? TextTable.Quote(text)
        : string.Join(' ', Tokens[prompt].Select(token => FormattableString.Invariant($"#{token}")));

    public void Detach()
    {
        foreach (Tensor tensor in Values.Values.SelectMany(value => value.Tensors))
            tensor.DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in Values.Values.SelectMany(value => value.Tensors))
            tensor.Dispose();
    }
}
