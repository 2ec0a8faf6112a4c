using System.Collections.Immutable;
using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The tuned lens (Belrose et al. 2023, arXiv:2303.08112): an affine map for each layer, trained so that what is read of its stream is what
/// the model says in the end, by KL(model ‖ lens). It begins as the identity, which is the logit lens. The last layer's stays that.
/// </summary>
public static class TunedLens
{
    /// <summary>Trains a lens on text.</summary>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="corpus">The text, in contexts.</param>
    /// <param name="options">Steps, learning rate, which tokens count, where to save.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass and between layers; what the file has stays.</param>
    /// <exception cref="ArgumentException">There is no text, or a context is too short.</exception>
    /// <exception cref="InterventionException">The file was begun with something else.</exception>
    public static Lens Fit(
        DecoderModel model, Corpus corpus, TunedLensOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(corpus);
        return Fit(model, corpus.Contexts, options ?? new TunedLensOptions(), cancellationToken);
    }

    /// <summary>Trains a lens on prompts, of which the first run counts.</summary>
    /// <inheritdoc cref="Fit(DecoderModel, Corpus, TunedLensOptions?, CancellationToken)"/>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">Steps, learning rate, which tokens count, where to save.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass and between layers; what the file has stays.</param>
    public static Lens Fit(
        DecoderModel model, IPromptSet prompts, TunedLensOptions? options = null, CancellationToken cancellationToken = default) =>
        Fit(model, LensPrompts.TokensOf(prompts), options ?? new TunedLensOptions(), cancellationToken);

    private static Lens Fit(
        DecoderModel model, IEnumerable<IReadOnlyList<long>> contexts, TunedLensOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        IEnumerable<IReadOnlyList<long>> checkedContexts = LensPrompts.LongEnough(
            contexts, options.SkippedTokens + 1, $"the first {options.SkippedTokens} do not count");
        using DisposeScope scope = NewDisposeScope();
        using TunedLensTraining training = new(model, options, contexts);
        using IEnumerator<IReadOnlyList<long>[]> batches =
            Forever(checkedContexts, options.ContextsPerStep).Skip(training.Step).GetEnumerator();
        while (training.Step < options.Steps && batches.MoveNext())
        {
            training.Learn(batches.Current, cancellationToken);
            options.Run.Progress?.Report(new RunProgress(training.Step, options.Steps));
        }
        return training.Lens();
    }

    private static IEnumerable<IReadOnlyList<long>[]> Forever(IEnumerable<IReadOnlyList<long>> contexts, int size)
    {
        List<IReadOnlyList<long>> batch = [];
        while (true)
            foreach (IReadOnlyList<long> context in contexts)
            {
                batch.Add(context);
                if (batch.Count < size)
                    continue;
                yield return [.. batch];
                batch.Clear();
            }
    }
}

/// <summary>The maps of a tuned lens while they are trained, with Adam's moments.</summary>
internal sealed class TunedLensTraining : IDisposable
{
    private const double FirstMoment = 0.9, SecondMoment = 0.999, Epsilon = 1e-8;

    /// <summary>So many logits are computed at once: some rows of the vocabulary.</summary>
    private const long LogitsAtOnce = 1 << 24;

    private const string Streams = "Streams";

    private readonly DecoderModel _model;
    private readonly TunedLensOptions _options;
    private readonly LensFile _file;
    private readonly List<double> _losses = [];
    private readonly Dictionary<string, Tensor> _state;

    public TunedLensTraining(DecoderModel model, TunedLensOptions options, IEnumerable<IReadOnlyList<long>> contexts)
    {
        (_model, _options) = (model, options);
        (int layers, int width) = (model.Config.Layers, model.Config.DModel);
        ScalarType type = model.Weights["embed.weight"].dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        using DisposeScope scope = NewDisposeScope();
        _file = new LensFile(
            options.Path, model, contexts, string.Create(CultureInfo.InvariantCulture,
                $"a tuned lens in {options.Steps} steps of {options.ContextsPerStep} contexts, rate {options.LearningRate}, "
                + $"{options.SkippedTokens} tokens skipped"));
        _state = _file.Read() ?? new Dictionary<string, Tensor>
        {
            ["weights"] = eye(width, dtype: type, device: model.Device).expand(layers, width, width).contiguous(),
            ["biases"] = zeros([layers, width], type, model.Device),
            ["weights.first"] = zeros([layers, width, width], type, model.Device),
            ["weights.second"] = zeros([layers, width, width], type, model.Device),
            ["biases.first"] = zeros([layers, width], type, model.Device),
            ["biases.second"] = zeros([layers, width], type, model.Device),
            ["losses"] = empty([0], ScalarType.Float64),
        };
        _losses.AddRange(_state["losses"].Doubles());
        foreach (string name in _state.Keys.ToArray())
            _state[name] = _state[name].to(model.Device).DetachFromDisposeScope();
    }

