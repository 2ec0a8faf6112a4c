using Interventions.Binding;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The runs by which a dictionary is measured. Each batch of contexts, all of one length, goes through the model twice: with the dictionary
/// spliced in, beside the unchanged run; and with the site's mean and with zeros in its place, a sweep of two points.
/// </summary>
internal sealed class EvaluationRuns : IDisposable
{
    private const string Splice = "Dictionary", Inner = "dictionary", Text = "text";

    private readonly HookedModel _model;
    private readonly Corpus _corpus;
    private readonly Sae _sae;
    private readonly string _site, _replaced;
    private readonly EvaluationOptions _options;
    private readonly PositionRule _positions;
    private Tensor? _mean;
    private int _contexts;
    private long _counted, _targets, _tokens;
    private double _spliced, _clean, _divergence, _zero, _ofMean;

    public EvaluationRuns(HookedModel model, Corpus corpus, Sae sae, string site, EvaluationOptions options)
    {
        (_model, _sae, _site, _replaced, _options) = (model, sae, site, options.Target ?? site, options);
        IEnumerable<IReadOnlyList<long>> contexts = corpus.Contexts.Where(context => context.Count > options.FirstTarget);
        _corpus = Corpus.OfTokens(options.Contexts is int most ? contexts.Take(most) : contexts, corpus.Tokenizer);
        _positions = options.LeftOut.In(_corpus);
    }

    /// <summary>Both passes.</summary>
    /// <exception cref="InterventionException">No position counts.</exception>
    public DictionaryEvaluation Evaluate(CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int total = _options.Progress is null ? 0 : 2 * _corpus.Contexts.Count(), done = 0;
        _mean = Mean(Report, cancellationToken);
        using SaeSums sums = new(_mean);
        foreach (IReadOnlyList<long>[] batch in _corpus.Contexts.Chunk(_options.BatchSize))
        {
            foreach (IGrouping<int, IReadOnlyList<long>> alike in batch.GroupBy(context => context.Count))
                Add(sums, [.. alike], cancellationToken);
            Report(batch.Length);
        }
        return new DictionaryEvaluation
        {
            Dictionary = $"{_sae}",
            Site = _replaced,
            LeftOut = $"{_positions}",
            Contexts = _contexts,
            Positions = _counted,
            CleanLoss = _clean / _targets,
            SplicedLoss = _spliced / _targets,
            ZeroLoss = _zero / _targets,
            MeanLoss = _ofMean / _targets,
            KullbackLeibler = _divergence / _tokens,
            Metrics = sums.ToMetrics(),
        };

        void Report(int contexts) => _options.Progress?.Report(new RunProgress(done += contexts, total));
    }

    public void Dispose() => _mean?.Dispose();

