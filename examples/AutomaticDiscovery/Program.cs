// Which method finds a circuit? On programs whose circuits are known edge by edge, and on a small language model, where one asks how few
// edges do what the model does.
// dotnet run -c Release --project examples/AutomaticDiscovery -- [FOLDER]
using System.Globalization;
using Interventions;
using Interventions.Circuits;
using Interventions.Examples;
using Interventions.Examples.AutomaticDiscovery;
using Interventions.Models;
using Interventions.Models.Decoder;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Discovery discovery = new();
Console.WriteLine("Area under the ROC curve of edges: 1 puts the known circuit first\n");
Table known = discovery.OnKnownCircuits();
Console.WriteLine(known);

using DecoderModel model = DecoderModel.Load(args.FirstOrDefault() ?? Path.Combine(AppContext.BaseDirectory, "model"));
Console.WriteLine($"{CircuitGraph.Of(model)}:\nfaithfulness on other sentences, by part of the edges; both areas\n");
Table curves = discovery.OnLanguageModel(model, out Circuit circuit, out EdgeScores scores);
Console.WriteLine(curves);
File.WriteAllText("circuit.svg", circuit.ToSvg(scores));
Console.WriteLine($"circuit.svg shows what EAP-IG puts first: {circuit}");

namespace Interventions.Examples.AutomaticDiscovery
{
    /// <summary>What a circuit is looked for in.</summary>
    /// <param name="Model">The model.</param>
    /// <param name="Prompts">Clean and corrupted prompts.</param>
    /// <param name="Metric">What is larger the better the model does it.</param>
    public sealed record Behaviour(DecoderModel Model, IPromptSet Prompts, InterventionGraph Metric);

    /// <summary>Numbers by method and column.</summary>
    public sealed record Table(IReadOnlyList<string> Columns, IReadOnlyDictionary<string, double[]> Rows)
    {
        /// <inheritdoc/>
        public override string ToString() => string.Concat(
            $"{"",-8}{string.Concat(Columns.Select(column => $"{column,10}"))}\n",
            string.Concat(Rows.Select(row => $"{row.Key,-8}{string.Concat(row.Value.Select(number => $"{number,10:0.000}"))}\n")));
    }

    /// <summary>Sentences about an indirect object: who gets something (IO), from whom (S).</summary>
    [PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
    public sealed partial class IoiPrompts : PromptSet;

    /// <summary>ACDC, EAP, EAP-IG and learned masks beside each other. Each gives an edge that is needed a negative number.</summary>
    public sealed class Discovery
    {
        /// <summary>How many prompts circuits are found on, and measured on.</summary>
        public int Prompts { get; init; } = 16;

        /// <summary>How long masks are trained.</summary>
        public int MaskSteps { get; init; } = 300;

        /// <summary>The logit differences that removing an edge may cost, from little to much.</summary>
        public IReadOnlyList<double> Thresholds { get; init; } = [0.001, 0.01, 0.1, 1];

        private IEnumerable<(string Name, Func<Behaviour, EdgeScores> Scores)> Methods =>
        [
            ("ACDC", BySearches), ("EAP", it => EdgeAttribution.Of(it.Model, it.Prompts, it.Metric)),
            ("EAP-IG", it => EdgeAttribution.Of(it.Model, it.Prompts, it.Metric, steps: 5)), ("masks", ByMasks),
        ];

        /// <summary>The area under the curve of each method, by program.</summary>
        public Table OnKnownCircuits()
        {
            CompiledProgram[] programs =
            [
                GroundTruth.Induction(Prompts), GroundTruth.OnceName(Prompts), GroundTruth.Majority(Prompts), GroundTruth.And(Prompts),
                GroundTruth.Or(Prompts),
            ];
            Table table = new(["induction", "once-name", "majority", "and", "or"], Methods.ToDictionary(method => method.Name, method =>
                programs.Select(program => Roc.OfEdges(
                    method.Scores(new Behaviour(program.Model, program.Prompts, program.Metric)), program.Circuit,
                    Ranking.MostNegative).Auc).ToArray()));
            Array.ForEach(programs, program => program.Dispose());
            return table;
        }

        /// <summary>Faithfulness of some sizes, and both areas.</summary>
        /// <param name="model">A model that knows the names.</param>
        /// <param name="circuit">The first twentieth of the edges of EAP-IG.</param>
        /// <param name="scores">Their scores.</param>
        public Table OnLanguageModel(DecoderModel model, out Circuit circuit, out EdgeScores scores)
        {
            InterventionGraph metric = Intervention.On(model).LogitDifference("IO", "S").Graph;
            Behaviour found = new(model, Drawn(model, seed: 1), metric), measured = found with { Prompts = Drawn(model, seed: 2) };
            Dictionary<string, EdgeScores> all = Methods.ToDictionary(method => method.Name, method => method.Scores(found));
            scores = all["EAP-IG"];
            circuit = scores.Top(scores.Graph.CountOf(0.05), Ranking.MostNegative).Pruned();
            return new Table(["1 %", "5 %", "20 %", "CPR", "CMD"], all.ToDictionary(method => method.Key, method =>
            {
                FaithfulnessCurve signed = Curve(method.Value, Ranking.MostNegative), sized = Curve(method.Value, Ranking.Absolute);
                return (double[])[signed.Faithfulness[3], signed.Faithfulness[5], signed.Faithfulness[7], signed.Cpr, sized.Cmd];
            }));

            FaithfulnessCurve Curve(EdgeScores ranked, Ranking ranking) =>
                FaithfulnessCurve.Of(count => ranked.Top(count, ranking), model, measured.Prompts, metric);
        }

        /// <summary>ACDC has circuits and no scores: an edge counts what the metric loses without it, where a search kept it.</summary>
        private EdgeScores BySearches(Behaviour it)
        {
            CircuitGraph graph = CircuitGraph.Of(it.Model);
            double[] scores = new double[graph.EdgeCount];
            foreach (AcdcResult search in Acdc.Of(it.Model, it.Prompts, it.Metric, Thresholds, new() { HigherIsBetter = true }))
                foreach (AcdcStep step in search.Steps.Where(step => !step.IsRemoved))
                    scores[graph.IndexOf(step.Edge)] = Math.Min(scores[graph.IndexOf(step.Edge)], step.Metric - step.Candidate!.Value);
            return new EdgeScores(graph, [scores]);
        }

        /// <summary>The chance of an edge's gate to be open.</summary>
        private EdgeScores ByMasks(Behaviour it)
        {
            LearnedMask mask = EdgePruning.Of(it.Model, it.Prompts, it.Metric, new() { Steps = MaskSteps, HigherIsBetter = true });
            return new EdgeScores(mask.Scores.Graph, [[.. mask.Scores.Means.Select(open => -open)]]);
        }

        private IoiPrompts Drawn(DecoderModel model, int seed)
        {
            Random random = new(seed);
            string[] names = [.. Sentences.Names.Where(name => model.Encode(" " + name) is { Count: 1 })];
            return IoiPrompts.Create(model.Tokenizer, Enumerable.Range(0, Prompts).Select(_ =>
            {
                random.Shuffle(names);
                Sentences.Prompt clean = Sentences.RandomHeldOut(random) with { IO = names[0], S = names[1] };
                return new IoiPrompts.Prompt
                {
                    Clean = clean.Marked(clean.A, clean.B, clean.S),
                    Corrupted = clean.Marked(names[2], names[3], names[4]),
                    IO = " " + clean.IO,
                    S = " " + clean.S,
                };
            }));
        }
    }
}
