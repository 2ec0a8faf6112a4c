using Interventions.Models;
using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>The repository's model: four layers of four heads, trained on a small language.</summary>
[ModelSchema]
[Axis("layer", 4), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24), Axis("d_model", 96), Axis("neuron", 384), Axis("vocab", 347)]
public sealed partial class NamesModel : Gpt2Model;

/// <summary>Sentences about an indirect object: who gets something (IO), from whom (S).</summary>
[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IoiPrompts : PromptSet
{
    /// <summary>Sentences of which the corrupted version is about three other people.</summary>
    public static IoiPrompts Random(DecoderModel model, int count, int seed) => Of(model, count, seed, names => names);

    /// <summary>Sentences in which one given person gets something from another.</summary>
    public static IoiPrompts About(DecoderModel model, string io, string s, int count, int seed) =>
        Of(model, count, seed, names => [io, s, .. names.Except([io, s])]);

    /// <summary>The logit of IO less that of S: [..., batch] of logits [..., batch, vocab].</summary>
    public Tensor Difference(Tensor logits)
    {
        Tensor ids = tensor(Prompts.SelectMany(prompt => prompt.Answers).Select(id => (long)id).ToArray()).view(-1, 2);
        long[] shape = [.. logits.shape[..^1], 2];
        Tensor two = logits.gather(-1, ids.expand(shape));
        return two.select(-1, 0) - two.select(-1, 1);
    }

    /// <summary>Names are those that are one token of the model.</summary>
    private static IoiPrompts Of(DecoderModel model, int count, int seed, Func<string[], string[]> choose)
    {
        Random random = new(seed);
        string[] names = [.. Sentences.Names.Where(name => model.Encode(" " + name) is { Count: 1 })];
        return Create(model.Tokenizer, Enumerable.Range(0, count).Select(_ =>
        {
            random.Shuffle(names);
            string[] chosen = choose(names);
            Sentences.Prompt one = Sentences.RandomHeldOut(random) with { IO = chosen[0], S = chosen[1] };
            return new Prompt
            {
                Clean = one.Marked(one.A, one.B, one.S),
                Corrupted = one.Marked(chosen[2], chosen[3], chosen[4]),
                IO = " " + one.IO,
                S = " " + one.S,
            };
        }));
    }
}

/// <summary>The metric of the tasks: how much rather the model names the indirect object than the subject.</summary>
/// <typeparam name="TModel">The model.</typeparam>
[Intervention(Prompts = typeof(IoiPrompts))]
public abstract partial class NameTask<TModel>
    where TModel : DecoderModel
{
    /// <summary>The difference of both names' logits: [batch].</summary>
    [Metric]
    public static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
