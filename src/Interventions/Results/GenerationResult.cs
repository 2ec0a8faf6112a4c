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

    internal GenerationResult(ImmutableArray<SweepAxis> sweep, IReadOnlyList<GeneratedContent> changed, GeneratedContent? unchanged) =>
        (_sweep, _changed, _base) = (sweep, changed, unchanged);

    /// <summary>Takes over another result's tensors. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected GenerationResult(GenerationResult<GeneratedRun> result)
    {
        ArgumentNullException.ThrowIfNull(result);
        (_sweep, _changed, _base) = result.Parts;
        (WeightsNote, WhyUncached, Effects, Warnings) = (result.WeightsNote, result.WhyUncached, result.Effects, result.Warnings);
    }

    /// <summary>What was done to the model's weights: its <see cref="HookedModel.WeightsNote"/>.</summary>
    public string? WeightsNote { get; internal init; }

    /// <summary>
    /// The reason why every pass ran the whole sequence anew; <see langword="null"/> if only new positions were computed.
    /// </summary>
    public string? WhyUncached { get; internal init; }

    /// <summary>
    /// The effect of each declared write, over all prompts, continuations and points of the sweep, at the prompts and at the new tokens
    /// that were read.
    /// </summary>
    public ImmutableArray<WriteEffect> Effects { get; internal init; } = [];

    /// <summary>
    /// Writes without effect, and methods that make infinite values from finite ones, as <see cref="RunResult.Warnings"/> has them.
    /// </summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The unchanged run's text, where <see cref="GenerationOptions.WithBase"/> asked for it.</summary>
    /// <exception cref="InvalidOperationException">It was not asked for.</exception>
    public TRun Base => BaseAs<TRun>();

    private (ImmutableArray<SweepAxis>, IReadOnlyList<GeneratedContent>, GeneratedContent?) Parts => (_sweep, _changed, _base);

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
    public override string ToString() =>
        GenerationTable.Of(_sweep, _changed, _base, WeightsNote, WhyUncached) + KeptTable.OfWarnings(Warnings);

    /// <summary>
    /// Writes the new tokens to a file of comma-separated values, a row a token, with the columns <c>run</c> (<c>changed</c> or
    /// <c>unchanged</c>), one for each placeholder of the sweep, <c>prompt</c>, <c>continuation</c>, <c>step</c>, <c>token</c> (its id),
    /// <c>token_text</c> (empty where the model has no tokenizer) and <c>log_probability</c>.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path)
    {
        (IEnumerable<string> columns, IEnumerable<string[]> rows) = GenerationTable.Tokens(_sweep, _changed, _base);
        CsvFile.Write(path, columns, rows);
    }

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

    /// <summary>The continuations of each prompt: <see cref="GenerationOptions.Continuations"/> of them.</summary>
    public IReadOnlyList<IReadOnlyList<GeneratedText>> Continuations => Content.Continuations;

    /// <summary>The new tokens of each prompt, a stop token included.</summary>
    /// <exception cref="InvalidOperationException">A prompt has several continuations.</exception>
    public IReadOnlyList<IReadOnlyList<long>> Tokens => field ??= [.. Single(nameof(Tokens)).Select(text => text.Tokens)];

    /// <summary>The log-probabilities of each prompt's new tokens, see <see cref="GeneratedText.LogProbabilities"/>.</summary>
    /// <exception cref="InvalidOperationException">A prompt has several continuations.</exception>
    public IReadOnlyList<IReadOnlyList<double>> LogProbabilities =>
        field ??= [.. Single(nameof(LogProbabilities)).Select(text => text.LogProbabilities)];

    /// <summary>The new tokens of each prompt as text, without special tokens.</summary>
    /// <exception cref="InvalidOperationException">A prompt has several continuations, or the model has no tokenizer.</exception>
    public IReadOnlyList<string> Texts => field ??= [.. Single(nameof(Texts)).Select(text => text.Text)];

    /// <summary>
    /// The stop token that ended each prompt's text, or <see langword="null"/>, see <see cref="GeneratedText.StoppedBy"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">A prompt has several continuations.</exception>
    public IReadOnlyList<long?> StoppedBy => field ??= [.. Single(nameof(StoppedBy)).Select(text => text.StoppedBy)];

    /// <summary>
    /// The new tokens, <c>[prompt, continuation, step]</c>, int64; 0 behind a continuation's end, where <see cref="TokenMask"/> is false.
    /// </summary>
    /// <returns>A new tensor on the model's device; the caller owns it.</returns>
    public Tensor TokenTensor() => Content.Table(text => text.Tokens.Select(token => (double)token), ScalarType.Int64);

    /// <summary>
    /// The log-probabilities of the new tokens, <c>[prompt, continuation, step]</c>, float64; 0 behind a continuation's end, so that the
    /// sum over steps is the log-probability of the whole continuation.
    /// </summary>
    /// <inheritdoc cref="TokenTensor" path="/returns"/>
    public Tensor LogProbabilityTensor() => Content.Table(text => text.LogProbabilities, ScalarType.Float64);

    /// <summary>Where continuations have tokens, <c>[prompt, continuation, step]</c>, bool: false behind a stop token.</summary>
    /// <inheritdoc cref="TokenTensor" path="/returns"/>
    public Tensor TokenMask() => Content.Table(text => text.Tokens.Select(_ => 1.0), ScalarType.Bool);

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

    private IEnumerable<GeneratedText> Single(string property) => Continuations.Select(of => of.Count == 1
        ? of[0]
        : throw new InvalidOperationException(
            $"A prompt has {of.Count} continuations, and '{property}' one entry a prompt. Read {nameof(Continuations)}[prompt][0], "
            + $"or {nameof(TokenTensor)}()."));
}

