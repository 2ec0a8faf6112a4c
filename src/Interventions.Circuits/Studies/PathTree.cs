using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.ModelGraphs;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>A question of a path-patching tree: which heads send to what?</summary>
/// <param name="Class">What heads that are found are called.</param>
/// <param name="At">The position at which they send, and at which it is read: <c>end</c>, <c>S2</c>.</param>
/// <param name="Into">The class of the heads that read it; <see langword="null"/> for the logits.</param>
/// <param name="Input">Of these heads, what is made of it: queries, keys or values.</param>
public sealed record PathLevel(string Class, string At, string? Into = null, PortInput Input = PortInput.All)
{
    /// <summary>
    /// Which heads are found: those without which the metric falls (<see cref="Ranking.MostNegative"/>, the default) or rises.
    /// </summary>
    public Ranking Ranking { get; init; } = Ranking.MostNegative;
}

/// <summary>A head of a path-patching tree.</summary>
/// <param name="Head">The head.</param>
/// <param name="Effect">How the metric's mean changes if what it sends is the other run's.</param>
/// <param name="Relative">The same as a part of the metric's mean in the clean run.</param>
public sealed record PathSender(Component Head, double Effect, double Relative);

/// <summary>The heads that a question found.</summary>
/// <param name="Level">The question.</param>
/// <param name="Senders">The heads, the largest effects first; none where nobody asks, because the level before found nothing.</param>
public sealed record PathBranch(PathLevel Level, ImmutableArray<PathSender> Senders);

/// <summary>
/// A circuit traced backwards from the logits by path patching (Wang et al. 2022, arXiv:2211.00593, section 3): which heads move the logits
/// directly, which heads send to their queries, keys or values, and so on.
/// </summary>
/// <param name="Clean">The metric's mean in the clean run.</param>
/// <param name="Branches">What was found, in the order of the questions.</param>
public sealed record PathTree(double Clean, ImmutableArray<PathBranch> Branches)
{
    /// <summary>What a question found.</summary>
    /// <exception cref="ArgumentException">There is no such class.</exception>
    public PathBranch this[string kind] => Branches.FirstOrDefault(branch => branch.Level.Class == kind)
        ?? throw new ArgumentException(
            $"There is no class '{kind}'; there are {string.Join(", ", Branches.Select(branch => branch.Level.Class))}.", nameof(kind));

    /// <summary>Traces paths backwards, a planned sweep over all heads a question.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="levels">The questions; each asks of the logits, or of a class of an earlier one.</param>
    /// <param name="most">How many heads a question finds at most.</param>
    /// <param name="least">The least effect of a head that is found, as a part of the metric's mean in the clean run.</param>
    /// <param name="options">The other run, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">A question asks of a class that no earlier one has.</exception>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static PathTree Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        IReadOnlyList<PathLevel> levels,
        int most = 6,
        double least = 0.02,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(levels);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        double clean = double.NaN;
        List<PathBranch> branches = [];
        Dictionary<(string?, PortInput, string), PathSender[]> measured = [];
        foreach (PathLevel level in levels)
        {
            PathSender[]? senders = measured.GetValueOrDefault((level.Into, level.Input, level.At));
            if (senders is null)
                measured[(level.Into, level.Input, level.At)] = senders = Measured(level);
            double sign = level.Ranking == Ranking.MostPositive ? 1 : -1;
            branches.Add(new PathBranch(level, [.. senders
                .Where(sender => level.Ranking == Ranking.Absolute ? Math.Abs(sender.Relative) >= least : sign * sender.Effect > 0
                    && Math.Abs(sender.Relative) >= least)
                .OrderByDescending(sender => Math.Abs(sender.Effect)).Take(most)]));
        }
        return new PathTree(clean, [.. branches]);

        PathSender[] Measured(PathLevel level)
        {
            CircuitGraph graph = CircuitGraph.Of(model);
            Port[] receivers = level.Into is null
                ? [new Port(Component.Logits)]
                : [.. (branches.Find(branch => branch.Level.Class == level.Into) ?? throw new ArgumentException(
                    $"'{level.Class}' asks of '{level.Into}', which no earlier question finds.", nameof(levels)))
                    .Senders.Select(sender => new Port(sender.Head, level.Input)).Where(port => port.Component.Layer > 0)];
            if (receivers.Length == 0)
                return [];
            NodeScores scores = PathEffects.Of(
                model, prompts, metric, receivers, ComponentKind.Head,
                new PathOptions { SendersAt = level.At, ReceiversAt = level.At }, options, cancellationToken);
            clean = scores.Clean.Average();
            return
            [
                .. graph.Sources.Where(source => source.Kind == ComponentKind.Head).Zip(scores.Means.Zip(scores.Relative)).Select(head =>
                    new PathSender(head.First, head.Second.First, head.Second.Second)),
            ];
        }
    }

    /// <summary>The tree, with each head's effect in percent of the clean metric.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        Add(null, "");
        return text.ToString();

        void Add(string? into, string indent)
        {
            foreach (PathBranch branch in Branches.Where(branch => branch.Level.Into == into))
            {
                string read = branch.Level.Input switch
                {
                    PortInput.Query => "queries",
                    PortInput.Key => "keys",
                    PortInput.Value => "values",
                    _ => "logits",
                };
                string senders = branch.Senders.IsEmpty ? "nobody" : string.Join(", ", branch.Senders.Select(sender => string.Create(
                    CultureInfo.InvariantCulture, $"{sender.Head} {100 * sender.Relative:+0;-0;0} %")));
                text.Append(TextTable.Wrap($"{indent}{read} at {branch.Level.At} <- {branch.Level.Class}: {senders}", indent.Length + 4))
                    .Append('\n');
                Add(branch.Level.Class, indent + "  ");
            }
        }
    }
}
