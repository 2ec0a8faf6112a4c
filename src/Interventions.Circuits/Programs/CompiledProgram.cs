using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Tables;
using TorchSharp;

namespace Interventions.Circuits;

/// <summary>A prompt of a program in two runs, as tokens with spaces between them.</summary>
/// <param name="Clean">The prompt that the program answers.</param>
/// <param name="Corrupted">As many tokens, of which those that matter differ.</param>
/// <param name="Correct">The program's answer to the clean prompt, at its last token.</param>
/// <param name="Wrong">Another answer, to which the correct one is compared.</param>
public sealed record ProgramPrompt(string Clean, string Corrupted, string Correct, string Wrong);

/// <summary>
/// A transformer that computes a program, with prompts on which it shows, and with the circuit that it is: methods that look for circuits
/// are compared with that. It owns the model.
/// </summary>
public sealed class CompiledProgram : IDisposable
{
    private readonly AttentionProgram _program;
    private readonly ProgramVariable _answer;
    private readonly ProgramLayout _layout;

    internal CompiledProgram(
        AttentionProgram program, ProgramVariable answer, IReadOnlyList<ProgramPrompt> prompts, double strength, torch.ScalarType? dtype)
    {
        (_program, _answer) = (program, answer);
        Prompts = PromptPairs.FromTokens([.. prompts.Select(Tokens)]);
        ProgramLayout layout = _layout = new(program);
        Circuit = layout.CircuitOf(answer);
        Components = layout.Components.ToImmutableSortedDictionary(
            step => step.Key.Name, step => step.Value, StringComparer.Ordinal);
        Model = DecoderModel.Random(layout.Config(), dtype: dtype);
        new ProgramWeights(Model, program, layout, strength).Write(answer);
        Metric = Intervention.On(Model).LogitDifference("correct", "wrong").Graph;
    }

    /// <summary>The program's name.</summary>
    public string Name => _program.Name;

    /// <summary>The transformer.</summary>
    public DecoderModel Model { get; }

    /// <summary>Every edge over which the answer comes about, and no other; whatever the prompts.</summary>
    public Circuit Circuit { get; }

    /// <summary>The prompts: runs <c>clean</c> and <c>corrupted</c>, answers <c>correct</c> and <c>wrong</c>.</summary>
    public PromptPairs Prompts { get; }

    /// <summary>The correct answer's logit less the wrong one's, at the last token.</summary>
    public InterventionGraph Metric { get; }

    /// <summary>The tokens, by id; the start token, if there is one, is the last.</summary>
    public ImmutableArray<string> Vocabulary => _program.StartToken is { } start
        ? _program.Tokens.Values.Add(start.Name)
        : _program.Tokens.Values;

    /// <summary>What each coordinate of the residual stream stands for: a variable and its value, or a number.</summary>
    public IReadOnlyList<string> Labels => [.. _program.Variables.SelectMany(variable => variable.Labels)];

    /// <summary>A variable's coordinates in the residual stream. Nothing but its component writes them.</summary>
    /// <param name="variable">A variable of the program.</param>
    /// <exception cref="ArgumentException">It belongs to another program.</exception>
    public Range CoordinatesOf(ProgramVariable variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        if (variable.Program != _program)
            throw new ArgumentException($"'{variable}' is a variable of another program.", nameof(variable));
        int first = _layout.PlaceOf(variable);
        return first..(first + variable.Size);
    }

    /// <summary>The head or feed-forward block that computes each variable, by name.</summary>
    public IReadOnlyDictionary<string, Component> Components { get; }

    /// <summary>The logits of all tokens at a prompt's last one, by the program's definition: as if attention were exact.</summary>
    /// <param name="prompt">Tokens, with spaces between them.</param>
    /// <exception cref="ArgumentException">A token is unknown, or there are too many.</exception>
    public ImmutableArray<double> Logits(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ImmutableArray<double> shares = _program.Evaluate(_answer, Split(prompt))[^1];
        ImmutableArray<string> words = _answer is ProgramVariable<string> answer ? answer.Values : [];
        return [.. Vocabulary.Select(token => words.IndexOf(token) is >= 0 and int value ? ProgramWeights.Certain * shares[value] : 0)];
    }

    /// <summary>
    /// What the transformer knows of a variable behind its last block: what <see cref="AttentionProgram"/> evaluates it to, but for
    /// attention that is not exact.
    /// </summary>
    /// <param name="variable">A variable of the program.</param>
    /// <param name="prompt">Tokens, with spaces between them.</param>
    /// <returns>By position a share of each value; of a number the number alone.</returns>
    /// <exception cref="ArgumentException">
    /// A token is unknown, there are too many, or the variable belongs to another program.
    /// </exception>
    public ImmutableArray<ImmutableArray<double>> Evaluate(ProgramVariable variable, string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        (int first, int size) = CoordinatesOf(variable).GetOffsetAndLength(_layout.Width);
        using DisposeScope scope = torch.NewDisposeScope();
        using IDisposable mode = torch.no_grad();
        long[] ids = [.. Run(prompt).Ids];
        string stream = $"blocks.{Model.Config.Layers - 1}.resid_post";
        torch.Tensor known = GraphEvaluator.Evaluate(Model.Graph, torch.tensor(ids, device: Model.Device).unsqueeze(0), [stream])[stream];
        double[] numbers = known.select(0, 0).narrow(0, _program.Front, ids.Length - _program.Front).narrow(1, first, size).Doubles();
        return [.. numbers.Chunk(size).Select(position => position.ToImmutableArray())];
    }

    /// <summary>The steps, each with its component and what it reads; those in brackets are not in the circuit.</summary>
    public override string ToString()
    {
        TextTable table = new(new TextColumn("component"), new TextColumn("computes"), new TextColumn("reads"));
        HashSet<Component> used = [.. Circuit.Components];
        foreach (ProgramVariable variable in _program.Variables.Where(variable => variable.Step is not null))
        {
            Component component = Components[variable.Name];
            string reads = string.Join(", ", variable.Step!.Reads.Select(read =>
                read.Input == PortInput.All ? $"{read.Variable}" : $"{read.Variable} ({$"{read.Input}".ToLowerInvariant()})"));
            table.Add($"{component}", used.Contains(component) ? variable.Name : $"[{variable.Name}]", reads);
        }
        return $"{Name}: {Circuit}; the answer is {_answer}\n{table.Print()}";
    }

    /// <summary>Frees the model.</summary>
    public void Dispose() => Model.Dispose();

    private PromptTokens Tokens(ProgramPrompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        long[] answers = [.. _program.IdsOf([prompt.Correct]), .. _program.IdsOf([prompt.Wrong])];
        ImmutableArray<double> logits = Logits(prompt.Clean);
        if (logits.Index().Any(logit => logit.Index != answers[0] && logit.Item >= logits[(int)answers[0]]))
            throw new InterventionException(
                $"The answer of {Name} to '{prompt.Clean}' is not '{prompt.Correct}', but "
                + $"{Vocabulary[logits.IndexOf(logits.Max())]}.");
        return new PromptTokens([Run(prompt.Clean), Run(prompt.Corrupted)], answers) { AnswerTexts = [prompt.Correct, prompt.Wrong] };
    }

    private RunTokens Run(string text)
    {
        string[] tokens = Split(text);
        long[] ids = [.. _program.IdsOf(tokens)];
        if (_program.StartToken is { } start)
            (tokens, ids) = ([start.Name, .. tokens], [_program.StartId, .. ids]);
        return new RunTokens(ids, [ids.Length - 1]) { Texts = [.. tokens.Select((token, i) => i == 0 ? token : " " + token)] };
    }

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
