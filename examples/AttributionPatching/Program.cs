// What would patching every query, key, value and head do, position by position? Two gradients guess it, and patching says it.
// dotnet run --project examples/AttributionPatching -- [FOLDER]
using System.Globalization;
using Interventions;
using Interventions.Circuits;
using Interventions.Examples.AttributionPatching;
using Interventions.Models;
using Interventions.Models.Decoder;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using DecoderModel model = DecoderModel.Load(args.FirstOrDefault() ?? Path.Combine(AppContext.BaseDirectory, "model"));
Console.WriteLine(Comparison.Of(model, prompts: 24));

namespace Interventions.Examples.AttributionPatching
{
    /// <summary>Sentences of one family, token by token alike: who gets something (IO), from whom (S).</summary>
    [PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
    public sealed partial class IoiPrompts : PromptSet
    {
        /// <summary>Prompts that training never saw. The corrupted ones are about three other people.</summary>
        public static IoiPrompts Random(DecoderModel model, int count, int seed)
        {
            Random random = new(seed);
            return Create(model.Tokenizer, Enumerable.Range(0, count).Select(_ =>
            {
                Sentences.Prompt clean = Sentences.RandomHeldOut(random);
                while (clean is not { Family: 0, ActorFirst: false })
                    clean = Sentences.RandomHeldOut(random);
                string[] others = [.. Sentences.Names.Except([clean.IO, clean.S])];
                random.Shuffle(others);
                return new Prompt
                {
                    Clean = clean.Marked(clean.A, clean.B, clean.S),
                    Corrupted = clean.Marked(others[0], others[1], others[2]),
                    IO = " " + clean.IO,
                    S = " " + clean.S,
                };
            }));
        }
    }

    /// <summary>How estimates of all nodes compare with patching each of them.</summary>
    /// <param name="Plain">Attribution patching.</param>
    /// <param name="Mended">The same with the softmax computed.</param>
    /// <param name="Star">AtP*, in which blocks are dropped too: it ranks nodes, and is no estimate of their effects any more.</param>
    /// <param name="Exact">Patching, kind by kind.</param>
    /// <param name="Rest">Whether AtP*'s best ranks have missed anything.</param>
    public sealed record Comparison(
        NodeAttributions Plain, NodeAttributions Mended, NodeAttributions Star, IReadOnlyList<NodeScores> Exact, SubsetDiagnostic Rest)
    {
        /// <summary>How many nodes are verified by patching.</summary>
        public const int Verified = 40;

        private static readonly NodeKind[] s_kinds = [NodeKind.Query, NodeKind.Key, NodeKind.Value, NodeKind.Z];

        /// <summary>Estimates and patches.</summary>
        public static Comparison Of(DecoderModel model, int prompts)
        {
            IoiPrompts pairs = IoiPrompts.Random(model, prompts, seed: 1);
            InterventionGraph metric = Intervention.On(model).LogitDifference("IO", "S").Graph;
            NodeAttributions star = Estimate(AttributionFixes.All);
            return new Comparison(
                Estimate(AttributionFixes.None), Estimate(AttributionFixes.Attention), star,
                [
                    .. s_kinds.Select(kind => ActivationPatching.Of(
                        model, pairs, metric, new(kind) { Unit = PatchUnit.Position }, PatchDirection.Noising)),
                ],
                SubsetDiagnostic.Of(model, pairs, metric, star, Verified, new() { Samples = 256 }));

            NodeAttributions Estimate(AttributionFixes fixes) => NodeAttribution.Of(model, pairs, metric, fixes, s_kinds);
        }

        /// <summary>The nodes that matter most, by patching.</summary>
        public IEnumerable<NodeScore> Best =>
            Exact.SelectMany(scores => scores.Top(Verified)).OrderByDescending(node => node.Magnitude).Take(Verified);

        /// <summary>Of the nodes that matter most, the part that an estimate ranks as high.</summary>
        public double Found(NodeAttributions estimate) =>
            estimate.Top(Verified).Select(Named).Intersect(Best.Select(Named)).Count() / (double)Verified;

        /// <summary>The mean difference between an estimate and patching, over nodes and prompts, as a part of the mean effect.</summary>
        public double Error(NodeAttributions estimate, NodeKind kind)
        {
            NodeScores exact = Exact.Single(scores => scores.Kind == kind);
            IEnumerable<double> errors = Enumerable.Range(0, exact.PromptCount).SelectMany(prompt =>
                exact.OfPrompt(prompt).Zip(estimate[kind].OfPrompt(prompt), (effect, guess) => Math.Abs(effect - guess)));
            return errors.Sum() / exact.Magnitudes.Sum() / exact.PromptCount;
        }

        /// <summary>Tables of at most 80 columns.</summary>
        public override string ToString()
        {
            IEnumerable<string> errors = s_kinds.Select(kind => $"{kind,-32}{Error(Plain, kind),8:P0}{Error(Mended, kind),12:P0}");
            Dictionary<(NodeKind?, string), double>[] guesses = [.. new[] { Plain, Mended, Star }.Select(Guesses)];
            IEnumerable<string> nodes = Best.Take(10).Select(node => $"{node.Kind,-8}{node.Place,-24}{node.Magnitude,8:0.00}"
                + $"{guesses[0][Named(node)],8:0.00}{guesses[1][Named(node)],12:0.00}{guesses[2][Named(node)],8:0.00}");
            return $"""
                {Exact[0].PromptCount} sentences; IO - S {Exact[0].Clean.Average():0.0}, with others' names {Exact[0].Corrupted.Average():0.0}

                mean error, as a part of effects     AtP    computed
                {string.Join('\n', errors)}

                of the {Verified} nodes that change most, found: {Found(Plain):P0} by AtP, {Found(Star):P0} by AtP*

                what changes most                patched     AtP    computed    AtP*
                {string.Join('\n', nodes)}

                {Rest}
                """;
        }

        private static (NodeKind?, string) Named(NodeScore node) => (node.Kind, node.Place);

        private static Dictionary<(NodeKind?, string), double> Guesses(NodeAttributions estimate) =>
            estimate.Top(int.MaxValue).ToDictionary(Named, node => node.Magnitude);
    }
}
