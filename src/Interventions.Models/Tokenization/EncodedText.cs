namespace Interventions.Models;

/// <summary>A text as tokens. Element <c>i</c> of each list belongs to token <c>i</c>.</summary>
/// <param name="Text">The text.</param>
/// <param name="Ids">The token ids.</param>
/// <param name="Tokens">Each token as the vocabulary writes it (GPT-2's <c>ĠMary</c>, Llama's <c>▁Mary</c>).</param>
/// <param name="Offsets">
/// The part of <paramref name="Text"/> that each token stands for, in UTF-16 units, so that <c>Text[Offsets[i]]</c> is its text. The
/// tokens of one character cut into bytes each cover that whole character; tokens that were added around the text cover <c>0..0</c>.
/// </param>
/// <param name="Missing">
/// The parts of <paramref name="Text"/> that no token stands for, because the vocabulary has neither their characters or bytes nor an
/// unknown token. Such text vanishes from the ids, as it does in the reference implementation. Nearly always empty. White space that
/// the tokenizer drops by rule is not listed.
/// </param>
public sealed record EncodedText(
    string Text, IReadOnlyList<int> Ids, IReadOnlyList<string> Tokens, IReadOnlyList<Range> Offsets, IReadOnlyList<Range> Missing);
