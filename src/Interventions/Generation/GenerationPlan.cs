using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>What a generation computes at one point of the sweep; the same for every batch.</summary>
/// <param name="Others">The runs that the changed run reads, each after the runs that it reads itself.</param>
/// <param name="Changed">The changed run.</param>
/// <param name="LastLogits">How the logits of the last tokens are computed.</param>
/// <param name="WhyUncached">Why every pass computes the whole sequence; <see langword="null"/> if a step computes its new token
/// alone.</param>
internal sealed record GenerationPlan(ImmutableArray<RunDemand> Others, RunDemand Changed, LastLogits LastLogits, string? WhyUncached)
{
    /// <param name="intervention">The declaration.</param>
    /// <param name="model">The model.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="runCount">How many runs the prompt set has.</param>
    /// <param name="useCache">Whether a step may compute its new token alone.</param>
    public static GenerationPlan Of(BoundIntervention intervention, HookedModel model, SweepPoint point, int runCount, bool useCache)
    {
        (ImmutableArray<RunDemand> others, RunDemand changed) = RunDemand.Of(intervention, point, runCount);
        LastLogits lastLogits = new(model, changed);
        changed.Reads.UnionWith(lastLogits.Reads);
        string? whyUncached = !useCache
            ? "UseCache is false"
            : others.Add(changed).Where(run => run.IsContinued)
                .Select(run => IncrementalEvaluator.Refusal(model, run)).FirstOrDefault(why => why is not null);
        return new GenerationPlan(others, changed, lastLogits, whyUncached);
    }
}

/// <summary>What is read and written of one run.</summary>
/// <param name="Number">The run's number; <see langword="null"/> for the changed run.</param>
/// <param name="TokensOf">The run of the prompt set with whose tokens it begins.</param>
/// <param name="Written">The nodes that are written.</param>
internal sealed record RunDemand(int? Number, int TokensOf, IReadOnlySet<string> Written)
{
    /// <summary>Whether the run goes on with the new tokens, because a method reads it at steps. The changed run always does.</summary>
    public bool IsContinued { get; private set; } = Number is null;

    /// <summary>The nodes that are read.</summary>
    public HashSet<string> Reads { get; } = [];

    /// <summary>Those of them that a step also reads at earlier tokens than its own.</summary>
    public HashSet<string> ReadBack { get; } = [];

    /// <summary>The runs that are needed: the changed run, and those which it reads, directly or through another run.</summary>
    public static (ImmutableArray<RunDemand> Others, RunDemand Changed) Of(BoundIntervention intervention, SweepPoint point, int runCount)
    {
        ILookup<int?, MethodReads> methods = MethodReads.Of(intervention).ToLookup(method => method.Run);
        RunDemand changed = Demand(null, intervention.BaseRun);
        RunDemand?[] others = new RunDemand?[runCount + intervention.Runs.Length];
        foreach (BoundCapture capture in intervention.Captures)
            changed.Reads.UnionWith(capture.Site.Names(point));
        Visit(changed);
        // A run reads runs with smaller numbers only: it is complete when its turn comes.
        for (int run = others.Length - 1; run >= 0; run--)
            if (others[run] is { } needed)
                Visit(needed);
        return ([.. others.OfType<RunDemand>()], changed);

        RunDemand Demand(int? run, int tokensOf)
        {
            IEnumerable<BoundWrite> writes = intervention.Writes.Where(write => write.Run == run);
            return new RunDemand(run, tokensOf, writes.SelectMany(write => write.Site.Names(point)).ToHashSet());
        }

        void Visit(RunDemand own)
        {
            foreach (MethodReads method in methods[own.Number])
            {
                bool isAtSteps = method.Site?.AppliesAtSteps(point) ?? method.Reads.NamedSites().Any(site => site.NamesNewTokens(point));
                foreach ((int? number, BoundSite site) in method.Sites(point))
                {
                    RunDemand read = number is int run ? others[run] ??= Demand(run, TokensOf(run)) : own;
                    read.Reads.UnionWith(site.Names(point));
                    if (isAtSteps && site.ReadsBack())
                        read.ReadBack.UnionWith(site.Names(point));
                    read.IsContinued |= number is not null && isAtSteps && site.AppliesAtSteps(point);
                }
            }
        }

        int TokensOf(int run) => run < runCount ? run : intervention.Runs.First(derived => derived.Number == run).Of;
    }
}

/// <summary>
/// The logits of each prompt's last token. Unless all logits are read or written, they are the only ones that are computed.
/// </summary>
internal sealed class LastLogits
{
    private readonly PositionAxes _axes;
    private readonly Compute? _compute;

    /// <param name="model">The model.</param>
    /// <param name="changed">What else is read and written of the changed run.</param>
    public LastLogits(HookedModel model, RunDemand changed)
    {
        string logits = model.Graph.Output;
        _axes = new PositionAxes(model.Schema);
        Definition output = model.Graph[logits].DefinitionUnder(changed.Written);
        bool areAllComputed = changed.Reads.Contains(logits) || changed.Written.Contains(logits)
            || output.Inputs.Any(input => input.Reach.Kind != ReachKind.Pointwise || !_axes.IsKnown(input.Node));
        _compute = areAllComputed ? null : output.Compute;
        Reads = areAllComputed ? [logits] : [.. output.Inputs.Select(input => input.Node)];
    }

    /// <summary>The nodes that are needed.</summary>
    public IReadOnlyList<string> Reads { get; }

    /// <summary>The logits: <c>[batch, vocab]</c>.</summary>
    public Tensor Of(PassValues values)
    {
        NewPositions last = new([.. values.Batch.Rows.Select(values.LastPosition)], 1);
        Tensor[] inputs = [.. Reads.Select(node => last.Of(values.Values[node], _axes.Of(node), 0))];
        return (_compute is null ? inputs[0] : _compute(inputs)).flatten(0, 1);
    }
}
