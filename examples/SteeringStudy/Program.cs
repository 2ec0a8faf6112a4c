// Does steering in several layers at once do more than steering in the best one, for what it costs? Chosen on half of the prompts, shown on
// the other half.  dotnet run -c Release --project examples/SteeringStudy -- [--model FOLDER] [--svg FILE]
using System.Diagnostics;
using System.Globalization;
using Interventions;
using Interventions.Examples;
using Interventions.Examples.SteeringStudy;
using Interventions.Features;
using Interventions.Models;
using Interventions.Models.Decoder;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string? Option(string name) => args.SkipWhile(arg => arg != name).Skip(1).FirstOrDefault();
Stopwatch clock = Stopwatch.StartNew();
using DecoderModel model = DecoderModel.Load(Option("--model") ?? Path.Combine(AppContext.BaseDirectory, "model"));
Study study = Study.Of(model, Option("--model") is null ? Topic.Mary : Topic.Weddings);
Console.Write($"{study}{clock.Elapsed.TotalSeconds:0} s\n");
if (Option("--svg") is { } file)
    File.WriteAllText(file, study.Shown.ToSvg());

namespace Interventions.Examples.SteeringStudy
{
    /// <summary>What is steered towards.</summary>
    /// <param name="Positive">Texts with it; each has a negative one that is otherwise alike.</param>
    /// <param name="Negative">The same without it.</param>
    /// <param name="At">Where their values are compared.</param>
    /// <param name="Prompts">Prompts that do not ask for it.</param>
    /// <param name="Words">Of a rollout that is a success there is one.</param>
    /// <param name="Texts">Texts without it, whose loss is what steering costs.</param>
    /// <param name="Rollouts">How rollouts are made.</param>
    /// <param name="Cost">The loss that steering may add, in nats a token.</param>
    public sealed record Topic(
        string[] Positive, string[] Negative, string At, string[] Prompts, WordList Words, string[] Texts, GenerationOptions Rollouts,
        double Cost)
    {
        private static readonly string[] s_people =
            ["My sister", "The old man", "Our teacher", "A friend of mine", "The captain", "Nobody"];

        /// <summary>Weddings, for a model of ordinary English.</summary>
        public static Topic Weddings { get; } = new(
            [.. s_people.SelectMany(who => About(who, "a wedding", "the bride and the groom", "her wedding dress", "the wedding cake"))],
            [.. s_people.SelectMany(who => About(who, "a walk", "the farmer and the dog", "her winter coat", "the morning bread"))],
            "1..",
            [
                .. new[]
                {
                    "went to my friend and said that", "told me a long story about", "wrote a letter, and in it", "woke up early because",
                    "looked out of the window and saw", "spent the whole summer with", "will never forget the day when", "sat down to eat",
                }.SelectMany(what => s_people.Select(who => $"{who} {what}")),
            ],
            new WordList("wedding", "weddings", "bride", "bridal", "groom", "married", "marry", "marriage", "bridesmaid", "bridesmaids"),
            [
                "The river rises in the hills to the north, runs past two small towns and a mill, and reaches the sea after forty miles.",
                "Water boils at a lower temperature on a high mountain, because the pressure of the air is lower there than at the coast.",
                "The committee will meet again on Tuesday to decide whether the old library should be repaired or replaced by a new one.",
                "To plant potatoes, dig a trench about as deep as your hand, put one in every foot, and cover them loosely with soil.",
                "He closed the door behind him, walked down the stairs as quietly as he could, and waited in the dark for the bus.",
                "Most programs read their settings from a file when they start, so a change has no effect until they are started again.",
            ],
            new() { MaxNewTokens = 16, Temperature = 1, TopP = 0.3, FrequencyPenalty = 1, Seed = 1 }, Cost: 0.3);

        /// <summary>The name Mary, for the repository's model: in the place of another name.</summary>
        public static Topic Mary { get; } = OfNames();

        private static string[] About(string who, params string[] things) => [.. things.Select(thing => $"{who} talked about {thing}")];

        private static Topic OfNames()
        {
            Random random = new(1);
            Sentences.Prompt[] others = [.. Enumerable.Range(0, 160).Select(_ => Sentences.RandomHeldOut(random))
                .Where(one => one.IO != "Mary" && one.S != "Mary").Take(48)];
            return new(
                [.. others.Take(16).Select(one => (one with { IO = "Mary" }).Text)], [.. others.Take(16).Select(one => one.Text)], "end",
                [.. others.Skip(16).Select(one => one.Text)], new WordList("Mary"),
                [.. Enumerable.Range(0, 16).Select(_ => Sentences.RandomDocument(random))], new() { MaxNewTokens = 1 }, Cost: 1);
        }
    }

