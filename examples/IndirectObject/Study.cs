using Interventions.Circuits;
using Interventions.Models;
using Interventions.Models.Decoder;

namespace Interventions.Examples;

/// <summary>
/// How does a model name the indirect object? The study of Wang et al. 2022 (arXiv:2211.00593): which heads move names, and who tells them
/// which one; is that circuit faithful, complete and minimal; and does a circuit that is found without looking do better?
/// </summary>
internal static class Study
{
    /// <summary>The part of all edges that the found circuit may have.</summary>
    private const double Size = 0.05;

    /// <summary>Criteria go through every part of circuits of so many parts at most.</summary>
    private const int FewParts = 32;

    public static void Run(DecoderModel model, int count, int seed)
    {
        CircuitOptions options = new() { Run = new RunOptions { BatchSize = 64, Progress = new ProgressLine() } };
        InterventionGraph metric = Intervention.On(model).LogitDifference("IO", "S").Graph;

        // In the corrupted prompts of the paper three other people stand, none of them twice.
        IoiTask prompts = Sample(IoiCorruption.OtherNames, count);
        Title($"{count} prompts, such as");
        Console.WriteLine($"{model.Tokenizer.Decode(prompts.Prompts[0].Runs[0].Ids.Select(id => (int)id))} ...");

        Title("Who moves names, and who sends to whom: changes of the logit difference");
        IoiStudy study = IoiStudy.Of(model, prompts, metric, options: options);
        Console.WriteLine(study);

        // Everything but these heads is replaced by its mean over many such prompts of the same pattern.
        CircuitOptions means = options with
        {
            Ablation = Ablation.Mean,
            From = "corrupted",
            Over = Sample(IoiCorruption.OtherNames, 400, seed + 1),
        };
        Criteria("These heads alone, each at its position", study.Circuit, study.Circuit.Nodes.Length, prompts, means);
        if (CircuitGraph.Of(model) == PublishedCircuits.Ioi.Graph)
        {
            Criteria("The paper's circuit of GPT-2 small", PublishedCircuits.Ioi, 0, prompts, means);
            Criteria("Its naive circuit", PublishedCircuits.NaiveIoi, 0, prompts, means);
        }

        // Where the other person acts, the other name is the answer: only edges that know who acts matter.
        IoiTask known = Sample(IoiCorruption.FlippedSubject, count);
        IoiTask held = Sample(IoiCorruption.FlippedSubject, count, seed + 1, known);
        EdgeScores scores = EdgeAttribution.Of(model, known, metric, steps: 5, options: options);
        Circuit circuit = scores.Top(scores.Graph.CountOf(Size)).Pruned();
        Title($"Found by EAP-IG: {circuit}");
        if (circuit.Count <= FewParts)
            Console.WriteLine(circuit.ToMermaid());
        double alone = circuit.Faithfulness(model, held, metric, options), without = (~circuit).Faithfulness(model, held, metric, options);
        Console.WriteLine($"faithfulness on other prompts: {alone:0.00}; of all other edges: {without:0.00}");
        CircuitParts parts = circuit.Count <= FewParts
            ? circuit
            : CircuitParts.Of(circuit, edge => $"{edge.Source}", edge => $"{edge.Source.Kind}");
        Criteria("The found circuit", parts, parts.Names.Length, held, options);

        void Criteria(string title, CircuitParts parts, int minimal, IoiTask on, CircuitOptions how)
        {
            CompletenessSets sets = parts.Names.Length > FewParts
                ? new() { Random = 0, Greedy = 0 }
                : new() { Random = 5, Greedy = 1, GreedySteps = 4, GreedyCandidates = 5, Seed = seed };
            Title($"{title}: complete?");
            Console.WriteLine(Completeness.Of(model, on, metric, parts, sets, how));
            if (minimal is 0 or > FewParts)
                return;
            Title($"{title}: minimal?");
            Console.WriteLine(Minimality.Of(model, on, metric, parts, options: how));
        }

        IoiTask Sample(IoiCorruption corruption, int some, int? with = null, IoiTask? except = null) => IoiTask.Sample(
            model.Tokenizer, some, with ?? seed, new IoiOptions
            {
                Corruption = corruption,
                Templates = [.. Sentences.Families.Select(Template)],
                Names = Sentences.Names,
                Words = new Dictionary<string, IReadOnlyList<string>> { ["place"] = Sentences.Places, ["object"] = Sentences.Objects },
            },
            except);
    }

    /// <summary>A sentence of the small language as a template of the task: without its last word, the answer.</summary>
    private static string Template(string family) => family[..^"{IO}".Length]
        .Replace("{A}", " {IO}").Replace("{B}", " {S1}").Replace("{S}", " {S2}")
        .Replace("{place}", " {place}").Replace("{object}", " {object}");

    private static void Title(string title) => Console.WriteLine($"\n== {title} ==");
}
