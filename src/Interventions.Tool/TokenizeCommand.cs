using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Interventions.Models;
using Interventions.Models.Checkpoints;
using Interventions.Tables;

namespace Interventions.Tool;

/// <summary><c>interventions tokenize</c>: a text as tokens, or tokens as a text.</summary>
internal static class TokenizeCommand
{
    /// <summary>Encodes a text, or decodes ids.</summary>
    /// <param name="model">The checkpoint, or a <c>tokenizer.json</c>.</param>
    /// <param name="text">The text.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's tokens around a text are added.</param>
    /// <exception cref="CheckpointException">There is no such model, or its tokenizer is not supported.</exception>
    /// <exception cref="ToolException">Not one of text and ids is given, or an id is none of the vocabulary.</exception>
    public static ToolAnswer Answer(string model, string? text, IReadOnlyList<int>? ids, bool addSpecialTokens)
    {
        if (text is null == ids is null)
            throw new ToolException(text is null ? "Give a TEXT, or ids with --ids." : "Give either a TEXT or --ids, not both.");
        HuggingFaceTokenizer tokenizer = StoredTokenizer.Of(LocalModel.Of(model)).Load();
        return ids is null ? Encoded(tokenizer.Encode(text!, addSpecialTokens)) : Decoded(tokenizer, ids);
    }

    private static ToolAnswer Encoded(EncodedText encoded) => new(
        () =>
        {
            TextTable table = new(new("", IsNumber: true), new("id", IsNumber: true), new("token"), new("text"), new("at"));
            for (int i = 0; i < encoded.Ids.Count; i++)
                table.Add(Number(i), Number(encoded.Ids[i]), encoded.Tokens[i], Piece(encoded, i), Place(encoded.Offsets[i]));
            return table.Print() + string.Concat(encoded.Missing.Select(part =>
                ShortText.Line($"no token for {TextTable.Quote(encoded.Text[part])} at {Place(part)}: the ids lack it")));
        },
        () => new JsonObject
        {
            ["text"] = encoded.Text,
            ["tokens"] = ToolAnswer.List(Enumerable.Range(0, encoded.Ids.Count), i => new JsonObject
            {
                ["id"] = encoded.Ids[i],
                ["token"] = encoded.Tokens[i],
                ["start"] = encoded.Offsets[i].Start.Value,
                ["end"] = encoded.Offsets[i].End.Value,
            }),
            ["missing"] = ToolAnswer.List(encoded.Missing, part => new JsonObject
            {
                ["start"] = part.Start.Value,
                ["end"] = part.End.Value,
            }),
        });

    private static ToolAnswer Decoded(HuggingFaceTokenizer tokenizer, IReadOnlyList<int> ids)
    {
        string[] tokens = [.. ids.Select(id => tokenizer.IdToToken(id)
            ?? throw new ToolException($"There is no token {id}: the tokenizer has the ids 0 to {tokenizer.Vocabulary.Values.Max()}."))];
        string text = tokenizer.Decode(ids);
        return new(
            () =>
            {
                TextTable table = new(new("", IsNumber: true), new("id", IsNumber: true), new("token"));
                for (int i = 0; i < tokens.Length; i++)
                    table.Add(Number(i), Number(ids[i]), tokens[i]);
                return new StringBuilder(table.Print()).Append('\n').Append(text).Append('\n').ToString();
            },
            () => new JsonObject
            {
                ["text"] = text,
                ["tokens"] = ToolAnswer.List(Enumerable.Range(0, tokens.Length), i => new JsonObject
                {
                    ["id"] = ids[i],
                    ["token"] = tokens[i],
                }),
            });
    }

    /// <summary>A token that was added around the text stands for none of it.</summary>
    private static string Piece(EncodedText encoded, int token) =>
        encoded.Offsets[token].End.Value == 0 ? "" : TextTable.Quote(encoded.Text[encoded.Offsets[token]]);

    private static string Place(Range range) => string.Create(CultureInfo.InvariantCulture, $"{range.Start.Value}..{range.End.Value}");

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
