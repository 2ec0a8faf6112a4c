// A look around in a small language model, without declaring anything: which head brings the name, and where does the model know it?
// dotnet run --project examples/Explore -- [FOLDER]
using System.Globalization;
using Interventions;
using Interventions.Examples.Explore;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using DecoderModel model = DecoderModel.Load(args.FirstOrDefault() ?? Path.Combine(AppContext.BaseDirectory, "model"));
Findings found = Exploration.Of(model);

Console.WriteLine($"{Exploration.Clean} ...{found.Answer}\n\nRead off the residual at the end, after each layer:");
for (int layer = 0; layer < found.Lens.Count; layer++)
    Console.WriteLine($"  layer {layer}: {found.Lens[layer]}");
Console.WriteLine($"""

    Logit difference Mary - Tom: {found.Difference:0.0}; in a sentence about other people: {found.CorruptedDifference:0.0}
    head   with its output from there   estimated from a gradient
    """);
foreach (((int Layer, int Head) head, double patched) in found.Patched.OrderBy(pair => pair.Value).Take(5))
    Console.WriteLine($"{head.Layer}.{head.Head}    {patched,26:0.0}   {found.Difference + found.Estimated[head],25:0.0}");

namespace Interventions.Examples.Explore
{
    /// <summary>What was found.</summary>
    /// <param name="Answer">What the model says next.</param>
    /// <param name="Lens">The token that each layer's residual points at, at the last position.</param>
    /// <param name="Difference">The logit difference between the right name and the wrong one.</param>
    /// <param name="CorruptedDifference">The same on the sentence about other people.</param>
    /// <param name="Patched">The same with one head's output at the last position from there, by layer and head.</param>
    /// <param name="Estimated">A first-order estimate of each change, from one backward pass.</param>
    public sealed record Findings(
        string Answer, IReadOnlyList<string> Lens, double Difference, double CorruptedDifference,
        IReadOnlyDictionary<(int Layer, int Head), double> Patched, IReadOnlyDictionary<(int Layer, int Head), double> Estimated);

    /// <summary>The exploration: four loops over a forward pass.</summary>
    public static class Exploration
    {
        /// <summary>The sentence.</summary>
        public const string Clean = "When Mary and Tom went to the store, Tom gave a drink to";

        /// <summary>The same about three other people.</summary>
        public const string Corrupted = "When Anna and Paul went to the store, Ruth gave a drink to";

        private const string Z = "blocks.*.attn.z";

        /// <summary>Looks, patches and differentiates.</summary>
        public static Findings Of(DecoderModel model)
        {
            using DisposeScope scope = NewDisposeScope();
            long mary = model.Tokenizer.Encode(" Mary", addSpecialTokens: false).Ids[0];
            long tom = model.Tokenizer.Encode(" Tom", addSpecialTokens: false).Ids[0];
            Tensor Difference(Tensor logits) => logits[0, -1, mary] - logits[0, -1, tom];

            // Look: what would come out if the pass stopped here?
            List<string> lens = [];
            foreach (TracedSite site in model.Trace(Clean, "blocks.*.resid_post"))
                lens.Add(Best(model, site.Value[0, -1].matmul(model.Weights["embed.weight"].t())));

            // Keep, and differentiate afterwards.
            using ModelTrace clean = model.Trace(Clean, Z, "logits"), corrupted = model.Trace(Corrupted, Z, "logits");
            foreach (TracedSite site in corrupted)
                site.Keep();
            foreach (TracedSite site in clean)
            {
                site.Keep();
                site.KeepGradient();
            }
            Tensor metric = Difference(clean["logits"]);
            Tensor estimate = (clean.Gradient(metric, Z) * (corrupted[Z] - clean[Z])).detach().select(2, -1).sum([1L, 3L]); // [layer, head]

            // Change: one head at a time, as the other sentence has it.
            Dictionary<(int, int), double> patched = [], estimated = [];
            foreach (int layer in Enumerable.Range(0, model.Config.Layers))
                foreach (int head in Enumerable.Range(0, model.Config.Heads))
                {
                    patched[(layer, head)] = Patch(layer, head);
                    estimated[(layer, head)] = estimate[layer, head].ToDouble();
                }
            return new Findings(
                Best(model, clean["logits"].detach()[0, -1]), lens, metric.ToDouble(), Difference(corrupted["logits"]).ToDouble(), patched,
                estimated);

            double Patch(int layer, int head)
            {
                double difference = double.NaN;
                foreach (TracedSite site in model.Trace(Clean, $"blocks.{layer}.attn.z", "logits"))
                    if (site.Layer == layer)
                        site.Value[0, -1, head] = corrupted[site.Name][0, -1, head];
                    else
                        difference = Difference(site.Value).ToDouble();
                return difference;
            }
        }

        private static string Best(DecoderModel model, Tensor logits) => model.Decode([logits.argmax().item<long>()])!;
    }
}
