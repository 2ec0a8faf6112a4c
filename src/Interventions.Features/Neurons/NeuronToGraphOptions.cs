using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;

namespace Interventions.Features;

/// <summary>How Neuron to Graph makes a graph. The defaults are those of the paper's program.</summary>
public sealed record NeuronToGraphOptions
{
    /// <summary>A token makes a path where its activation is above this share of the neuron's largest. Default: 0.5.</summary>
    public double ActivationThreshold { get; init; } = 0.5;

    /// <summary>A token in front is a part of a path where a mask on it loses more than this share of it all. Default: 0.75.</summary>
    public double ImportanceThreshold { get; init; } = 0.75;

    /// <summary>
    /// The rare token that masks others. Default: 1, as in the paper's program, or 2 where 1 begins texts.
    /// </summary>
    public long? MaskToken { get; init; }

    /// <summary>
    /// Where substitutes for important tokens come from. Default: the tokens with the nearest embeddings, of a decoder; of another model
    /// there are none, so that its graphs have no other tokens than its examples.
    /// </summary>
    public TokenSubstitutes? Substitutes { get; init; }

    /// <summary>How many substitutes of a token are tried; 0 for none. Default: 5.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int SubstituteCount
    {
        get;
        init => field = value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(SubstituteCount), value, "Substitutes are 0 or more.");
    } = 5;

    /// <summary>
    /// A folder with a file for each finished neuron: the same call goes on where it was stopped. Files that were begun with other
    /// weights, examples or options are refused; of a source of substitutes nobody can tell which it was. Default: nothing is kept.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>Memory budget, and progress in neurons. Batches are as large as the short texts ask for.</summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>The token that masks, where another one begins texts.</summary>
    internal long MaskFor(long? bos) => MaskToken ?? (bos == 1 ? 2 : 1);

    /// <summary>The source of substitutes of a model; null for none.</summary>
    internal TokenSubstitutes? SourceOf(HookedModel model) =>
        SubstituteCount == 0 ? null
        : Substitutes ?? (model is DecoderModel decoder ? Features.Substitutes.OfEmbeddings(decoder) : null);

    /// <summary>What changes a graph, in words.</summary>
    internal string Described => string.Create(
        CultureInfo.InvariantCulture,
        $"thresholds {ActivationThreshold:R} and {ImportanceThreshold:R}, mask {MaskToken}, {SubstituteCount} substitutes "
            + $"{(Substitutes is null ? "by embeddings" : "by a source")}");
}
