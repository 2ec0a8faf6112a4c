using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>
/// Generates tokens under an intervention at every point of the sweep, and on demand without the intervention. All of them go through the
/// model as one batch, as far as the memory budget allows.
/// </summary>
internal sealed class GenerationExecutor(BoundIntervention intervention, HookedModel model, IPromptSet prompts, GenerationOptions options)
{
    private readonly int _runCount = prompts.Vocabulary.Runs.Count;

    public GenerationResult<GeneratedRun> Execute(CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        MethodContext context = new(
            new ReferenceValues(intervention, model, prompts, new RunOptions { BatchSize = options.BatchSize }, scope),
            new EffectLog(intervention, scope), new FiniteLog(isStrict: false, scope), _runCount);
        GenerationVariant[] changed = [.. intervention.Points().Select(point => Variant(intervention, point, scope))];
        GenerationVariant? unchanged = options.WithBase ? Variant(WithoutWrites(), SweepPoint.None, scope) : null;
        (int batchSize, ImmutableArray<GenerationPlan> plans) = new GenerationGroups(model, prompts, options)
            .Of(intervention, unchanged is null ? [.. changed] : [.. changed, unchanged]);

        PromptBatch[] batches = [.. PromptBatch.Of(prompts, batchSize, model.Graph)];
        int done = 0, total = plans.Length * batches.Length * options.MaxNewTokens;
        foreach (PromptBatch batch in batches)
        {
            foreach (GenerationPlan plan in plans)
            {
                using DisposeScope batchScope = NewDisposeScope();
                BatchGeneration generation = new(plan, model, batch, context, options.Continuations, batchScope);
                Continue(generation, changed, Report, cancellationToken);
            }
        }
        string? whyUncached = plans.Select(plan => plan.WhyUncached).FirstOrDefault(why => why is not null);
        return Output(changed, unchanged, context, whyUncached);

        void Report() => options.Progress?.Report(new RunProgress(++done, total));
    }

    private void Continue(BatchGeneration generation, GenerationVariant[] changed, Action report, CancellationToken cancellationToken)
    {
        PromptBatch batch = generation.Batch;
        int continuations = options.Continuations;
        ImmutableArray<GenerationVariant> variants = generation.Variants;
        ulong[] keys = [.. batch.Rows.Select(row => Sampler.Key(batch.Tokens(intervention.BaseRun, row).Ids))];
        long[] tokens = [];
        for (int index = 0; index < options.MaxNewTokens; index++)
        {
            using DisposeScope pass = NewDisposeScope();
            int? step = index == 0 ? null : index - 1;
            (ImmutableArray<MethodCalls> calls, Tensor logits) = generation.Next(step, tokens, Active, pass, cancellationToken);
            for (int strand = 0; strand < calls.Length; strand++)
                if (step is null)
                    variants[strand].Record.KeepPrompts(calls[strand]);
                else
                    variants[strand / continuations].Record.KeepStep(calls[strand], strand % continuations);

            (tokens, double[] logProbabilities) = new Sampler(options).Choose(
                logits, [.. Lanes().Select(lane => new Draw(lane.LogitsRow(step is null), keys[lane.Row], lane.Continuation, index)
                {
                    Tokens = TokensOf(lane),
                })]);
            foreach ((int at, Lane lane) in Lanes().Index())
            {
                int prompt = batch.Numbers[lane.Row];
                if (variants[lane.Variant].Record.Add(prompt, lane.Continuation, tokens[at], logProbabilities[at])
                    && options.Tokens is { } receiver
                    && Array.FindIndex(changed, variant => variant.Record == variants[lane.Variant].Record) is >= 0 and int point)
                    receiver.Report((point, prompt, lane.Continuation, tokens[at]));
            }
            report();
            if (Enumerable.Range(0, variants.Length * continuations).All(strand => Active(strand).Length == 0))
                return;
        }

        IEnumerable<Lane> Lanes() =>
            from variant in Enumerable.Range(0, variants.Length)
            from continuation in Enumerable.Range(0, continuations)
            from row in batch.Rows
            select new Lane(variant, continuation, row, continuations, batch.Count);

        IEnumerable<long> TokensOf(Lane lane) => batch.Tokens(intervention.BaseRun, lane.Row).Ids
            .Concat(variants[lane.Variant].Record.Tokens(batch.Numbers[lane.Row], lane.Continuation));

        int[] Active(int strand) =>
            [.. variants[strand / continuations].Record.Active(batch, strand % continuations)];
    }

    private GenerationVariant Variant(BoundIntervention of, SweepPoint point, DisposeScope owner) =>
        new(of, point, new GenerationRecord(of, prompts.Prompts.Count, options, owner));

