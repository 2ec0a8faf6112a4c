// Which heads name the indirect object directly, and who makes up for them when they are gone?
// dotnet run --project examples/SelfRepair -- [FOLDER [PROMPTS]]
using System.Globalization;
using Interventions.Circuits;
using Interventions.Examples.SelfRepair;
using Interventions.Models;
using Interventions.Models.Decoder;
using Repair = Interventions.Circuits.SelfRepair;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using DecoderModel model = DecoderModel.Load(args.ElementAtOrDefault(0) ?? Path.Combine(AppContext.BaseDirectory, "model"));
int count = args.ElementAtOrDefault(1) is { } text ? int.Parse(text) : 32;
Console.Write(RepairStudy.Of(model, count));

namespace Interventions.Examples.SelfRepair
{
    /// <summary>What was found.</summary>
    /// <param name="Prompts">The prompts.</param>
    /// <param name="Terms">What each component writes towards the name.</param>
    /// <param name="Scores">Direct and total effects of knocking out each head.</param>
    /// <param name="Head">The head that writes most towards the name.</param>
    /// <param name="Responses">Who writes otherwise without it.</param>
    public sealed record RepairStudy(IoiTask Prompts, LogitTerms Terms, HeadScores Scores, Component Head, LogitTerms Responses)
    {
        private const string Sentence = "When {IO} and {S1} went to the {place}, {S2} gave a {object} to";

        private static readonly CircuitOptions s_fromOthers = new(); // a knocked-out head writes what it does in the other sentence

        /// <summary>Attributes the logit difference, and knocks out one head at a time at the last token.</summary>
        public static RepairStudy Of(DecoderModel model, int count)
        {
            IoiTask prompts = IoiTask.Sample(model.Tokenizer, count, seed: 1, new() { Templates = [Sentence] });
            LogitTerms terms = DirectAttribution.Of(model, prompts, ("IO", "S"));
            HeadScores scores = Repair.Of(model, prompts, ("IO", "S"), options: s_fromOthers);
            Component head = scores.Ranked(Repair.Direct)
                .First(one => scores[Repair.Direct, one.Layer, one.Head] < 0);
            LogitTerms responses = Repair.Responses(model, prompts, ("IO", "S"), head, options: s_fromOthers);
            return new RepairStudy(prompts, terms, scores, head, responses);
        }

        /// <summary>Three tables.</summary>
        public override string ToString()
        {
            (double direct, double total) = (Score(Repair.Direct), Score(Repair.Total));
            return $"""
                {Prompts.Prompts.Count} sentences about an indirect object (IO) and a subject (S).
                What components write at the last token, as the logit difference:
                {Terms}
                One head at a time writes what it does in a sentence about other people. Its
                own logits would change by `direct`, with a new norm scale by `rescaled`; the
                model's change by `total`. The difference is what others add, `repair`.
                {Scores}
                Without {Head} the difference would change by {direct:0.00}, and changes by {total:0.00}:
                {(total > direct ? "later components make up for a part of it" : "later components build on it")}. What changes in each of them:
                {Responses}
                """ + "\n";

            double Score(string kind) => Scores[kind, Head.Layer, Head.Head];
        }
    }
}
