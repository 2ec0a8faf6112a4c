using System.Collections.Immutable;
using TorchSharp;

namespace Interventions.Circuits;

/// <summary>
/// A program in the manner of RASP (Weiss et al. 2021, arXiv:2106.06981): attention selects positions by predicates and averages what is
/// known there, and tables combine values. <see cref="Compile"/> makes a transformer of it, as Tracr does (Lindner et al. 2023,
/// arXiv:2301.05062), whose circuit is known edge by edge.
/// </summary>
/// <example>
/// Induction, what came after the token when it was last there:
/// <code>
/// AttentionProgram program = new("induction", ["a", "b", "c", "d"], length: 6);
/// ProgramVariable&lt;string&gt; tokens = program.Tokens;
/// ProgramVariable&lt;string&gt; previous = program.Aggregate(
///     "previous", Selector.Of(program.Positions, program.Positions, (key, query) =&gt; key == query - 1), tokens);
/// ProgramVariable&lt;string&gt; next = program.Aggregate("next", Selector.Of(previous, tokens, (key, query) =&gt; key == query), tokens);
/// using CompiledProgram compiled = program.Compile(next, [new("a b c a", "a d c d", "b", "c")]);
/// </code>
/// </example>
public sealed class AttentionProgram
{
    private readonly List<ProgramVariable> _variables = [];

    /// <summary>A program that knows tokens and positions.</summary>
    /// <param name="name">A name, for prints and messages.</param>
    /// <param name="vocabulary">The tokens, without spaces.</param>
    /// <param name="length">The most tokens of a prompt.</param>
    /// <exception cref="ArgumentException">A token is there twice or has a space, or there is no token or no position.</exception>
    public AttentionProgram(string name, IEnumerable<string> vocabulary, int length)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Name = name;
        ImmutableArray<string> tokens = [.. vocabulary];
        if (tokens.Length == 0)
            throw new ArgumentException("There is no token.", nameof(vocabulary));
        foreach ((int i, string token) in tokens.Index())
            if (string.IsNullOrEmpty(token) || token.Any(char.IsWhiteSpace) || tokens.IndexOf(token) != i)
                throw new ArgumentException($"'{token}' is no token: tokens have no spaces, and each is there once.", nameof(vocabulary));
        Tokens = Add("tokens", tokens, null);
        Positions = Add("positions", [.. Enumerable.Range(0, length)], null);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The token at a position.</summary>
    public ProgramVariable<string> Tokens { get; }

    /// <summary>The position itself, from 0. Like all position embeddings it is on no edge of a circuit.</summary>
    public ProgramVariable<int> Positions { get; }

    /// <summary>All variables, in the order in which they were made.</summary>
    internal IReadOnlyList<ProgramVariable> Variables => _variables;

    /// <summary>An attention head: the mean of a variable over the positions that are selected.</summary>
    /// <param name="name">A name for what comes out.</param>
    /// <param name="selector">Which positions.</param>
    /// <param name="values">What is averaged.</param>
    /// <returns>The values of <paramref name="values"/>, or shares of them.</returns>
    /// <exception cref="ArgumentException">The name is taken, or a variable belongs to another program.</exception>
    public ProgramVariable<T> Aggregate<T>(string name, Selector selector, ProgramVariable<T> values)
        where T : notnull
    {
        ArgumentNullException.ThrowIfNull(selector);
        ArgumentNullException.ThrowIfNull(values);
        return Add(name, values.Values, new AttentionStep(selector, values));
    }

