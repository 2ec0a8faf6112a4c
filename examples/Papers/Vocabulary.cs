using Interventions.Models;

namespace Interventions.Examples.Papers;

/// <summary>The repository's model: four layers of four heads, trained on a small language.</summary>
[ModelSchema]
[Axis("layer", 4), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24), Axis("d_model", 96), Axis("neuron", 384), Axis("vocab", 347)]
public sealed partial class NamesModel : Gpt2Model;

/// <summary>Sentences about an indirect object: who gets something (IO), from whom (S).</summary>
[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IoiPrompts : PromptSet
{
    /// <summary>Prompts that training never saw. The corrupted ones are about three other people.</summary>
    public static IoiPrompts OthersIn(NamesModel model, int count, int seed) => Of(model, count, seed, (prompt, random) =>
    {
        string[] others = [.. Sentences.Names.Except([prompt.IO, prompt.S])];
        random.Shuffle(others);
        return prompt.Marked(others[0], others[1], others[2]);
    });

    /// <summary>
    /// Prompts about the same two people, one of whom gives something to the other. In the corrupted ones the other one gives.
    /// </summary>
    public static IoiPrompts OfTwo(NamesModel model, string one, string other, int count, int seed) => Of(
        model, count, seed, (prompt, _) => prompt.Marked(prompt.A, prompt.B, prompt.IO),
        (prompt, random) => random.Next(2) == 0 ? prompt with { IO = one, S = other } : prompt with { IO = other, S = one });

    /// <summary>Prompts in which one given person gets something from another.</summary>
    public static IoiPrompts About(NamesModel model, string io, string s, int count, int seed) =>
        Of(model, count, seed, (prompt, _) => prompt.Marked(prompt.A, prompt.B, prompt.IO), (prompt, _) => prompt with { IO = io, S = s });

    private static IoiPrompts Of(
        NamesModel model, int count, int seed, Func<Sentences.Prompt, Random, string> corrupt, Func<Sentences.Prompt, Random,
        Sentences.Prompt>? change = null)
    {
        Random random = new(seed);
        return Create(model.Tokenizer, Enumerable.Range(0, count).Select(_ =>
        {
            Sentences.Prompt clean = Sentences.RandomHeldOut(random);
            clean = change?.Invoke(clean, random) ?? clean;
            return new Prompt
            {
                Clean = clean.Marked(clean.A, clean.B, clean.S),
                Corrupted = corrupt(clean, random),
                IO = " " + clean.IO,
                S = " " + clean.S,
            };
        }));
    }
}