    /// <summary>The mean of the replaced site's counted values, as one row in float64.</summary>
    private Tensor Mean(Action<int> report, CancellationToken cancellationToken)
    {
        ActivationReader reader = new(_model, _corpus, _replaced, _options with { Target = null });
        Tensor? sum = null;
        foreach (IReadOnlyList<long>[] contexts in reader.Batches())
        {
            int count = reader.CountOf(contexts);
            if (count > 0)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor part = reader.Rows(contexts, cancellationToken).Input.to_type(ScalarType.Float64).sum([0L]);
                sum = (sum is null ? part : sum.plus_(part)).DetachFromDisposeScope();
            }
            _counted += count;
            report(contexts.Length);
        }
        if (sum is null)
            throw new InterventionException("The corpus has no positions but those that are left out.");
        using (sum)
            return sum.over(_counted).DetachFromDisposeScope();
    }

    /// <summary>Measures contexts of one length.</summary>
    private void Add(SaeSums sums, IReadOnlyList<long>[] contexts, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        (int count, int length) = (contexts.Length, contexts[0].Count);
        Tensor ids = tensor(contexts.SelectMany(context => context).ToArray(), device: _model.Device).view(count, length);
        bool[] counted = new bool[count * length];
        for (int i = 0; i < count; i++)
            foreach (int position in _positions.Kept(contexts[i]))
                counted[(i * length) + position] = true;
        Tensor mask = tensor(counted, device: _model.Device).view(count, length);
        // Methods read the ids and the mask of all contexts, so all of them are one batch, whatever memory it takes.
        RunOptions options = new() { BatchSize = count, MemoryBudget = 1L << 60, KeptRuns = [] };
        TokenPrompts prompts = new(contexts);

        using (RunResult run = Spliced(ids, mask).Run(prompts, options, cancellationToken))
        {
            double[] scores = [.. run["Scores"].Values.sum([0L]).cpu().data<double>()];
            (_spliced, _clean, _divergence) = (_spliced + scores[0], _clean + scores[1], _divergence + scores[2]);
            if (counted.Contains(true))
                sums.Add(Rows(run["Value"]), Rows(run["Features"]), Rows(run["Reconstruction"]));
        }
        using (RunResult run = Ablated(ids, mask).Run(prompts, options, cancellationToken))
        {
            double[] losses = [.. run["Losses"].Values.sum([1L]).cpu().data<double>()];
            (_zero, _ofMean) = (_zero + losses[0], _ofMean + losses[1]);
        }
        _contexts += count;
        (_tokens, _targets) = (_tokens + ((long)count * length), _targets + ((long)count * (length - _options.FirstTarget)));

        Tensor Rows(Tensor values) => values.flatten(2).flatten(0, 1).index_select(0, mask.flatten().nonzero().flatten());
    }

    /// <summary>The dictionary in the model. Where the error stays, so does the value.</summary>
    private Intervention Spliced(Tensor ids, Tensor mask) => Intervention.On(_model, nameof(Spliced))
        .Splice(Splice, _replaced, _sae, reads: _options.Target is null ? null : _site)
        .Patch(
            $"{_replaced}.{Inner}.error", error => error.mul(Along(mask, error).logical_not().to_type(error.dtype)), name: "Error",
            acrossBatch: true)
        .Capture("Features", $"{_replaced}.{Inner}.features")
        .Capture("Value", $"{_replaced}.{Inner}.original")
        .Capture("Reconstruction", $"{_replaced}.{Inner}.reconstruction")
        .Capture("Scores", "logits", (logits, clean) => Scores(logits, clean, ids), from: Text, acrossBatch: true);

    /// <summary>The mean times 0, and times 1, in the site's place.</summary>
    private Intervention Ablated(Tensor ids, Tensor mask) => Intervention.On(_model, nameof(Ablated))
        .Sweep("mean", 0, 1)
        .Patch(
            _replaced, (x, part) => where(Along(mask, x), _mean!.mul(part.to(x.device)).to_type(x.dtype).view(x.shape[2..]), x),
            from: Reads.Swept("mean"), name: "Ablation", acrossBatch: true)
        .Capture(
            "Losses", "logits", logits => stack([.. ByPrompt(logits).Select((own, i) => Loss(own, ids.select(0, i)))]), acrossBatch: true);

    /// <summary>Sums over positions: the loss, the clean loss, and the divergence, <c>[batch, 3]</c>.</summary>
    private Tensor Scores(Tensor logits, Tensor clean, Tensor ids)
    {
        return stack([.. ByPrompt(logits).Zip(ByPrompt(clean)).Select((pair, i) => Of(pair.First, pair.Second, ids.select(0, i)))]);

        // One prompt's probabilities at a time: those of a large vocabulary are many.
        Tensor Of(Tensor own, Tensor clean, Tensor ids)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor divergence = Metrics.KullbackLeibler(own, clean).to_type(ScalarType.Float64).sum();
            return stack([Loss(own, ids), Loss(clean, ids), divergence]).MoveToOuterDisposeScope();
        }
    }

    /// <summary>The sum over the targets that count.</summary>
    private Tensor Loss(Tensor logits, Tensor ids)
    {
        long first = _options.FirstTarget, targets = ids.shape[0] - first;
        return Metrics.Loss(logits.narrow(0, first - 1, targets), ids.narrow(0, first, targets)).to_type(ScalarType.Float64).sum();
    }

    private static IEnumerable<Tensor> ByPrompt(Tensor logits) =>
        Enumerable.Range(0, (int)logits.shape[0]).Select(i => logits.select(0, i));

    /// <summary>A mask of positions with as many axes as a value.</summary>
    private static Tensor Along(Tensor mask, Tensor value) => mask.view([.. mask.shape, .. value.shape[2..].Select(_ => 1L)]);
}
