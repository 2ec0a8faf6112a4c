using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>
/// The generation of one batch at one point of the sweep, pass by pass: the prompts, then each step's new token. A run that methods read at
/// steps goes on with the tokens that the changed run chose.
/// </summary>
internal sealed class BatchGeneration
{
    private readonly GenerationPlan _plan;
    private readonly PassMethods _methods;
    private readonly DisposeScope _owner;
    private readonly ImmutableArray<RunPasses> _others;
    private readonly RunPasses _changed;

    /// <param name="plan">What is computed.</param>
    /// <param name="model">The model.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="methods">The declaration's methods, at the point.</param>
    /// <param name="owner">Owns what is held from pass to pass.</param>
    public BatchGeneration(GenerationPlan plan, HookedModel model, PromptBatch batch, PassMethods methods, DisposeScope owner)
    {
        _plan = plan;
        _methods = methods;
        _owner = owner;
        _others = [.. plan.Others.Select(Passes)];
        _changed = Passes(plan.Changed);

        RunPasses Passes(RunDemand run) => plan.WhyUncached is null && run.IsContinued
            ? new CachedPasses(model, batch, run, methods, owner)
            : new WholePasses(model, batch, run, methods);
    }

    /// <summary>
    /// The next pass: the calls of methods for the changed run, and the logits of each prompt's last token, <c>[batch, vocab]</c>.
    /// </summary>
    /// <param name="step">The step; <see langword="null"/> for the prompts, which come first.</param>
    /// <param name="tokens">The step's new token of each prompt.</param>
    /// <param name="pass">Owns the values; it is the current scope.</param>
    /// <param name="cancellationToken">Checked before every node.</param>
    public (MethodCalls Calls, Tensor Logits) Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        foreach (RunPasses run in _others.Where(run => step is null || run.Demand.IsContinued))
        {
            PassValues values = run.Next(step, tokens, pass, cancellationToken);
            // The later steps read them too.
            if (!run.Demand.IsContinued)
                foreach (Tensor value in values.Values.Values)
                    value.moved_to(_owner);
            _methods.Add(run.Demand.Number!.Value, values);
        }
        PassValues changed = _changed.Next(step, tokens, pass, cancellationToken);
        return (_methods.Calls(changed), _plan.LastLogits.Of(changed));
    }
}