    /// <summary>
    /// A table in a feed-forward block. A value of which less than half is there counts as absent; more than half, as twice what is beyond
    /// it: of shares, this tells what the majority has.
    /// </summary>
    /// <param name="name">A name for what comes out.</param>
    /// <param name="variable">What is read.</param>
    /// <param name="function">Of a value; it is asked for each value once.</param>
    /// <exception cref="ArgumentException">The name is taken, or a variable belongs to another program.</exception>
    public ProgramVariable<TResult> Map<T, TResult>(string name, ProgramVariable<T> variable, Func<T, TResult> function)
        where T : notnull
        where TResult : notnull
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(function);
        return Table(name, [variable], [.. variable.Values.Select(function)]);
    }

    /// <summary>A table of two variables in a feed-forward block: a neuron for each pair of values.</summary>
    /// <param name="name">A name for what comes out.</param>
    /// <param name="first">What is read.</param>
    /// <param name="second">What is read too.</param>
    /// <param name="function">Of a value of each; it is asked for each pair once.</param>
    /// <exception cref="ArgumentException">The name is taken, or a variable belongs to another program.</exception>
    public ProgramVariable<TResult> Map<TFirst, TSecond, TResult>(
        string name, ProgramVariable<TFirst> first, ProgramVariable<TSecond> second, Func<TFirst, TSecond, TResult> function)
        where TFirst : notnull
        where TSecond : notnull
        where TResult : notnull
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(function);
        return Table(name, [first, second], [.. first.Values.SelectMany(one => second.Values.Select(other => function(one, other)))]);
    }

    /// <summary>What the program itself knows, by its definition and without a model.</summary>
    /// <param name="variable">The variable that is asked for.</param>
    /// <param name="tokens">A prompt.</param>
    /// <returns>By position and value a share; with certainty it is 1 of one value, and 0 of all others.</returns>
    /// <exception cref="ArgumentException">A token is unknown, there are too many, or the variable belongs to another program.</exception>
    public ImmutableArray<ImmutableArray<double>> Evaluate(ProgramVariable variable, IReadOnlyList<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(tokens);
        CheckOwn(variable);
        return [.. new ProgramEvaluation(this, [.. IdsOf(tokens)]).Of(variable).Select(shares => shares.ToImmutableArray())];
    }

    /// <summary>
    /// Makes a transformer that computes the program, without norms: an attention head for each <see cref="Aggregate"/> and a part of a
    /// feed-forward block for each <c>Map</c>, each in the first layer in which what it reads is there. What does not reach the answer is
    /// compiled too, and is not in the circuit.
    /// </summary>
    /// <param name="answer">What the logits say: of a token 10 times its share.</param>
    /// <param name="prompts">
    /// Prompts on which the circuit shows: what an edge of it carries should differ between the two runs, or no method can see the edge.
    /// </param>
    /// <param name="strength">
    /// How much a predicate that holds adds to an attention score. A position whose score is less by one has e^-strength of the weight of
    /// one that is selected. In the hundreds attention is saturated: a step, with no gradient on either side.
    /// </param>
    /// <param name="dtype">The type of the model's numbers. Default: float32.</param>
    /// <exception cref="ArgumentException">
    /// The answer has a value that is no token, a prompt has unknown tokens, its runs differ in length, or the strength is not above 0.
    /// </exception>
    /// <exception cref="InterventionException">The program does not give a clean prompt the answer that is said to be correct.</exception>
    public CompiledProgram Compile(
        ProgramVariable<string> answer, IEnumerable<ProgramPrompt> prompts, double strength = 10, torch.ScalarType? dtype = null)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(prompts);
        if (strength is not (> 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(strength), strength, "The strength is a number above 0.");
        CheckOwn(answer);
        foreach (string value in answer.Values.Except(Tokens.Values))
            throw new ArgumentException($"'{answer}' may be '{value}', which is no token of {Name}.", nameof(answer));
        return new CompiledProgram(this, answer, [.. prompts], strength, dtype);
    }

    /// <summary>The numbers of tokens.</summary>
    internal IEnumerable<int> IdsOf(IReadOnlyList<string> tokens) => tokens.Count >= 1 && tokens.Count <= Positions.Size
        ? tokens.Select(token => Tokens.Values.IndexOf(token) is >= 0 and int id
            ? id
            : throw new ArgumentException($"{Name} has no token '{token}'; it has {string.Join(' ', Tokens.Values)}."))
        : throw new ArgumentException($"{Name} reads 1 to {Positions.Size} tokens, not {tokens.Count}.");

    private ProgramVariable<T> Table<T>(string name, ImmutableArray<ProgramVariable> inputs, ImmutableArray<T> results)
        where T : notnull
    {
        ImmutableArray<T> values = [.. results.Distinct()];
        return Add(name, values, new TableStep(inputs, [.. results.Select(result => values.IndexOf(result))]));
    }

    private ProgramVariable<T> Add<T>(string name, ImmutableArray<T> values, ProgramStep? step)
        where T : notnull
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (_variables.Any(variable => variable.Name == name))
            throw new ArgumentException($"{Name} has a variable '{name}' already.", nameof(name));
        foreach ((ProgramVariable read, _) in step?.Reads ?? [])
            CheckOwn(read);
        ProgramVariable<T> variable = new(this, name, values, step);
        _variables.Add(variable);
        return variable;
    }

    private void CheckOwn(ProgramVariable variable)
    {
        if (variable.Program != this)
            throw new ArgumentException($"'{variable}' is a variable of another program.");
    }
}