/// <summary>One continuation of a prompt.</summary>
public sealed class GeneratedText
{
    private readonly HookedModel _model;

    internal GeneratedText(
        IReadOnlyList<long> tokens, IReadOnlyList<double> logProbabilities, long? stoppedBy, HookedModel model) =>
        (Tokens, LogProbabilities, StoppedBy, _model) = (tokens, logProbabilities, stoppedBy, model);

    /// <summary>The new tokens, a stop token included.</summary>
    public IReadOnlyList<long> Tokens { get; }

    /// <summary>
    /// The natural logarithm of each new token's probability in this run: by the model's own logits, before
    /// <see cref="GenerationOptions.Temperature"/>, <see cref="GenerationOptions.TopK"/> and <see cref="GenerationOptions.TopP"/>.
    /// </summary>
    public IReadOnlyList<double> LogProbabilities { get; }

    /// <summary>
    /// The stop token that ended the text, the last one of <see cref="Tokens"/>; <see langword="null"/> where the text went on to
    /// <see cref="GenerationOptions.MaxNewTokens"/>.
    /// </summary>
    public long? StoppedBy { get; }

    /// <summary>What ended the text, for tables.</summary>
    internal string End => StoppedBy is { } token ? _model.NameOf(token) : "length";

    /// <summary>The new tokens as text, without special tokens.</summary>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public string Text => field ??= _model.Decode(Tokens)
        ?? throw new InvalidOperationException($"{_model.Schema.Model} has no tokenizer, so tokens have no text.");

    /// <summary>One token's text; empty where the model has no tokenizer.</summary>
    internal string TextOf(long token) => _model.Decode([token]) ?? "";

    /// <summary>The new tokens as text in quotes; their ids where the model has no tokenizer.</summary>
    public override string ToString() => _model.Decode(Tokens) is { } text
        ? TextTable.Quote(text)
        : string.Join(' ', Tokens.Select(token => FormattableString.Invariant($"#{token}")));
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
    /// The value at each step: <c>[step, batch, …]</c>, and with several continuations a prompt <c>[step, batch, continuation, …]</c>; a
    /// wildcard's layers stand before the batch. Step k belongs to new token k, at position prompt length + k. The last generated token is
    /// not read any more, so that n tokens have n − 1 steps. Steps after a continuation's end are zero.
    /// </summary>
    /// <exception cref="InvalidOperationException">It selects no new token, or there was no step.</exception>
    public Tensor Steps => _steps ?? throw new InvalidOperationException(
        $"'{_name}' selects no new token that was read: say pos=new, and generate more than one token.");

    internal IEnumerable<Tensor> Tensors => new[] { _prompt, _steps }.OfType<Tensor>();
}

/// <summary>The texts and values of one run.</summary>
/// <param name="continuations">Each prompt's continuations.</param>
/// <param name="values">What was kept, by name.</param>
/// <param name="device">The model's device.</param>
internal sealed class GeneratedContent(
    IReadOnlyList<IReadOnlyList<GeneratedText>> continuations, IReadOnlyDictionary<string, GeneratedValue> values, Device device)
    : IDisposable
{
    public IReadOnlyList<IReadOnlyList<GeneratedText>> Continuations => continuations;

    public IReadOnlyDictionary<string, GeneratedValue> Values => values;

    /// <summary>Something of each token: <c>[prompt, continuation, step]</c>, zeros behind the ends.</summary>
    public Tensor Table(Func<GeneratedText, IEnumerable<double>> of, ScalarType type)
    {
        int count = continuations[0].Count, steps = continuations.SelectMany(texts => texts).Max(text => text.Tokens.Count);
        double[] table = new double[continuations.Count * count * steps];
        foreach ((int row, GeneratedText text) in continuations.SelectMany(texts => texts).Index())
            foreach ((int step, double value) in of(text).Index())
                table[(row * steps) + step] = value;
        using DisposeScope scope = NewDisposeScope();
        return tensor(table, device: device).to_type(type).view(continuations.Count, count, steps).MoveToOuterDisposeScope();
    }

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
