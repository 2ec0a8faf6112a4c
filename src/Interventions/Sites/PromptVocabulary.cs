using System.Linq;
using Interventions.Runtime;

namespace Interventions;

/// <summary>What names a prompt set has.</summary>
/// <param name="PromptSet">The prompt set's type name, for messages: <c>IoiPrompts</c>.</param>
/// <param name="Runs">The runs; the first one is the base run, which writes change.</param>
/// <param name="Positions">Named token positions, each resolved in every prompt of every run.</param>
/// <param name="Answers">Named answer tokens, one token a prompt.</param>
public sealed record PromptVocabulary(
    string PromptSet, EquatableArray<string> Runs, EquatableArray<string> Positions, EquatableArray<string> Answers)
{
    /// <summary>The version of the canonical text's format.</summary>
    public const int FormatVersion = 1;

    /// <summary>Version, runs, positions and answers as lines. Their order is kept: it is the order of the data.</summary>
    public string CanonicalText => Canonical.Text(
        FormatVersion,
        Runs.Select(run => "run " + run)
            .Concat(Positions.Select(position => "position " + position))
            .Concat(Answers.Select(answer => "answer " + answer)));

    /// <summary>The first 16 hexadecimal digits of the canonical text's SHA-256.</summary>
    public string Fingerprint => Canonical.Fingerprint(CanonicalText);
}