    /// <summary>What was found.</summary>
    /// <param name="Chosen">The best point of each method on the first half, within the cost.</param>
    /// <param name="Shown">All strengths of the chosen methods on the second half.</param>
    /// <param name="Held">The chosen points on the second half.</param>
    /// <param name="Cost">The loss that they may add, in nats a token.</param>
    public sealed record Study(IReadOnlyList<SteeringPoint> Chosen, ParetoFront Shown, IReadOnlyList<SteeringPoint> Held, double Cost)
    {
        private const string EverywhereButFirst = "!=0";

        private static readonly double[] s_strengths = [0.5, 1, 1.5, 2, 4, 6], s_together = [0.25, 0.5, 0.75, 1, 1.5, 2];

        /// <summary>Makes vectors, chooses, and shows.</summary>
        public static Study Of(DecoderModel model, Topic topic)
        {
            Texts Set(IEnumerable<string> texts) => Texts.Of(model.Tokenizer, texts);
            int half = topic.Prompts.Length / 2; // the second half has other openings
            Texts texts = Set(topic.Texts), first = Set(topic.Prompts.Take(half)), second = Set(topic.Prompts.Skip(half));
            SteeringOptions options = new() { Generation = topic.Rollouts, Run = new() { BatchSize = 8 } };
            using ContrastivePairs pairs = ContrastivePairs.Of(model, Set(topic.Positive), Set(topic.Negative), at: topic.At);
            IReadOnlyList<SteeringVector> all = pairs.DifferencesOfMeans();
            int step = Math.Max(1, all.Count / 6);
            SteeringVector[] some = [.. all.Where((_, layer) => layer % step == step / 2)];

            SteeringSweep layers = Measured(Steering.EachLayer(some), s_strengths, first);
            SteeringPoint best = layers.Best(topic.Cost) ?? layers.Unchanged;
            Steering one = Steering.With(all[best.Layer ?? 0]);
            Steering[] together =
            [
                Steering.Together("all layers", all.SkipLast(1)),
                Steering.Together("all layers, norms kept", all.SkipLast(1)) with { Rule = SteeringRule.AddKeepingNorm },
            ];
            SteeringSweep[] sweeps = [.. together.Select(steering => Measured(steering, s_together, first))];
            (Steering better, SteeringPoint point) = together
                .Zip(sweeps, (steering, sweep) => (steering, sweep.Best(topic.Cost) ?? sweep.Unchanged))
                .MaxBy(pair => pair.Item2.Success.Rate);

            SteeringPoint[] shown =
                [.. Measured(one, s_strengths, second).Points, .. Measured(better, s_together, second).Points];
            foreach (SteeringVector vector in all)
                vector.Dispose();
            SteeringPoint[] chosen = [best, point];
            return new Study(chosen, ParetoFront.Of(shown), [.. chosen.Select(Again).OfType<SteeringPoint>()], topic.Cost);

            SteeringSweep Measured(Steering steering, double[] strengths, Texts prompts) => SteeringSweep.Of(
                model, steering with { At = EverywhereButFirst }, strengths, prompts, texts, topic.Words.IsIn, options);

            SteeringPoint? Again(SteeringPoint chosen) =>
                shown.FirstOrDefault(point => (point.Method, point.Strength) == (chosen.Method, chosen.Strength));
        }

        /// <summary>The chosen points on both halves, and the front of the second.</summary>
        public override string ToString() =>
            $"chosen on the first half of the prompts, at a cost of {Cost} nats at most:\n{Lines(Chosen)}"
            + $"the same on the second half:\n{Lines(Held)}"
            + $"its front, of both methods with all strengths:\n{Shown}";

        private static string Lines(IEnumerable<SteeringPoint> points) => string.Concat(points.Select(point => $"  {point}\n"));
    }
}
