using System.Collections.Immutable;
using System.Globalization;
using Interventions.Files;

namespace Interventions.Features;

/// <summary>A step of a path.</summary>
/// <param name="Token">The token's key, see <see cref="NeuronGraph.KeyOf"/>; null for any token.</param>
/// <param name="Importance">
/// How much of the activation is lost without it, from 0 to 1; 1 for the token that activates. Where several texts have the step, the most.
/// </param>
public sealed record NeuronStep(string? Token, double Importance);

/// <summary>Tokens that make a neuron fire, from the one on which it does backwards, and how much it fires.</summary>
/// <param name="Steps">The token on which it fires, the one in front of that, and so on; the last one is not any token.</param>
/// <param name="Activation">The activation; where several texts have the path, the largest.</param>
public sealed record NeuronPath(ImmutableArray<NeuronStep> Steps, double Activation)
{
    /// <summary>The tokens in the order of the text, with <c>*</c> for any token.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{string.Join(' ', Steps.Reverse().Select(step => step.Token is null ? "*" : $"'{NeuronExample.OneLine(step.Token)}'"))} "
            + $"→ {Activation:0.##}");

    /// <summary>Writes or reads it.</summary>
    internal static NeuronPath Fields(JsonFields fields, NeuronPath? path)
    {
        NeuronPath read = new(
            fields.List<NeuronStep>("steps", path?.Steps ?? default, (step, known) => new NeuronStep(
                step.OptionalText("token", known?.Token), step.Number("importance", known?.Importance))),
            fields.Number("activation", path?.Activation));
        return read.Steps is [{ Token: not null }, ..] && read.Steps[^1].Token is not null
            ? read
            : throw fields.Wrong("'steps' begin and end with a token");
    }
}

/// <summary>
/// Paths as a tree: from the token on which a neuron fires backwards. Where any token may stand, what stands behind other tokens may stand
/// behind it too.
/// </summary>
internal sealed class NeuronTrie
{
    private readonly SortedDictionary<string, NeuronTrie> _children = new(StringComparer.Ordinal);
    private NeuronTrie? _any;
    private double _importance;

    /// <summary>The activation where a path ends here.</summary>
    private double? End { get; set; }

    /// <summary>A tree of paths.</summary>
    public static NeuronTrie Of(IEnumerable<NeuronPath> paths)
    {
        NeuronTrie root = new();
        foreach (NeuronPath path in paths)
            root.Add(path);
        return root;
    }

    /// <summary>All paths, those with the largest activations first.</summary>
    public ImmutableArray<NeuronPath> Paths() => [.. Walk([]).OrderByDescending(path => path.Activation)];

    /// <summary>
    /// Wherever any token may stand: what follows other tokens there follows any token, and those on which no path ends are left out. A
    /// path that ends on one of them still needs that very token.
    /// </summary>
    public void Merge()
    {
        if (_any is { } any)
        {
            foreach (NeuronTrie child in _children.Values)
                any.TakeFollowers(child);
            foreach (string token in _children.Where(child => child.Value.End is null).Select(child => child.Key).ToArray())
                _children.Remove(token);
            any.Merge();
        }
        foreach (NeuronTrie child in _children.Values)
            child.Merge();
    }

    /// <summary>The prediction at a token: that of the longest path which it ends, where each step has one way; else 0.</summary>
    /// <param name="keys">The tokens' keys.</param>
    /// <param name="last">The token's place.</param>
    public double Predict(IReadOnlyList<string> keys, int last)
    {
        NeuronTrie? at = this;
        double answer = 0;
        for (int i = last; i >= 0; i--)
        {
            at = at._children.GetValueOrDefault(keys[i]) ?? at._any;
            if (at is null)
                break;
            answer = at.End ?? answer;
        }
        return answer;
    }

    private void Add(NeuronPath path)
    {
        NeuronTrie at = this;
        foreach (NeuronStep step in path.Steps)
        {
            at = at.Next(step.Token);
            at._importance = Math.Max(at._importance, step.Importance);
        }
        at.End = Math.Max(at.End ?? double.NegativeInfinity, path.Activation);
    }

    private void TakeFollowers(NeuronTrie other)
    {
        foreach ((string? token, NeuronTrie follower) in other.Followers())
        {
            NeuronTrie own = Next(token);
            own._importance = Math.Max(own._importance, follower._importance);
            if (follower.End is { } end)
                own.End = Math.Max(own.End ?? double.NegativeInfinity, end);
            own.TakeFollowers(follower);
        }
    }

    private IEnumerable<NeuronPath> Walk(ImmutableArray<NeuronStep> steps)
    {
        if (End is { } end)
            yield return new NeuronPath(steps, end);
        foreach ((string? token, NeuronTrie follower) in Followers())
            foreach (NeuronPath path in follower.Walk(steps.Add(new NeuronStep(token, follower._importance))))
                yield return path;
    }

    private IEnumerable<(string? Token, NeuronTrie Follower)> Followers()
    {
        foreach ((string token, NeuronTrie child) in _children)
            yield return (token, child);
        if (_any is not null)
            yield return (null, _any);
    }

    private NeuronTrie Next(string? token)
    {
        if (token is null)
            return _any ??= new NeuronTrie();
        if (!_children.TryGetValue(token, out NeuronTrie? child))
            _children[token] = child = new NeuronTrie();
        return child;
    }
}
