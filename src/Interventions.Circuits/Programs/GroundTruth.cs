using TorchSharp;

namespace Interventions.Circuits;

/// <summary>
/// Programs with circuits that are known, compiled, to try methods on that look for circuits: "does it find what is there?" Each has a head
/// or two besides that do something else.
/// </summary>
public static class GroundTruth
{
    private const string Start = "<s>", Yes = "yes", No = "no";

    private static readonly string[] s_names = ["Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus", "Hal"];

    /// <summary>
    /// What came after the token when it was there before: a head that copies the previous token, and one that looks for its own among the
    /// copies. The corrupted prompt has other tokens, of which none returns.
    /// </summary>
    /// <param name="prompts">How many prompts.</param>
    /// <param name="seed">Equal seeds give equal prompts.</param>
    /// <param name="strength">See <see cref="AttentionProgram.Compile"/>.</param>
    /// <param name="dtype">The type of the model's numbers. Default: float32.</param>
    public static CompiledProgram Induction(int prompts = 16, int seed = 1, double strength = 10, torch.ScalarType? dtype = null)
    {
        string[] letters = [.. "abcdefghijklmnop".Select(letter => $"{letter}")];
        AttentionProgram program = new("induction", letters, length: 8);
        (ProgramVariable<string> tokens, ProgramVariable<int> positions) = (program.Tokens, program.Positions);
        ProgramVariable<string> first = program.Aggregate("first", Selector.Of(positions, key => key == 0), tokens);
        ProgramVariable<string> previous =
            program.Aggregate("previous", Selector.Of(positions, positions, (key, query) => key == query - 1), tokens);
        ProgramVariable<string> next = program.Aggregate("next", Selector.Of(previous, tokens, (key, query) => key == query), tokens);
        program.Aggregate("like first", Selector.Of(first, tokens, (key, query) => key == query), previous);
        return program.Compile(next, Drawn(prompts, seed, random =>
        {
            random.Shuffle(letters);
            int place = random.Next(1, 6);
            string[] clean = letters[..7], corrupted = letters[7..14];
            return new ProgramPrompt(
                string.Join(' ', [.. clean, clean[place]]), string.Join(' ', [.. corrupted, letters[14]]), clean[place + 1],
                clean[(place + 3) % 7]);
        }), strength, dtype);
    }

    /// <summary>
    /// The name that occurs once, as indirect objects are found (Wang et al. 2022, arXiv:2211.00593), in three steps: a head marks a name
    /// that was there before, one moves that name to the end, and one looks for names there that it is not. The corrupted prompt has three
    /// other names.
    /// </summary>
    /// <inheritdoc cref="Induction"/>
    public static CompiledProgram OnceName(int prompts = 16, int seed = 1, double strength = 10, torch.ScalarType? dtype = null)
    {
        AttentionProgram program = new("the name that occurs once", [Start, .. s_names, "and", "met", "gave", "to"], length: 8);
        (ProgramVariable<string> tokens, ProgramVariable<int> positions) = (program.Tokens, program.Positions);
        ProgramVariable<string> previous =
            program.Aggregate("previous", Selector.Of(positions, positions, (key, query) => key == query - 1), tokens);
        // Itself where it was there before, else what stands at the start.
        ProgramVariable<string> duplicate = program.Aggregate(
            "duplicate",
            (2 * Selector.Of(tokens, tokens, (key, query) => key == query))
                - (2 * Selector.Of(positions, positions, (key, query) => key == query)) + Selector.Of(positions, key => key == 0), tokens);
        ProgramVariable<string> repeated = program.Aggregate("repeated", Selector.Of(duplicate, key => key != Start), duplicate);
        program.Aggregate("next", Selector.Of(previous, tokens, (key, query) => key == query), tokens);
        ProgramVariable<string> once = program.Aggregate(
            "once", Selector.Of(tokens, key => s_names.Contains(key)) - Selector.Of(tokens, repeated, (key, query) => key == query),
            tokens);
        return program.Compile(once, Drawn(prompts, seed, random =>
        {
            string[] names = [.. s_names];
            random.Shuffle(names);
            int subject = random.Next(2);
            return new ProgramPrompt(
                Sentence(names[0], names[1], names[subject]), Sentence(names[2], names[3], names[4]), names[1 - subject], names[subject]);
        }), strength, dtype);

        static string Sentence(string one, string other, string subject) => $"{Start} {one} and {other} met {subject} gave to";
    }

