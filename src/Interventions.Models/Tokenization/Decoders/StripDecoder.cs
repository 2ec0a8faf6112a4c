using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Takes up to so many of one character off the ends of each piece.</summary>
internal sealed class StripDecoder(char character, int fromStart, int fromEnd) : IDecoder
{
    public static StripDecoder Read(JsonField field)
    {
        var content = field.Required("content");
        string text = content.String();
        if (text.Length != 1) throw content.Invalid($"'{text}' is not one character");
        return new(text[0], field.Required("start").Id(), field.Required("stop").Id());
    }

    public IEnumerable<string> Decode(IEnumerable<string> tokens) => tokens.Select(token =>
    {
        int start = 0, end = token.Length;
        while (start < fromStart && start < end && token[start] == character) start++;
        while (token.Length - end < fromEnd && end > start && token[end - 1] == character) end--;
        return token[start..end];
    });
}
