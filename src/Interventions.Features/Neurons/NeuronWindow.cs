using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>
/// An example that is cut to the tokens that the neuron needs: the shortest end of its text, behind a beginning of sentence, with which the
/// pivot is still the token with the largest activation and keeps more than half of it. Where none is, the longest that was tried.
/// </summary>
public sealed record NeuronWindow
{
    /// <summary>The example.</summary>
    public required NeuronExample Example { get; init; }

    /// <summary>The place of its first token in the example; its last one is the pivot.</summary>
    public required int Start { get; init; }

    /// <summary>Token ids, the beginning of sentence included where there is one.</summary>
    public required ImmutableArray<long> Tokens { get; init; }

    /// <summary>The tokens' texts.</summary>
    public required ImmutableArray<string> Texts { get; init; }

    /// <summary>Activations at these tokens, in this text.</summary>
    public required ImmutableArray<double> Activations { get; init; }

    /// <summary>
    /// By masked token and token: 1 − activation with the mask / activation. 1 where the token needs the masked one, 0 behind it.
    /// </summary>
    public required ImmutableArray<ImmutableArray<double>> Saliency { get; init; }

    /// <summary>Up to five tokens that follow in the example, to show.</summary>
    public ImmutableArray<long> Following => [.. Example.Tokens.Skip(Example.Pivot + 1).Take(5)];

    /// <summary>The pivot's activation in this text.</summary>
    public double Activation => Activations[^1];

    /// <summary>The tokens, with what the pivot's activation loses where each is masked.</summary>
    public override string ToString()
    {
        TextTable table = new(
            new TextColumn("token"), new TextColumn("activation", IsNumber: true), new TextColumn("saliency", IsNumber: true));
        string[] activations = ShortNumbers.Format(Activations);
        string[] saliency = ShortNumbers.Format([.. Saliency.Select(masked => masked[^1])]);
        for (int i = 0; i < Texts.Length; i++)
            table.Add(TextTable.Quote(Texts[i]), activations[i], saliency[i]);
        StringBuilder text = new(table.Print());
        if (!Following.IsEmpty)
            text.Append(TextTable.Shorten(
                $"then {TextTable.Quote(string.Concat(Example.Texts.Skip(Example.Pivot + 1).Take(5)))}", TextTable.Width)).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"{Activation:0.###} of {Example.Activation:0.###} in the whole text\n");
        return text.ToString();
    }
}
