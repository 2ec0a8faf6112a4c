using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>A version of the changed run: at one point of the sweep, or without its writes.</summary>
/// <param name="Intervention">The declaration; of the unchanged run, without writes.</param>
/// <param name="Point">The point.</param>
/// <param name="Record">Takes its tokens, and what is kept.</param>
internal sealed record GenerationVariant(BoundIntervention Intervention, SweepPoint Point, GenerationRecord Record);

/// <summary>What some variants compute together; the same for every batch.</summary>
/// <param name="Variants">The variants.</param>
/// <param name="Others">The runs that the changed run reads, each after the runs that it reads itself.</param>
/// <param name="Changed">The changed run.</param>
/// <param name="LastLogits">How the logits of the last tokens are computed.</param>
/// <param name="WhyUncached">Why every pass computes the whole sequence; <see langword="null"/> if a step computes its new token
/// alone.</param>
internal sealed record GenerationPlan(
    ImmutableArray<GenerationVariant> Variants,
    ImmutableArray<RunDemand> Others,
    RunDemand Changed,
    LastLogits LastLogits,
    string? WhyUncached)
{
    /// <summary>All runs.</summary>
    public ImmutableArray<RunDemand> Runs => Others.Add(Changed);

    /// <param name="variants">The variants.</param>
    /// <param name="model">The model.</param>
    /// <param name="runCount">How many runs the prompt set has.</param>
    /// <param name="useCache">Whether a step may compute its new token alone.</param>
    public static GenerationPlan Of(ImmutableArray<GenerationVariant> variants, HookedModel model, int runCount, bool useCache)
    {
        (ImmutableArray<RunDemand> others, RunDemand changed) = RunDemand.Of(variants, runCount);
        LastLogits lastLogits = new(model, changed);
        changed.Reads.UnionWith(lastLogits.Reads);
        string? whyUncached = !useCache
            ? "UseCache is false"
            : others.Add(changed).Where(run => run.IsContinued)
                .Select(run => IncrementalEvaluator.Refusal(model, run)).FirstOrDefault(why => why is not null);
        return new GenerationPlan(variants, others, changed, lastLogits, whyUncached);
    }
}

/// <summary>What some variants read and write of one run.</summary>
/// <param name="number">The run's number; <see langword="null"/> for the changed run.</param>
/// <param name="tokensOf">The run of the prompt set with whose tokens it begins.</param>
internal sealed class RunDemand(int? number, int tokensOf)
{
    /// <summary>The run's number; <see langword="null"/> for the changed run.</summary>
    public int? Number => number;

    /// <summary>The run of the prompt set with whose tokens it begins.</summary>
    public int TokensOf => tokensOf;

    /// <summary>The numbers of the variants that have the run or read it.</summary>
    public SortedSet<int> Variants { get; } = [];

    /// <summary>The nodes that are written.</summary>
    public HashSet<string> Written { get; } = [];

    /// <summary>The nodes that are read.</summary>
    public HashSet<string> Reads { get; } = [];

    /// <summary>Those of them that a step also reads at earlier tokens than its own.</summary>
    public HashSet<string> ReadBack { get; } = [];

    /// <summary>Whether the run goes on with the new tokens, because a method reads it at steps. The changed run always does.</summary>
    public bool IsContinued { get; private set; } = number is null;

    /// <summary>Whether the run's prompts have the same values in all variants.</summary>
    public bool IsShared => number is not null && Written.Count == 0;

    /// <summary>The runs that are needed: the changed run, and those which it reads, directly or through another run.</summary>
    public static (ImmutableArray<RunDemand> Others, RunDemand Changed) Of(ImmutableArray<GenerationVariant> variants, int runCount)
    {
        RunDemand changed = new(null, variants[0].Intervention.BaseRun);
        RunDemand?[] others = new RunDemand?[runCount + variants.Max(variant => variant.Intervention.Runs.Length)];
        for (int variant = 0; variant < variants.Length; variant++)
            Add(variant, variants[variant].Intervention, variants[variant].Point);
        return ([.. others.OfType<RunDemand>()], changed);

        void Add(int variant, BoundIntervention intervention, SweepPoint point)
        {
            ILookup<int?, MethodReads> methods = MethodReads.Of(intervention).ToLookup(method => method.Run);
            foreach (BoundCapture capture in intervention.Captures)
                changed.Reads.UnionWith(capture.Site.Names(point));
            changed.Variants.Add(variant);
            Visit(changed);
            // A run reads runs with smaller numbers only: it is complete when its turn comes.
            for (int run = others.Length - 1; run >= 0; run--)
                if (others[run] is { } needed && needed.Variants.Contains(variant))
                    Visit(needed);

            void Visit(RunDemand own)
            {
                own.Written.UnionWith(
                    intervention.Writes.Where(write => write.Run == own.Number).SelectMany(write => write.Site.Names(point)));
                foreach (MethodReads method in methods[own.Number])
                {
                    bool isAtSteps = method.Site?.AppliesAtSteps(point)
                        ?? method.Reads.NamedSites().Any(site => site.NamesNewTokens(point));
                    foreach ((int? other, BoundSite site) in method.Sites(point))
                    {
                        RunDemand read = other is int run ? others[run] ??= new RunDemand(run, TokensOf(run)) : own;
                        read.Variants.Add(variant);
                        read.Reads.UnionWith(site.Names(point));
                        if (isAtSteps && site.ReadsBack())
                            read.ReadBack.UnionWith(site.Names(point));
                        read.IsContinued |= other is not null && isAtSteps && site.AppliesAtSteps(point);
                    }
                }
            }

            int TokensOf(int run) => run < runCount ? run : intervention.Runs.First(derived => derived.Number == run).Of;
        }
    }
}

/// <summary>
/// The logits of each lane's last token. Unless all logits are read or written, they are the only ones that are computed.
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

    /// <summary>The logits: <c>[lane, vocab]</c>.</summary>
    /// <param name="values">The values of the changed run.</param>
    /// <param name="positions">Where each lane's last token lies along their positions.</param>
    public Tensor Of(IReadOnlyDictionary<string, Tensor> values, int[] positions)
    {
        NewPositions last = new(positions, 1);
        Tensor[] inputs = [.. Reads.Select(node => last.Of(values[node], _axes.Of(node), 0))];
        return (_compute is null ? inputs[0] : _compute(inputs)).flatten(0, 1);
    }
}
