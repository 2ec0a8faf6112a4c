using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>Finds the tokens of the words that metrics read.</summary>
internal static class WordTokens
{
    /// <summary>The token of each word.</summary>
    /// <param name="read">The words.</param>
    /// <param name="model">The model, whose tokenizer says which token a word is.</param>
    /// <param name="wrong">Makes the exception of a problem.</param>
    /// <exception cref="InterventionException">There is no word, no tokenizer, or a word is not one token.</exception>
    public static EquatableArray<long> Of(Read.WordLogits read, HookedModel? model, Func<string, InterventionException> wrong)
    {
        if (read.Words.Count == 0)
            throw wrong($"{read.Name} has no words: it is null, or an empty list");
        return new([.. read.Words.Select(Token)]);

        long Token(string? word)
        {
            if (string.IsNullOrEmpty(word))
                throw wrong($"a word of {read.Name} is {(word is null ? "null" : "empty")}");
            IReadOnlyList<long> tokens = Encode(word)
                ?? throw wrong(
                    $"{model?.Schema.Model ?? "the model"} has no tokenizer, so that {TextTable.Quote(word)} of {read.Name} has no token");
            if (tokens.Count == 1)
                return tokens[0];
            string parts = string.Join(", ", tokens.Select(token => TextTable.Quote(model!.Decode([token]) ?? "")));
            string advice = Pieces.Spaced(model!, word) is null ? "" : $"; \" {word}\", with the space in front, is one";
            throw wrong($"{TextTable.Quote(word)} of {read.Name} is {tokens.Count} tokens, {parts}, and [Logit] reads words of one "
                + $"token{advice}");
        }

        IReadOnlyList<long>? Encode(string word)
        {
            try
            {
                return model?.EncodePiece(word);
            }
            catch (ArgumentException unknown)
            {
                throw wrong($"{TextTable.Quote(word)} of {read.Name}: {unknown.Message}");
            }
        }
    }
}

/// <summary>
/// Finds answers that lack the space in front of them: " Mary" is the token that follows "gave a drink to", and "Mary" is another one.
/// </summary>
internal static class GluedAnswers
{
    /// <summary>A note for each answer that some prompt's last word would be glued to. Nothing is refused: it may be meant.</summary>
    public static IEnumerable<string> Notes(IPromptSet prompts, HookedModel model)
    {
        Dictionary<long, bool> lacks = [];
        for (int answer = 0; answer < prompts.Vocabulary.Answers.Count; answer++)
        {
            int[] glued = [.. Enumerable.Range(0, prompts.Prompts.Count).Where(IsGlued)];
            if (glued.Length == 0)
                continue;
            string text = model.TextOf(prompts.Prompts[glued[0]].Answers[answer]);
            string others = glued.Length == 1 ? "" : $" and {glued.Length - 1} more";
            string where = $"prompt {glued[0]}{others} of {prompts.Vocabulary.PromptSet}";
            yield return $"Answer '{prompts.Vocabulary.Answers[answer]}' of {where} is {TextTable.Quote(text)}, "
                + $"behind a prompt that ends with a letter; \" {text}\", with the space in front, is another token.";

            bool IsGlued(int number)
            {
                PromptTokens prompt = prompts.Prompts[number];
                return model.TextOf(prompt.Runs[0].Ids[^1]) is [.., var last] && char.IsAsciiLetter(last)
                    && LacksSpace(prompt.Answers[answer]);
            }
        }

        // Encodes nothing of an answer with its space, which is what nearly all have.
        bool LacksSpace(long token)
        {
            if (!lacks.TryGetValue(token, out bool isLacking))
                lacks[token] = isLacking = model.TextOf(token) is [var first, ..] text && char.IsAsciiLetter(first)
                    && Pieces.Spaced(model, text) is long spaced && spaced != token;
            return isLacking;
        }
    }
}

/// <summary>Asks a model's tokenizer about pieces of text.</summary>
internal static class Pieces
{
    /// <summary>
    /// The token of a piece with a space in front of it; <see langword="null"/> if it has one already, or would not be one token.
    /// </summary>
    public static long? Spaced(HookedModel model, string piece)
    {
        if (piece.StartsWith(' '))
            return null;
        try
        {
            return model.EncodePiece(" " + piece) is [var token] ? token : null;
        }
        catch (ArgumentException)
        {
            // It has no token.
            return null;
        }
    }
}
