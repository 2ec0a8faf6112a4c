using System.Collections;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Tracing;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// A forward pass as a loop over sites, in the order of computation: <c>foreach (var site in model.Trace(prompts)) { … }</c>. The pass
/// stops when the loop is left, and computes nothing after the last offered site.
/// </summary>
/// <remarks>
/// <para>The trace owns the kept values, and frees them on <see cref="Dispose"/>; other values are freed as the loop goes on or is
/// left.</para>
/// <para>A pass goes forward only: a value can be read and replaced while the loop stands at its site, and read later if it was kept.
/// Reading it at another time is an error that says where the loop stands. Several traces can be walked side by side, also with <c>Zip</c>:
/// a trace holds no dispose scope and no grad mode while the loop stands.</para>
/// </remarks>
/// <example><code>
/// using var trace = model.Trace("When Mary and Tom went to the store, Tom gave a drink to", "blocks.*.attn.z", "logits");
/// foreach (TracedSite site in trace)
/// {
///     if (site.Name == "blocks.0.attn.z")
///         site.Value[.., .., 3] = 0;       // without head 3
///     else
///         site.Keep();
/// }
/// Tensor logits = trace["logits"], z = trace["blocks.[1..3].attn.z"];
/// </code></example>
public sealed class ModelTrace : IEnumerable<TracedSite>, IDisposable
{
    private readonly HookedModel _model;
    private readonly Tensor _tokens;
    private readonly TracedPrompts? _prompts;
    private readonly TraceSchedule _schedule;
    private readonly Dictionary<string, Tensor> _kept = [], _leaves = [];
    private int _at = -1;
    private bool _isWalked, _isOver, _isDisposed;

    private ModelTrace(HookedModel model, Tensor tokens, TracedPrompts? prompts, TraceSchedule schedule) =>
        (_model, _tokens, _prompts, _schedule) = (model, tokens, prompts, schedule);

    /// <summary>A trace of token ids; it takes ownership of them.</summary>
    internal static ModelTrace Of(
        HookedModel model, Func<(Tensor Tokens, TracedPrompts? Prompts)> prompts, IReadOnlyCollection<string> sites)
    {
        TraceSchedule schedule = TraceSchedule.Of(model.Graph, TracedNames.Of(model, sites));
        (Tensor tokens, TracedPrompts? named) = prompts();
        return new ModelTrace(model, tokens, named, schedule);
    }

