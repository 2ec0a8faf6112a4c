using System.Collections.Immutable;
using Interventions.Planning;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>What a method is called with at one point of the sweep.</summary>
/// <param name="Point">The point.</param>
/// <param name="Own">The run that is written or measured.</param>
/// <param name="Runs">The other runs, by number: those of the prompt set, then the derived ones that came before.</param>
/// <param name="References">Means and partners.</param>
internal sealed record Arguments(SweepPoint Point, RunValues Own, IReadOnlyList<RunValues> Runs, ReferenceValues References)
{
    /// <summary>The arguments of a method with a site of its own.</summary>
    public Tensor[] Of(ImmutableArray<BoundRead> reads, BoundSite site, string node, int[] rows, string? metric = null, bool beforeWrites = false) =>
        [.. reads.Select(read => read switch
        {
            BoundRead.Value => Own.Select(beforeWrites && Own.BeforeWrites.TryGetValue(node, out Tensor? before) ? before : Own.Values[node], site, Point, rows),
            BoundRead.Gradient => Own.Select(Own.Gradients[(metric!, node)], site, Point, rows),
            // Other runs are constants to whoever differentiates this one.
            BoundRead.From { Site: null } from => Runs[from.Run].Select(site, node, Point, rows).detach(),
            BoundRead.Partner partner => References.Partner(partner, site, node, Point, Own.Chunk, rows),
            BoundRead.Mean mean => References.Mean(mean, site, node, Point, Own.Chunk, rows),
            _ => Siteless(read, rows),
        })];

    /// <summary>The arguments of a metric.</summary>
    public Tensor[] Of(ImmutableArray<BoundRead> reads, int[] rows) => [.. reads.Select(read => Siteless(read, rows))];

    /// <summary>A metric's value: <c>[batch]</c>.</summary>
    /// <exception cref="InterventionException">It has another shape.</exception>
    public Tensor Measure(BoundMetric metric, string intervention)
    {
        Tensor value = metric.Node.Body(Of(metric.Reads, Own.Chunk.Rows));
        return value.shape is [long batch] && batch == Own.Chunk.Count
            ? value
            : throw new InterventionException(
                $"The metric {intervention}.{metric.Node.Name} returned {Shapes.Describe(value)}; it must return one number a prompt, [batch={Own.Chunk.Count}].");
    }

    private Tensor Siteless(BoundRead read, int[] rows) => read switch
    {
        BoundRead.From { Site: BoundSite other } from => Runs[from.Run].Select(other, other.Names(Point).Single(), Point, rows).detach(),
        BoundRead.Of of => Own.Select(of.Site, of.Site.Names(Point).Single(), Point, rows),
        BoundRead.Logits { Run: int run } logits => Runs[run].Logits(logits, Point, rows).detach(),
        BoundRead.Logits logits => Own.Logits(logits, Point, rows),
        BoundRead.AnswerIds answer => Own.AnswerIds(answer.Answer, rows),
        _ => throw new InvalidOperationException($"{read} needs a site of its own."),
    };
}
