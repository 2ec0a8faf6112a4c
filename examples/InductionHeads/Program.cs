// Which heads look at what came after this token the last time, what are they made of, and what is lost without them?
// dotnet run --project examples/InductionHeads -- [FOLDER [PROMPTS]]
using System.Globalization;
using Interventions;
using Interventions.Circuits;
using Interventions.Examples.InductionHeads;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using DecoderModel model = DecoderModel.Load(args.ElementAtOrDefault(0) ?? Path.Combine(AppContext.BaseDirectory, "model"));
int count = args.ElementAtOrDefault(1) is { } text ? int.Parse(text) : 16;
Console.Write(InductionStudy.Of(model, count));

namespace Interventions.Examples.InductionHeads
{
    /// <summary>What was found.</summary>
    /// <param name="Repeated">Random tokens, twice.</param>
    /// <param name="Attention">How much heads look at the token before, at an earlier one like this, and behind that.</param>
    /// <param name="Composition">How much heads read what earlier ones write.</param>
    /// <param name="Copying">Whether heads write what they read.</param>
    /// <param name="Losses">
    /// The loss of the repeated tokens, in nats: as it is, and without the heads that look behind an earlier token most, one more at a
    /// time.
    /// </param>
    public sealed record InductionStudy(
        RepeatedTokens Repeated, HeadScores Attention, CompositionScores Composition, HeadScores Copying, IReadOnlyList<double> Losses)
    {
        private const int Heads = 4;

        /// <summary>The heads with the largest induction scores, the largest first.</summary>
        public IReadOnlyList<Component> Best => [.. Attention.Ranked(AttentionScores.Induction).Take(Heads)];

        /// <summary>Scores all heads, and knocks out the best ones.</summary>
        public static InductionStudy Of(DecoderModel model, int count)
        {
            RepeatedTokens repeated = RepeatedTokens.Sample(model, count);
            InductionStudy study = new(
                repeated, AttentionScores.OnRepeatedTokens(model, repeated), HeadWeights.Composition(model),
                HeadWeights.CopyingScores(model), [])
            {
                Vocabulary = model.VocabularySize,
            };
            Component[] heads = [.. study.Best];
            return study with
            {
                Losses = [.. Enumerable.Range(0, heads.Length + 1).Select(without => Loss(model, repeated, heads[..without]))],
            };
        }

        /// <summary>The mean loss of the second half's tokens, all but the first one, without some heads.</summary>
        private static double Loss(DecoderModel model, RepeatedTokens repeated, Component[] without)
        {
            Intervention knockout = Intervention.On(model).Capture("Logits", $"logits[pos={repeated.Front + repeated.Half}..-2]");
            foreach (Component head in without)
                knockout = knockout.Zero($"blocks.{head.Layer}.attn.z[head={head.Head}]");
            using var scope = NewDisposeScope();
            using RunResult run = knockout.Run(repeated);
            Tensor next = tensor(repeated.Prompts.SelectMany(prompt => prompt.Runs[0].Ids.TakeLast(repeated.Half - 1)).ToArray());
            return Metrics.Loss(run["Logits"].Values.flatten(0, 1), next).mean().ToDouble();
        }

        /// <summary>Tables of heads and pairs, and the losses.</summary>
        public override string ToString()
        {
            string losses = string.Join('\n', Losses.Select((loss, count) =>
                $"{(count == 0 ? "all heads" : $"without {Name(Best[count - 1])}{(count == 1 ? "" : " too")}"),-18} {loss,6:0.00}"));
            Component best = Best[0];
            string reads = string.Join('\n', Composition.Ranked(PortInput.Key).Where(pair => pair.Later == best).Take(3)
                .Select(pair => $"{Name(pair.Earlier),-18} {pair.Score,6:0.000}").DefaultIfEmpty("none is before it"));
            return $"""
                {Repeated.Prompts.Count} times {Repeated.Half} random tokens, twice: where heads look in the second half
                {Attention}
                What {Name(best)}, which looks most behind the earlier token, may read with its keys of
                earlier heads (K-composition; an induction head reads a previous-token head):
                {reads}

                Whether heads write what they read, by the eigenvalues of their weights:
                {Copying}
                Loss of the repeated tokens (a guess among all would have {Math.Log(Vocabulary):0.00}):
                {losses}
                """ + "\n";

            static string Name(Component head) => $"{head.Layer}.{head.Head}";
        }

        /// <summary>How many tokens the model knows.</summary>
        public required int Vocabulary { get; init; }
    }
}