    /// <summary>
    /// The value that <see cref="TracedSite.Keep"/> kept, once the loop has gone on; for a path that names several layers, their values
    /// along a new first axis; where the path selects, the selected ones, every axis kept, as a declared capture gets them. The trace owns
    /// it, and the pass goes on with a copy.
    /// </summary>
    /// <param name="path">The path: <c>logits</c>, <c>blocks.*.attn.z[pos=end]</c>.</param>
    /// <exception cref="InterventionException">
    /// It names no site, or one whose value is not kept, or not yet; or it selects more of some prompts than of others.
    /// </exception>
    public Tensor this[string path]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_kept.TryGetValue(path, out Tensor? known))
                return known;
            using DisposeScope scope = NewDisposeScope();
            (IReadOnlyList<TracedName> names, BoundSite? selection, bool areSeveral) = Find(path);
            Tensor[] values = [.. names.Select(name => Kept(_kept, name, "value", "Keep"))];
            return selection is null && !areSeveral
                ? values[0]
                : _kept[path] = Joined(values, selection, areSeveral).DetachFromDisposeScope();
        }
    }

    /// <summary>Each prompt's logit of an answer: <c>[batch]</c>. The logits must have been kept.</summary>
    /// <param name="answer">The answer's name.</param>
    /// <param name="at">The position, as <see cref="TracedSite.At(string)"/> reads it. Default: <c>end</c>.</param>
    /// <returns>A new tensor with a gradient, where the logits have one; the caller owns it.</returns>
    /// <exception cref="InterventionException">
    /// The prompts have no such answer or position, or <c>logits</c> is not kept, or not yet.
    /// </exception>
    public Tensor Logit(string answer, string at = "end")
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(at);
        Tensor logits = this["logits"];
        using DisposeScope scope = NewDisposeScope();
        return Named("answer").Logit(logits, answer, at).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The gradient of a metric with respect to the values of a site, as the loop left them; zero where the metric does not depend on them.
    /// It may be called several times, also for several metrics.
    /// </summary>
    /// <param name="metric">A function of kept values, for instance of the logits. Of several numbers the sum is differentiated: one number
    /// a prompt gives each prompt its own gradient.</param>
    /// <param name="path">A site with <see cref="TracedSite.KeepGradient"/>; for a path that names several layers, the gradients lie along
    /// a new first axis; where it selects, those of the selected values.</param>
    /// <returns>The site's or the selection's shape, 0 behind a prompt's last token; the caller owns it.</returns>
    /// <exception cref="InterventionException">The path names no site, or one without gradient; or the metric does not depend on values
    /// after the site.</exception>
    public Tensor Gradient(Tensor metric, string path)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentNullException.ThrowIfNull(metric);
        using DisposeScope scope = NewDisposeScope();
        (IReadOnlyList<TracedName> names, BoundSite? selection, bool areSeveral) = Find(path);
        Tensor[] leaves = [.. names.Select(name => Kept(_leaves, name, "gradient", "KeepGradient"))];
        if (!metric.requires_grad)
            throw new InterventionException(
                $"Trace: the metric has no gradient with respect to '{path}': it was computed under no_grad, "
                + "or of nothing that comes after a site with KeepGradient().");
        Tensor[] gradients = Derivatives.Of(metric.sum(), leaves);
        if (_prompts is not null)
            gradients = [.. gradients.Zip(names, (gradient, name) => _prompts.Clean(gradient, name.Definition))];
        return Joined(gradients, selection, areSeveral).MoveToOuterDisposeScope();
    }

    /// <summary>Walks through the pass, once.</summary>
    /// <exception cref="InvalidOperationException">It was walked before: a trace is one pass.</exception>
    public IEnumerator<TracedSite> GetEnumerator()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_isWalked)
            throw new InvalidOperationException(
                "A trace is one forward pass, and this one has been walked through. Call Trace again for another.");
        _isWalked = true;
        return Walk();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Frees the kept values.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _tokens.Dispose();
        foreach (Tensor value in _kept.Values.Concat(_leaves.Values))
            value.Dispose();
    }

    private IEnumerator<TracedSite> Walk()
    {
        // No dispose scope and no grad mode is open at the yield: both belong to the thread.
        using ForwardPass pass = new(_model.Graph, _tokens);
        // A trace that keeps nothing needs no Dispose once it has been walked.
        _tokens.Dispose();
        try
        {
            for (_at = 0; _at < _schedule.Steps.Length; _at++)
            {
                TraceStep step = _schedule.Steps[_at];
                if (step.IsComputed)
                    _ = pass.Value(step.Node.Name);
                if (step.Offered is { } name)
                {
                    TracedSite site = new(name, _model.Schema, pass, _prompts);
                    try
                    {
                        yield return site;
                    }
                    finally
                    {
                        // In a finally, so that Keep also holds for the site at which the loop is left.
                        Settle(site, pass);
                    }
                    ObjectDisposedException.ThrowIf(_isDisposed, this);
                    ObjectDisposedException.ThrowIf(_model.IsDisposed, _model);
                }
                pass.Free(step.Freed);
            }
        }
        finally
        {
            _isOver = true;
        }
    }

    private void Settle(TracedSite site, ForwardPass pass)
    {
        // The loop may stand in a scope and a grad mode of its own.
        using IDisposable mode = enable_grad();
        using DisposeScope scope = NewDisposeScope();
        try
        {
            if (_isDisposed)
                return;
            site.Settle();
            if (site.IsDifferentiated)
                _leaves[site.Name] = pass.AddLeaf(site.Name);
            if (site.IsKept)
                _kept[site.Name] = site.Copy().DetachFromDisposeScope();
        }
        finally
        {
            site.End();
        }
    }

    /// <summary>The sites that a path names, and what it selects of them.</summary>
    private (IReadOnlyList<TracedName> Names, BoundSite? Selection, bool AreSeveral) Find(string path)
    {
        (IReadOnlyList<TracedName> names, _, bool selects, bool areSeveral) = TracedNames.Find(_model.Schema, path);
        return (names, selects ? Named("position").Of(path) : null, areSeveral);
    }

    private Tensor Joined(Tensor[] values, BoundSite? selection, bool areSeveral)
    {
        Tensor[] parts = selection is null ? values : [.. values.Select(value => _prompts!.Read(value, selection))];
        return areSeveral ? stack(parts) : parts[0];
    }

    private TracedPrompts Named(string what) => _prompts
        ?? throw new InterventionException($"Trace: tokens without numbers have no {what}s to name.");

    private Tensor Kept(Dictionary<string, Tensor> kept, TracedName name, string what, string method) =>
        kept.GetValueOrDefault(name.Node)
            ?? throw new InterventionException($"Trace: there is no {what} of '{name.Node}': {WhyNot(name.Node, method)}.");

    private string WhyNot(string node, string method)
    {
        if (!_isWalked)
            return "the trace has not been walked through";
        int place = _schedule.PlaceOf(node);
        if (place < 0)
            return "the trace does not offer it; name it among the sites of Trace(…)";
        if (place < _at || (place == _at && _isOver))
            return $"call {method}() on it while the loop stands there";
        string here = _at < 0 ? "before the first site" : $"at '{_schedule.Steps[_at].Node.Name}'";
        return place == _at ? "the loop still stands there; read the site's Value, or ask when it has gone on"
            : _isOver ? $"the loop was left {here}, before it"
            : $"the loop stands {here}, and it is computed later";
    }
}
