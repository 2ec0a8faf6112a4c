using System.Collections.Immutable;
using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>A head that takes part in naming the indirect object.</summary>
/// <param name="Head">The head.</param>
/// <param name="Class">
/// Its class. Of heads that write to the logits, <c>name mover</c> looks at the indirect object and copies, <c>negative mover</c> looks
/// there and writes against it, the others are <c>direct</c> or <c>direct, against</c>. <c>S-inhibition</c> turns the queries of the direct
/// ones; <c>duplicate token</c> and <c>induction</c>, by where they look, are what S-inhibition reads; <c>previous token</c> is what the
/// latter have for keys.
/// </param>
/// <param name="At">The position at which it sends.</param>
/// <param name="Relative">The path's effect, as a part of the clean logit difference.</param>
/// <param name="ToIO">Its mean attention from there to the indirect object.</param>
/// <param name="ToS1">To the subject's first mention.</param>
/// <param name="AfterS1">To the token behind it.</param>
/// <param name="ToS2">To its second mention.</param>
/// <param name="Copying">How often it copies a name that it looks at, see <see cref="CopyingScores"/>.</param>
/// <param name="NegativeCopying">How often it writes against a name that it looks at.</param>
public sealed record IoiHead(
    Component Head,
    string Class,
    string At,
    double Relative,
    double ToIO,
    double ToS1,
    double AfterS1,
    double ToS2,
    double Copying,
    double NegativeCopying);

/// <summary>
/// The study of Wang et al. 2022 (arXiv:2211.00593), section 3, of any decoder: which heads move names to the last token, where they look
/// and whether they copy, and by path patching backwards which heads tell them not to name the subject.
/// </summary>
/// <param name="Tree">The paths, from the logits back.</param>
/// <param name="Heads">The heads that were found, in the order of the tree.</param>
/// <param name="Graph">The model's graph.</param>
public sealed record IoiStudy(PathTree Tree, ImmutableArray<IoiHead> Heads, CircuitGraph Graph)
{
    private const string Direct = "direct", Against = "direct, against", Inhibition = "S-inhibition",
        Repetition = "induction or duplicate", Previous = "previous token";

    private static readonly string[] s_names = ["IO", "S1", "S2"];

    private static readonly PathLevel[] s_levels =
    [
        new(Direct, "end"),
        new(Against, "end") { Ranking = Ranking.MostPositive },
        new(Inhibition, "end", Direct, PortInput.Query),
        new(Repetition, "S2", Inhibition, PortInput.Value),
        new(Previous, "S1+1", Repetition, PortInput.Key),
    ];

    /// <summary>
    /// The heads as a circuit of nodes, each kept where it sends. One that sends at two positions is of the class in which it was found
    /// first.
    /// </summary>
    public NodeCircuit Circuit => new(Graph, Heads.GroupBy(head => head.Head).Select(same => new CircuitNode(
        same.Key, same.First().Class, string.Join(',', same.Select(head => head.At).Distinct()))));

    /// <summary>Makes the study: a sweep over all heads for each step of the tree, and two passes that look at heads.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">
    /// Prompts with the positions <c>IO</c>, <c>S1</c>, <c>S2</c>, <c>end</c>, whose corrupted run repeats nobody, such as those of
    /// <see cref="Models.IoiTask"/>.
    /// </param>
    /// <param name="metric">A declaration with one metric, best the logit difference between both names, and nothing else.</param>
    /// <param name="most">How many heads of a class are found at most.</param>
    /// <param name="least">The least effect of a head that is found, as a part of the clean metric.</param>
    /// <param name="options">The other run, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static IoiStudy Of(
        DecoderModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        int most = 6,
        double least = 0.02,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        PathTree tree = PathTree.Of(model, prompts, metric, s_levels, most, least, options, cancellationToken);
        RunOptions run = options?.Run ?? new RunOptions();
        HeadScores copying = CopyingScores.Of(model, prompts, s_names, options: run, cancellationToken: cancellationToken);
        string[] at = [.. s_levels.Select(level => level.At).Distinct()];
        using DisposeScope scope = NewDisposeScope();
        using RunResult look = new InterventionGraph
        {
            Name = nameof(IoiStudy),
            Captures =
            [
                .. at.Select((query, i) => new CaptureNode(
                    $"From{i}", $"blocks.*.attn.pattern[query={query}; key=IO,S1,S1+1,S2]", [new Read.Value()], x => x[0].squeeze(2))),
            ],
            IsUnanalyzed = true,
        }.Run(model, prompts, run, cancellationToken);
        // Of each position from which heads look, [layer, head, key].
        Tensor[] looks = [.. at.Select((_, i) => look.Run(prompts.Vocabulary.Runs[0])[$"From{i}"].to(ScalarType.Float64).mean([1L]))];
        return new IoiStudy(
            tree, [.. tree.Branches.SelectMany(branch => branch.Senders.Select(sender => Head(branch.Level, sender)))],
            CircuitGraph.Of(model));

        IoiHead Head(PathLevel level, PathSender sender)
        {
            (int layer, int head) = (sender.Head.Layer, sender.Head.Head);
            double[] to = looks[Array.IndexOf(at, level.At)][layer][head].Doubles();
            (double toIO, double toS1, double afterS1, double toS2) = (to[0], to[1], to[2], to[3]);
            (double copies, double negates) =
                (copying[CopyingScores.Copying, layer, head], copying[CopyingScores.Negative, layer, head]);
            bool looksAtIO = toIO > toS1 + toS2;
            string kind = level.Class switch
            {
                Direct when looksAtIO && copies > negates => "name mover",
                Against when looksAtIO && negates > copies => "negative mover",
                Repetition => toS1 >= afterS1 ? "duplicate token" : "induction",
                _ => level.Class,
            };
            return new IoiHead(sender.Head, kind, level.At, sender.Relative, toIO, toS1, afterS1, toS2, copies, negates);
        }
    }

    /// <summary>The heads, with their attention and copying scores, and the tree.</summary>
    public override string ToString()
    {
        TextTable table = new(
            new("head"), new("class"), new("at"), new("effect", true), new("to IO", true), new("S1", true), new("S1+1", true),
            new("S2", true), new("copies", true), new("negates", true));
        foreach (IoiHead head in Heads)
            table.Add(
                $"{head.Head}", head.Class, head.At, Text(head.Relative, "+0 %;-0 %;0 %"), Text(head.ToIO, "0.00"), Text(head.ToS1, "0.00"),
                Text(head.AfterS1, "0.00"), Text(head.ToS2, "0.00"), Text(head.Copying, "0 %"), Text(head.NegativeCopying, "0 %"));
        return $"{table.Print()}\n{Tree}";

        static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
    }
}