    private GenerationResult<GeneratedRun> Output(
        GenerationVariant[] changed, GenerationVariant? unchanged, MethodContext context, string? whyUncached)
    {
        using DisposeScope scope = NewDisposeScope();
        GeneratedContent[] runs = [.. changed.Select(variant => variant.Record.Content(model))];
        GeneratedContent? baseRun = unchanged?.Record.Content(model);
        ImmutableArray<WriteEffect> effects = context.Effects.All([.. Enumerable.Range(0, prompts.Prompts.Count)]);
        IEnumerable<string> warnings = WriteEffect.Warnings(effects, intervention.Name, !intervention.Sweep.IsEmpty, prompts.Prompts.Count);
        // Detached last: until here an exception frees them with the scope.
        foreach (GeneratedContent run in baseRun is null ? runs : [.. runs, baseRun])
            run.Detach();
        return new GenerationResult<GeneratedRun>(intervention.Sweep, runs, baseRun)
        {
            WeightsNote = model.WeightsNote,
            WhyUncached = whyUncached,
            Effects = effects,
            Warnings = [.. warnings, .. context.Finite.Warnings],
        };
    }

    private BoundIntervention WithoutWrites() => intervention with
    {
        Runs = [],
        Sweep = [],
        Writes = [],
        Captures = [.. intervention.Captures.Where(capture => !capture.IsSwept)],
        Metrics = [.. intervention.Metrics.Where(metric => !metric.IsSwept)],
    };

    /// <summary>A prompt of a strand: a row of a step's tables.</summary>
    private readonly record struct Lane(int Variant, int Continuation, int Row, int Continuations, int Prompts)
    {
        /// <summary>Its row in the logits. At the prompts, all continuations of a variant have one.</summary>
        public int LogitsRow(bool isPrompt) => ((isPrompt ? Variant : (Variant * Continuations) + Continuation) * Prompts) + Row;
    }
}

/// <summary>
/// The generation of one batch by some variants, pass by pass: the prompts, then each step's new token. A run that methods read at steps
/// goes on with the tokens that the changed run chose.
/// </summary>
internal sealed class BatchGeneration
{
    private readonly GenerationPlan _plan;
    private readonly int _continuations;
    private readonly DisposeScope _owner;
    private readonly ImmutableArray<RunPasses> _others;
    private readonly RunPasses _changed;
    private readonly bool _looksAhead;
    private ImmutableArray<StrandMethods> _strands;

    /// <param name="plan">What is computed.</param>
    /// <param name="model">The model.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="context">What the declaration's methods read and report.</param>
    /// <param name="continuations">How many continuations a variant has.</param>
    /// <param name="owner">Owns what is held from pass to pass.</param>
    public BatchGeneration(
        GenerationPlan plan, HookedModel model, PromptBatch batch, MethodContext context, int continuations, DisposeScope owner)
    {
        Batch = batch;
        _plan = plan;
        _continuations = continuations;
        _owner = owner;
        _looksAhead = model.Graph.LooksAhead;
        _strands = [.. plan.Variants.Select(variant => StrandMethods.Of(variant, context))];
        _others = [.. plan.Others.Select(Passes)];
        _changed = Passes(plan.Changed);

        RunPasses Passes(RunDemand run) => plan.WhyUncached is null && run.IsContinued
            ? new CachedPasses(model, batch, run, continuations, owner)
            : new WholePasses(model, batch, run, continuations);
    }

    /// <summary>The prompts.</summary>
    public PromptBatch Batch { get; }

    /// <summary>The variants.</summary>
    public ImmutableArray<GenerationVariant> Variants => _plan.Variants;

    /// <summary>
    /// The next pass: the calls of methods for the changed run in each strand, and the logits of each lane's last token,
    /// <c>[lane, vocab]</c>.
    /// </summary>
    /// <param name="step">The step; <see langword="null"/> for the prompts, which come first.</param>
    /// <param name="tokens">The step's new token of each lane, strand after strand.</param>
    /// <param name="active">By strand, the rows of the batch that no stop token has ended.</param>
    /// <param name="scope">Owns the values; it is the current scope.</param>
    /// <param name="cancellationToken">Checked before every node.</param>
    public (ImmutableArray<MethodCalls> Calls, Tensor Logits) Next(
        int? step, long[] tokens, Func<int, int[]> active, DisposeScope scope, CancellationToken cancellationToken)
    {
        if (step == 0)
            _strands = [.. _strands.SelectMany(strand => Enumerable.Range(0, _continuations).Select(_ => strand.Continue()))];
        for (int strand = 0; strand < _strands.Length; strand++)
        {
            _strands[strand].Active = step is null ? Batch.Rows : active(strand);
            _strands[strand].CountSelected(Batch.At(step), _looksAhead);
        }
        GenerationPass pass = new(step, _strands, tokens, scope, cancellationToken);
        foreach (RunPasses run in _others.Where(run => step is null || run.Demand.IsContinued))
        {
            PassValues tables = run.Next(pass);
            // The later steps read them too.
            if (!run.Demand.IsContinued)
                foreach (Tensor table in tables.Values.Values)
                    table.moved_to(_owner);
            foreach ((int strand, PassValues values) in run.ByStrand(tables))
                _strands[strand].Add(run.Demand.Number!.Value, values);
        }
        PassValues changed = _changed.Next(pass);
        return (
            [.. _changed.ByStrand(changed).Select(own => _strands[own.Strand].Calls(own.Values))],
            _plan.LastLogits.Of(changed.Values, _changed.LastPositions(changed)));
    }
}
