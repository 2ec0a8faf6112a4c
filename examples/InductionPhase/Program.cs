// A model of two layers of attention learns texts that repeat. Heads that look behind the last token like this one appear all at once, and
// with them the model learns from what stands before (Olsson et al. 2022).
// dotnet run -c Release --project examples/InductionPhase -- [STEPS [SEED]]
using System.Diagnostics;
using System.Globalization;
using Interventions;
using Interventions.Circuits;
using Interventions.Examples.Phases;
using Interventions.Features;
using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
set_num_threads(1); // the order of sums, and so the result, must not depend on how many cores there are
int steps = int.Parse(args.ElementAtOrDefault(0) ?? "400"), seed = int.Parse(args.ElementAtOrDefault(1) ?? "1");
using DecoderModel model = DecoderModel.Random(PhaseStudy.Config, seed);
PhaseStudy study = PhaseStudy.Of(model, steps, seed, Console.Error.WriteLine);
Console.WriteLine(study);
Console.WriteLine(study.Knockouts(model));

namespace Interventions.Examples.Phases
{
    /// <summary>What a checkpoint does.</summary>
    /// <param name="Step">After how many steps.</param>
    /// <param name="InContext">The loss of the second time less that of the first.</param>
    /// <param name="Loss">The loss of the second time.</param>
    /// <param name="Attention">Where heads look.</param>
    public sealed record Checkpoint(int Step, double InContext, double Loss, HeadScores Attention)
    {
        /// <summary>The head that does something most.</summary>
        public Component Best(string kind) => Attention.Ranked(kind)[0];

        /// <summary>The largest score of a kind.</summary>
        public double Most(string kind) => Attention[kind, Best(kind).Layer, Best(kind).Head];
    }

    /// <summary>A training, and its checkpoints.</summary>
    public sealed record PhaseStudy(IReadOnlyList<Checkpoint> Checkpoints)
    {
        private const int Tokens = 64, Length = 40, Batch = 64, Half = 16;

        /// <summary>Attention alone; positions turn queries and keys, and are nowhere in the residual stream.</summary>
        public static DecoderConfig Config { get; } =
            AttentionOnlyModel.Configure(2, heads: 4, d_model: 64, Tokens + 1, contextLength: Length + 1, norms: true) with
            {
                Rotary = new RotaryConfig(Theta: 100),
            };

        /// <summary>Trains a model on new texts at every step, and looks at it some 20 times.</summary>
        public static PhaseStudy Of(DecoderModel model, int steps, int seed, Action<string> tell)
        {
            Random random = new(seed);
            Parameter[] weights = [.. model.Weights.Values.Select(weight => new Parameter(weight.alias()))];
            using var optimizer = optim.AdamW(weights, lr: 2e-3, weight_decay: 0.01);
            RepeatedTokens repeated = RepeatedTokens.Sample(model, 32, seed, Half, first: Tokens);
            List<Checkpoint> seen = [];
            for (int step = 0; step <= steps; step++)
            {
                if (step % Math.Max(1, steps / 20) == 0)
                    seen.Add(Look(model, repeated, step));
                using DisposeScope scope = NewDisposeScope();
                Tensor texts = Texts(random);
                optimizer.zero_grad();
                Tensor logits = GraphEvaluator.Evaluate(model.Graph, texts.narrow(1, 0, Length), ["logits"])["logits"];
                Tensor loss = nn.functional.cross_entropy(logits.flatten(0, 1), texts.narrow(1, 1, Length).flatten());
                loss.backward();
                using (Finalizers.Pause()) // no number of the step is freed under it
                    optimizer.step();
                if (step % 100 == 0)
                    tell($"step {step}: loss {loss.item<float>():0.000}");
            }
            Array.ForEach(weights, weight => weight.requires_grad_(false));
            return new PhaseStudy(seen);
        }

        /// <summary>The loss of the second time without heads that do something, by their attention at the end.</summary>
        public string Knockouts(DecoderModel model)
        {
            HeadScores attention = Checkpoints[^1].Attention;
            Component[] all = [.. attention.Ranked(AttentionScores.Induction)];
            Component[] Do(string kind) => [.. all.Where(head => attention[kind, head.Layer, head.Head] > 0.3)];
            RepeatedTokens repeated = RepeatedTokens.Sample(model, 32, seed: 9, Half, first: Tokens);
            (string Name, Component[] Heads)[] kinds =
            [
                ("nothing", []), ("previous", Do(AttentionScores.Previous)), ("induction", Do(AttentionScores.Induction)),
                ("the others", [.. all.Except(Do(AttentionScores.Previous)).Except(Do(AttentionScores.Induction))]),
            ];
            return "without     heads             loss of the second time\n" + string.Concat(kinds.Select(kind =>
            {
                using Tensor losses = Losses(kind.Heads.Aggregate(Intervention.On(model), (on, head) =>
                    on.Zero($"blocks.{head.Layer}.attn.z[head={head.Head}]")), repeated);
                string heads = string.Join(' ', kind.Heads.Select(head => $"{head.Layer}.{head.Head}"));
                return $"{kind.Name,-10}  {heads,-16}  {Again(losses),23:0.00}\n";
            }));
        }

        /// <inheritdoc/>
        public override string ToString() =>
            "   step  in-context    loss  induction  head   previous  head\n" + string.Concat(Checkpoints.Select(at =>
                $"{at.Step,7}  {at.InContext,10:0.00}  {at.Loss,6:0.00}  {Kind(at, AttentionScores.Induction)}  "
                + $"{Kind(at, AttentionScores.Previous)}\n"));

        private static string Kind(Checkpoint at, string kind) =>
            $"{at.Most(kind),9:0.00}  {$"{at.Best(kind).Layer}.{at.Best(kind).Head}",4}";

        private static Checkpoint Look(DecoderModel model, RepeatedTokens repeated, int step)
        {
            using IDisposable mode = no_grad();
            using Tensor losses = Losses(Intervention.On(model), repeated);
            return new Checkpoint(
                step, InContextLearning.Score(losses, ..Half, (Half + 1)..), Again(losses),
                AttentionScores.OnRepeatedTokens(model, repeated));
        }

        /// <summary>The loss of every token behind the first, <c>[text, position]</c>: of both times of the tokens that repeat.</summary>
        private static Tensor Losses(Intervention on, RepeatedTokens repeated)
        {
            using DisposeScope scope = NewDisposeScope();
            using RunResult run = on.Capture("Logits", "logits[pos=..-2]").Run(repeated);
            Tensor logits = run["Logits"].Values;
            Tensor next = tensor(repeated.Prompts.SelectMany(prompt => prompt.Runs[0].Ids.Skip(1)).ToArray());
            return Metrics.Loss(logits.flatten(0, 1), next).reshape(repeated.Prompts.Count, -1).MoveToOuterDisposeScope();
        }

        /// <summary>The loss of the second time; that it begins, nobody can know.</summary>
        private static double Again(Tensor losses) => losses.narrow(1, Half + 1, Half - 1).mean().item<float>();

        /// <summary>Blocks of 8 to 20 different tokens, over and over, and a token in front, <c>[text, position]</c>.</summary>
        private static Tensor Texts(Random random)
        {
            long[] tokens = [.. Enumerable.Range(0, Tokens)];
            return tensor(Enumerable.Range(0, Batch).SelectMany(_ =>
            {
                random.Shuffle(tokens);
                int period = random.Next(8, 21);
                return Enumerable.Range(0, Length).Select(i => tokens[i % period]).Prepend(Tokens).ToArray();
            }).ToArray()).reshape(Batch, -1);
        }
    }
}
