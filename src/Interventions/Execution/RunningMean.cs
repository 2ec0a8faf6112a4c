using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>A mean that grows, position by position; sums are kept in double precision, so that the number of prompts costs none.</summary>
/// <param name="owner">Where the sums live.</param>
/// <param name="type">The type of the values.</param>
internal sealed class RunningMean(DisposeScope owner, ScalarType type)
{
    private Tensor? _sum, _count;

    /// <summary>The mean so far: <c>[1, …]</c>.</summary>
    public Tensor Value => (_sum! / _count!).to(type);

    /// <summary>Adds sums and what they are of: <c>[1, …]</c>. Shorter prompts add nothing, and no count, to the positions they lack.</summary>
    public void Add(Tensor sum, Tensor count)
    {
        _sum = Plus(_sum, sum);
        _count = Plus(_count, count);
    }

    private Tensor Plus(Tensor? total, Tensor more)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = total is null ? more.clone() : RaggedBatch.Combine([([0], total), ([1], more)]).sum([0L], keepdim: true);
        total?.Dispose();
        return sum.moved_to(owner);
    }
}