    /// <summary>
    /// The bit that most tokens are: a head that looks at all of them, and a feed-forward block that tells more than half. The corrupted
    /// prompt has the opposite bits.
    /// </summary>
    /// <inheritdoc cref="Induction"/>
    public static CompiledProgram Majority(int prompts = 16, int seed = 1, double strength = 10, torch.ScalarType? dtype = null)
    {
        AttentionProgram program = new("majority", ["0", "1"], length: 9);
        program.Aggregate("first", Selector.Of(program.Positions, key => key == 0), program.Tokens);
        ProgramVariable<string> shares = program.Aggregate("shares", Selector.All, program.Tokens);
        program.Aggregate("ones", Selector.Of(program.Tokens, key => key == "1"), program.Positions);
        ProgramVariable<string> majority = program.Map("majority", shares, bit => bit);
        return program.Compile(majority, Drawn(prompts, seed, random =>
        {
            bool[] bits = [.. Enumerable.Range(0, 5 + (2 * random.Next(3))).Select(_ => random.Next(2) == 1)];
            bool most = bits.Count(bit => bit) > bits.Length / 2;
            return new ProgramPrompt(
                string.Join(' ', bits.Select(Bit)), string.Join(' ', bits.Select(bit => Bit(!bit))), Bit(most), Bit(!most));
        }), strength, dtype);
    }

    /// <summary>
    /// Whether both of two bits are 1: a head for each, and a feed-forward block. Both are in the clean prompt, and none in the corrupted
    /// one: each is needed.
    /// </summary>
    /// <inheritdoc cref="Induction"/>
    public static CompiledProgram And(int prompts = 16, int seed = 1, double strength = 10, torch.ScalarType? dtype = null) =>
        Gate("and", (first, second) => first && second, prompts, seed, strength, dtype);

    /// <summary>
    /// Whether one of two bits is 1, as <see cref="And"/>. Both are in the clean prompt, so that none is needed as long as the other is
    /// there: what takes edges away one by one finds neither, or one of them.
    /// </summary>
    /// <inheritdoc cref="Induction"/>
    public static CompiledProgram Or(int prompts = 16, int seed = 1, double strength = 10, torch.ScalarType? dtype = null) =>
        Gate("or", (first, second) => first || second, prompts, seed, strength, dtype);

    private static CompiledProgram Gate(
        string name, Func<bool, bool, bool> holds, int prompts, int seed, double strength, torch.ScalarType? dtype)
    {
        AttentionProgram program = new(name, ["0", "1", "?", Yes, No], length: 4);
        ProgramVariable<string>[] bits = [.. Enumerable.Range(0, 3).Select(place =>
            program.Aggregate($"bit {place}", Selector.Of(program.Positions, key => key == place), program.Tokens))];
        ProgramVariable<string> gate =
            program.Map(name, bits[0], bits[2], (first, second) => holds(first == "1", second == "1") ? Yes : No);
        return program.Compile(gate, Drawn(prompts, seed, random =>
        {
            string other = Bit(random.Next(2) == 1);
            return new ProgramPrompt($"1 {other} 1 ?", $"0 {Bit(random.Next(2) == 1)} 0 ?", Yes, No);
        }), strength, dtype);
    }

    private static string Bit(bool bit) => bit ? "1" : "0";

    private static IEnumerable<ProgramPrompt> Drawn(int count, int seed, Func<Random, ProgramPrompt> draw)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Random random = new(seed);
        return Enumerable.Range(0, count).Select(_ => draw(random)).ToArray();
    }
}
