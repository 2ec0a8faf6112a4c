using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.Files;
using Interventions.Tables;
using Microsoft.Extensions.AI;

namespace Interventions.Features;

/// <summary>How neurons are explained, and how explanations are scored.</summary>
public sealed record InterpretationOptions
{
    /// <summary>How many top examples the explanation is made from: every second one, as far as there are so many. Default: 10.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int Shown
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(Shown), value, "One example at least is shown.");
    } = 10;

    /// <summary>
    /// On how many other examples of each kind scores are: top ones, random ones on which it fires, random ones on which it does not.
    /// Default: 5.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int Scored
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Scored), value, "Scores are on one example at least.");
    } = 5;

    /// <summary>To how many tokens around its pivot a text is cut. Default: 48.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than two.</exception>
    public int ExcerptLength
    {
        get;
        init => field = value > 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ExcerptLength), value, "A text has two tokens at least.");
    } = 48;

    /// <summary>The model that simulates and detects. Default: the one that explains.</summary>
    public IChatClient? Simulator { get; init; }

    /// <summary>How the models are asked: temperature, seed, name. Default: with temperature 0.</summary>
    public ChatOptions Chat { get; init; } = new() { Temperature = 0 };

    /// <summary>
    /// A folder with a file for each finished neuron: the same call goes on where it was stopped. Files that were begun with other examples
    /// or options are refused; which model a client is, nobody can tell. Default: nothing is kept.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>Progress in neurons.</summary>
    public IProgress<RunProgress>? Progress { get; init; }

    /// <summary>What changes an interpretation, in words.</summary>
    internal string Described => string.Create(
        CultureInfo.InvariantCulture,
        $"{Shown} shown and {Scored} scored examples of {ExcerptLength} tokens, temperature {Chat.Temperature}, seed {Chat.Seed}, "
            + $"model {Chat.ModelId}");
}

/// <summary>
/// Simulated activations beside the true ones (Bills et al. 2023). Explanations of single tokens score best: those of neurons that look at
/// a whole text are harder to simulate.
/// </summary>
/// <param name="Correlation">Pearson's, over all tokens of all texts; NaN where either side is constant.</param>
/// <param name="RandomCorrelation">Of the texts drawn at random alone; NaN where there are none.</param>
/// <param name="Texts">How many texts were simulated.</param>
/// <param name="Unread">Of how many others the answer could not be read: they have no part in the scores.</param>
public sealed record SimulationScore(double Correlation, double RandomCorrelation, int Texts, int Unread)
{
    /// <summary>Writes or reads it.</summary>
    internal static SimulationScore Fields(JsonFields fields, SimulationScore? score) => new(
        fields.Number("correlation", score?.Correlation), fields.Number("randomCorrelation", score?.RandomCorrelation),
        fields.Integer("texts", score?.Texts), fields.Integer("unread", score?.Unread));
}

/// <summary>
/// Whether a model told by an explanation on which texts the neuron fires (detection, Paulo et al. 2024, arXiv:2410.13928).
/// </summary>
/// <param name="Firing">Of texts on which it fires.</param>
/// <param name="BalancedAccuracy">The mean of the shares of firing and of other texts that were told right; NaN without texts.</param>
/// <param name="Texts">How many texts were told.</param>
/// <param name="Unread">Of how many others the answer could not be read: they have no part in the scores.</param>
public sealed record DetectionScore(ClassScores Firing, double BalancedAccuracy, int Texts, int Unread)
{
    /// <summary>Writes or reads it.</summary>
    internal static DetectionScore Fields(JsonFields fields, DetectionScore? score) => new(
        new ClassScores(fields.Number("precision", score?.Firing.Precision), fields.Number("recall", score?.Firing.Recall)),
        fields.Number("balancedAccuracy", score?.BalancedAccuracy), fields.Integer("texts", score?.Texts),
        fields.Integer("unread", score?.Unread));
}

/// <summary>What a language model says about a neuron, and how well that predicts it.</summary>
/// <param name="Neuron">The neuron.</param>
/// <param name="Explanation">What it responds to, in words.</param>
/// <param name="Simulation">Activations that were predicted from the explanation.</param>
/// <param name="Detection">Texts that were told apart by the explanation.</param>
public sealed record NeuronInterpretation(Neuron Neuron, string Explanation, SimulationScore Simulation, DetectionScore Detection)
{
    /// <summary>The neuron, the explanation and the scores.</summary>
    public override string ToString()
    {
        StringBuilder text = new($"{TextTable.Wrap($"{Neuron}: {NeuronExample.OneLine(Explanation)}", 2)}\n");
        text.Append(CultureInfo.InvariantCulture, $"  simulated: correlation {Simulation.Correlation:0.00} ");
        text.Append(CultureInfo.InvariantCulture, $"(random texts {Simulation.RandomCorrelation:0.00})\n");
        text.Append(CultureInfo.InvariantCulture, $"  detected: balanced accuracy {Detection.BalancedAccuracy:0.00}, ");
        text.Append(CultureInfo.InvariantCulture, $"F1 {Detection.Firing.F1:0.00}\n");
        return text.Append(Simulation.Unread + Detection.Unread == 0 ? ""
            : $"  answers that could not be read: of {TextTable.Count(Simulation.Unread, "simulated text")}, "
                + $"{TextTable.Count(Detection.Unread, "told text")}\n").ToString();
    }

    /// <summary>Writes it as JSON. The file appears under its name only when it is complete.</summary>
    public void Save(string path) => StoredJson.Write(path, fields => Fields(fields, this));

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InterventionException">The file is malformed.</exception>
    public static NeuronInterpretation Load(string path) => Read(File.ReadAllText(path), path).Found;

    /// <summary>An interpretation in a file, and what the file was begun with.</summary>
    internal static (NeuronInterpretation Found, ImmutableArray<string> Origin) Read(string json, string path) =>
        StoredJson.Read(json, $"'{path}' has no interpretation of a neuron", fields =>
        {
            ImmutableArray<string> origin = NeuronFolder.Origin(fields, default);
            return (Fields(fields, null), origin);
        });

    /// <summary>Writes or reads it.</summary>
    internal static NeuronInterpretation Fields(JsonFields fields, NeuronInterpretation? one) => new(
        Neuron.Fields(fields, one?.Neuron), fields.Text("explanation", one?.Explanation),
        Only("simulation", one?.Simulation, SimulationScore.Fields, fields),
        Only("detection", one?.Detection, DetectionScore.Fields, fields));

    private static T Only<T>(string name, T? value, Func<JsonFields, T?, T> read, JsonFields fields)
        where T : class =>
        fields.List<T>(name, value is null ? default : [value], read) is [{ } only] ? only : throw fields.Wrong($"'{name}' is missing");
}