    /// <summary>How many steps are done.</summary>
    public int Step => _losses.Count;

    /// <summary>Takes a step on some contexts.</summary>
    public void Learn(IReadOnlyList<long>[] contexts, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor streams = Captured(contexts, cancellationToken);
        int last = _model.Config.Layers - 1;
        double loss = 0;
        for (int layer = 0; layer < last; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            (double ofLayer, Tensor weight, Tensor bias) = Slopes(layer, streams[layer], streams[last]);
            using IDisposable mode = no_grad();
            Adam("weights", layer, weight);
            Adam("biases", layer, bias);
            loss += ofLayer / Math.Max(1, last);
        }
        _losses.Add(loss);
        if (_options.Path is not null && (Step == _options.Steps || Step % _options.SaveEvery == 0))
            Save();
    }

    /// <summary>The lens, with copies of the maps.</summary>
    public Lens Lens() => new(
        LensKind.Tuned, _model.Config.Layers, _model.Config.DModel, _state["weights"].clone(), _state["biases"].clone(), [.. _losses]);

    public void Dispose()
    {
        foreach (Tensor tensor in _state.Values)
            tensor.Dispose();
    }

    /// <summary>The streams behind all layers at all tokens that count: <c>[layer, token, d_model]</c>.</summary>
    private Tensor Captured(IReadOnlyList<long>[] contexts, CancellationToken cancellationToken)
    {
        InterventionGraph graph = new()
        {
            Name = nameof(TunedLens),
            Captures =
            [
                new CaptureNode(
                    Streams, FormattableString.Invariant($"blocks.*.resid_post[pos={_options.SkippedTokens}..]"), [new Read.Value()],
                    x => x[0]),
            ],
            IsUnanalyzed = true,
        };
        using RunResult run = graph.Run(
            _model, new LensPrompts(contexts), _options.Run with { Progress = null, KeptRuns = [] }, cancellationToken);
        SweptTensor kept = run.Changed(Streams);
        Tensor rows = kept.Values.flatten(1, 2);
        return kept.Mask is { } mask
            ? rows.index_select(1, mask.expand([.. kept.Values.shape[1..3], 1]).flatten().nonzero().squeeze(1))
            : rows.clone();
    }

    /// <summary>The divergence of a layer, as a mean over tokens, and its slopes by the layer's map.</summary>
    private (double Loss, Tensor Weight, Tensor Bias) Slopes(int layer, Tensor streams, Tensor final)
    {
        Tensor weight = _state["weights"][layer].detach().clone().requires_grad_();
        Tensor bias = _state["biases"][layer].detach().clone().requires_grad_();
        Tensor weightSlope = zeros_like(weight), biasSlope = zeros_like(bias);
        long rows = streams.shape[0], some = Math.Max(1, LogitsAtOnce / _model.VocabularySize);
        double loss = 0;
        for (long from = 0; from < rows; from += some)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(some, rows - from);
            Tensor expected = Expected(final.narrow(0, from, count));
            Tensor carried = streams.narrow(0, from, count).to(weight.dtype).matmul(weight).plus(bias).to(streams.dtype);
            Tensor log = Wide(_model.Unembed(_model.FinalNorm(carried))).log_softmax(-1);
            Tensor part = expected.exp().mul(expected.sub(log)).sum().over(rows);
            Tensor[] slopes = Derivatives.Of(part, weight, bias);
            weightSlope.plus_(slopes[0]);
            biasSlope.plus_(slopes[1]);
            loss += part.to(ScalarType.Float64).item<double>();
        }
        return (loss, weightSlope, biasSlope);

        Tensor Expected(Tensor stream)
        {
            using IDisposable mode = no_grad();
            return Wide(_model.Unembed(_model.FinalNorm(stream))).log_softmax(-1);
        }

        static Tensor Wide(Tensor logits) =>
            logits.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits;
    }

    /// <summary>Adam's rule (Kingma and Ba 2014), in place.</summary>
    private void Adam(string name, int layer, Tensor slope)
    {
        Tensor first = _state[$"{name}.first"][layer], second = _state[$"{name}.second"][layer];
        first.times_(FirstMoment).plus_(slope.times(1 - FirstMoment));
        second.times_(SecondMoment).plus_(slope.squared().times(1 - SecondMoment));
        Tensor firstMean = first.over(1 - Math.Pow(FirstMoment, Step + 1)), secondMean = second.over(1 - Math.Pow(SecondMoment, Step + 1));
        double rate = _options.LearningRate * (1 - (Step / (double)_options.Steps));
        _state[name][layer].sub_(firstMean.times(rate).div(secondMean.sqrt().plus(Epsilon)));
    }

    private void Save()
    {
        using DisposeScope scope = NewDisposeScope();
        _file.Write(new Dictionary<string, Tensor>(_state) { ["losses"] = tensor(_losses.ToArray()) });
    }
}
