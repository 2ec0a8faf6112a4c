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
    /// <param name="looksAhead">Whether a position sees later ones too. Default: its own and earlier ones.</param>
    /// <param name="start">
    /// A token that the model has in front of every prompt, and of which the program knows nothing: attention that selects no position
    /// falls on it, and finds no value, or 0. Default: none; then attention that selects no position averages over all.
    /// </param>
    /// <exception cref="ArgumentException">A token is there twice or has a space, or there is no token or no position.</exception>
    public AttentionProgram(string name, IEnumerable<string> vocabulary, int length, bool looksAhead = false, string? start = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Name = name;
        ImmutableArray<string> tokens = [.. vocabulary];
        if (tokens.Length == 0)
            throw new ArgumentException("There is no token.", nameof(vocabulary));
        foreach ((int i, string token) in (start is null ? tokens : tokens.Add(start)).Index())
            if (string.IsNullOrEmpty(token) || token.Any(char.IsWhiteSpace) || tokens.Add(token).IndexOf(token) != i)
                throw new ArgumentException($"'{token}' is no token: tokens have no spaces, and each is there once.", nameof(vocabulary));
        Tokens = Add("tokens", tokens, null);
        Positions = Add("positions", [.. Enumerable.Range(0, length)], null);
        LooksAhead = looksAhead;
        if (start is not null)
            StartToken = Added(new ProgramNumber(this, start, [0, 1], null));
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The token at a position.</summary>
    public ProgramVariable<string> Tokens { get; }

    /// <summary>The position itself, from 0. Like all position embeddings it is on no edge of a circuit.</summary>
    public ProgramVariable<int> Positions { get; }

    /// <summary>Whether a position sees later ones too.</summary>
    public bool LooksAhead { get; }

    /// <summary>1 at the start token and 0 elsewhere; null if there is none.</summary>
    internal ProgramNumber? StartToken { get; }

    /// <summary>How many tokens stand in front of the program's: 1 with a start token, else 0.</summary>
    internal int Front => StartToken is null ? 0 : 1;

    /// <summary>The start token's id: the last one.</summary>
    internal int StartId => Tokens.Size;

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
        return Add(name, values.Values, new AttentionStep(selector, values, ScoreOfStart(selector)));
    }

    /// <summary>An attention head: the fraction of the selected positions at which a number is 1.</summary>
    /// <param name="name">A name for what comes out.</param>
    /// <param name="selector">Which positions.</param>
    /// <param name="values">What is averaged: a number that is 0 or 1, or there would be too many averages to go on with.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken, a variable belongs to another program, or the number is neither 0 nor 1.
    /// </exception>
    public ProgramNumber Aggregate(string name, Selector selector, ProgramNumber values)
    {
        ArgumentNullException.ThrowIfNull(selector);
        ArgumentNullException.ThrowIfNull(values);
        foreach (double value in values.Values)
            if (value is not (0 or 1))
                throw new ArgumentException($"Numbers that are 0 or 1 are averaged, and '{values}' may be {value}.", nameof(values));
        IEnumerable<double> fractions =
            from count in Enumerable.Range(1, Positions.Size)
            from ones in Enumerable.Range(0, count + 1)
            select (double)ones / count;
        return AddNumber(name, fractions, new AttentionStep(selector, values, ScoreOfStart(selector)));
    }

    /// <summary>
    /// How many positions are selected: an attention head that selects the start token too, which so has 1 / (1 + number) of its
    /// attention, and a function of that in a feed-forward block.
    /// </summary>
    /// <param name="name">A name for what comes out; the head's has the start token's name behind it.</param>
    /// <param name="selector">Which positions: predicates, one of which holds at most.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken, a variable belongs to another program, a score is neither 0 nor 1, or the program has no start token.
    /// </exception>
    public ProgramVariable<int> Width(string name, Selector selector)
    {
        ArgumentNullException.ThrowIfNull(selector);
        if (StartToken is null)
            throw new ArgumentException($"{Name} has no start token, by which selected positions are counted.", nameof(selector));
        if (selector.Terms.Length > 1 || selector.Terms.Any(term => term.Scores.Cast<double>().Any(score => score is not (0 or 1))))
            throw new ArgumentException("Positions are counted for which one predicate holds, without weights.", nameof(selector));
        ProgramNumber share = AddNumber(
            $"{name} {StartToken}", Enumerable.Range(0, Positions.Size + 1).Select(width => 1.0 / (1 + width)),
            new AttentionStep(selector, StartToken, selector.Terms.Length));
        return Map(name, share, fraction => (int)Math.Round(1 / fraction) - 1);
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

    /// <summary>A function of a number, in a feed-forward block: steps midway between the numbers that there may be.</summary>
    /// <param name="name">A name for what comes out.</param>
    /// <param name="number">What is read.</param>
    /// <param name="function">Of a number; it is asked for each one once.</param>
    /// <exception cref="ArgumentException">The name is taken, or a variable belongs to another program.</exception>
    public ProgramVariable<TResult> Map<TResult>(string name, ProgramNumber number, Func<double, TResult> function)
        where TResult : notnull
    {
        ArgumentNullException.ThrowIfNull(number);
        ArgumentNullException.ThrowIfNull(function);
        ImmutableArray<TResult> results = [.. number.Values.Select(function)], values = [.. results.Distinct()];
        return Add(name, values, new StaircaseStep(number, [.. results.Select(result => (values.IndexOf(result), 1.0))]));
    }

    /// <summary>A number for each value, as a table in a feed-forward block.</summary>
    /// <inheritdoc cref="Map{T, TResult}(string, ProgramVariable{T}, Func{T, TResult})"/>
    public ProgramNumber Number<T>(string name, ProgramVariable<T> variable, Func<T, double> function)
        where T : notnull
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(function);
        ImmutableArray<(int, double Number)> results = [.. variable.Values.Select(value => (0, function(value)))];
        // Where there is no value the number is 0.
        return AddNumber(name, results.Select(result => result.Number).Append(0), new TableStep([variable], results));
    }

    /// <summary>A number of a number, in a feed-forward block.</summary>
    /// <inheritdoc cref="Map{TResult}(string, ProgramNumber, Func{double, TResult})"/>
    public ProgramNumber Number(string name, ProgramNumber number, Func<double, double> function)
    {
        ArgumentNullException.ThrowIfNull(number);
        ArgumentNullException.ThrowIfNull(function);
        ImmutableArray<(int, double Number)> results = [.. number.Values.Select(value => (0, function(value)))];
        return AddNumber(name, results.Select(result => result.Number), new StaircaseStep(number, results));
    }

    /// <summary>The sum of two numbers with weights, in a feed-forward block.</summary>
    /// <param name="name">A name for what comes out.</param>
    /// <param name="first">What is read.</param>
    /// <param name="second">What is read too.</param>
    /// <param name="firstFactor">The weight of the first.</param>
    /// <param name="secondFactor">The weight of the second.</param>
    /// <exception cref="ArgumentException">The name is taken, or a variable belongs to another program.</exception>
    public ProgramNumber Sum(string name, ProgramNumber first, ProgramNumber second, double firstFactor = 1, double secondFactor = 1)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return AddNumber(
            name, first.Values.SelectMany(one => second.Values.Select(other => (firstFactor * one) + (secondFactor * other))),
            new SumStep(first, firstFactor, second, secondFactor));
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
    /// <returns>
    /// By position and value a share: with certainty it is 1 of one value, and 0 of all others; all are 0 where there is no value. Of a
    /// number, by position the number alone.
    /// </returns>
    /// <exception cref="ArgumentException">A token is unknown, there are too many, or the variable belongs to another program.</exception>
    public ImmutableArray<ImmutableArray<double>> Evaluate(ProgramVariable variable, IReadOnlyList<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(tokens);
        CheckOwn(variable);
        return [.. new ProgramEvaluation(this, [.. IdsOf(tokens)]).Of(variable).Select(shares => shares.ToImmutableArray())];
    }

    /// <summary>
    /// What the program would know if one of its variables were that of another prompt: what patching that variable's coordinates does.
    /// </summary>
    /// <param name="variable">The variable that is asked for.</param>
    /// <param name="tokens">A prompt.</param>
    /// <param name="replaced">The variable that is the other prompt's.</param>
    /// <param name="other">The other prompt, as long as this one.</param>
    /// <exception cref="ArgumentException">
    /// A token is unknown, there are too many, the lengths differ, or a variable belongs to another program.
    /// </exception>
    public ImmutableArray<ImmutableArray<double>> Evaluate(
        ProgramVariable variable, IReadOnlyList<string> tokens, ProgramVariable replaced, IReadOnlyList<string> other)
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(replaced);
        ArgumentNullException.ThrowIfNull(other);
        CheckOwn(variable);
        CheckOwn(replaced);
        if (tokens.Count != other.Count)
            throw new ArgumentException($"The prompts differ in length: {tokens.Count} and {other.Count}.", nameof(other));
        double[][] known = new ProgramEvaluation(this, [.. IdsOf(other)]).Of(replaced);
        ProgramEvaluation evaluation = new ProgramEvaluation(this, [.. IdsOf(tokens)]).Replace(replaced, known);
        return [.. evaluation.Of(variable).Select(shares => shares.ToImmutableArray())];
    }

    /// <summary>
    /// Makes a transformer that computes the program, without norms: an attention head for each <see cref="Aggregate"/> and a part of a
    /// feed-forward block for each <c>Map</c>, each in the first layer in which what it reads is there. What does not reach the answer is
    /// compiled too, and is not in the circuit.
    /// </summary>
    /// <param name="answer">
    /// What the logits say: of a token 10 times its share. A number, or a variable of other values than texts, is read from the residual
    /// stream instead (<see cref="CompiledProgram.Evaluate"/>), and all logits are 0.
    /// </param>
    /// <param name="prompts">
    /// Prompts on which the circuit shows: what an edge of it carries should differ between the two runs, or no method can see the edge.
    /// None where the answers are no tokens.
    /// </param>
    /// <param name="strength">
    /// How much a predicate that holds adds to an attention score. A position whose score is less by one has e^-strength of the weight of
    /// one that is selected; a start token has half of it more than a position for which no predicate holds. In the hundreds attention is
    /// saturated: a step, with no gradient on either side.
    /// </param>
    /// <param name="dtype">The type of the model's numbers. Default: float32.</param>
    /// <exception cref="ArgumentException">
    /// The answer has a text that is no token, or there are prompts and it has no texts; a prompt has unknown tokens, its runs differ in
    /// length, or the strength is not above 0.
    /// </exception>
    /// <exception cref="InterventionException">The program does not give a clean prompt the answer that is said to be correct.</exception>
    public CompiledProgram Compile(
        ProgramVariable answer, IEnumerable<ProgramPrompt> prompts, double strength = 10, torch.ScalarType? dtype = null)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(prompts);
        if (strength is not (> 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(strength), strength, "The strength is a number above 0.");
        CheckOwn(answer);
        ProgramPrompt[] all = [.. prompts];
        if (answer is ProgramVariable<string> { Values: var words })
            foreach (string value in words.Except(Tokens.Values))
                throw new ArgumentException($"'{answer}' may be '{value}', which is no token of {Name}.", nameof(answer));
        else if (all.Length > 0)
            throw new ArgumentException($"'{answer}' is no token, which the answers of prompts are.", nameof(prompts));
        return new CompiledProgram(this, answer, all, strength, dtype);
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
        return Add(name, values, new TableStep(inputs, [.. results.Select(result => (values.IndexOf(result), 1.0))]));
    }

    /// <summary>Half a predicate: the start token is selected where none holds, and not where positions are selected without one.</summary>
    private double? ScoreOfStart(Selector selector) => StartToken is null ? null : selector.Terms.Length == 0 ? -1 : 0.5;

    private ProgramVariable<T> Add<T>(string name, ImmutableArray<T> values, ProgramStep? step)
        where T : notnull => Added(new ProgramVariable<T>(this, name, values, step));

    private ProgramNumber AddNumber(string name, IEnumerable<double> values, ProgramStep step) =>
        Added(new ProgramNumber(this, name, values, step));

    private TVariable Added<TVariable>(TVariable variable)
        where TVariable : ProgramVariable
    {
        string name = variable.Name;
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (_variables.Any(other => other.Name == name))
            throw new ArgumentException($"{Name} has a variable '{name}' already.", nameof(name));
        foreach ((ProgramVariable read, _) in variable.Step?.Reads ?? [])
            CheckOwn(read);
        _variables.Add(variable);
        return variable;
    }

    private void CheckOwn(ProgramVariable variable)
    {
        if (variable.Program != this)
            throw new ArgumentException($"'{variable}' is a variable of another program.");
    }
}
