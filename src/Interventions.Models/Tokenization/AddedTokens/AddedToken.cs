using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A token that is looked for in the text itself, before anything splits it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Not within a word: no word character on either side.</param>
/// <param name="StripLeft">It swallows the white space before it.</param>
/// <param name="StripRight">It swallows the white space after it.</param>
/// <param name="Normalized">It is looked for in the normalized text, in its own normalized form.</param>
/// <param name="Special">Decoding may skip it.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool StripLeft, bool StripRight, bool Normalized, bool Special)
{
    public static AddedToken Read(JsonField field) => new(
        field.Required("id").Id(),
        field.Required("content").String(),
        field.Required("single_word").Bool(),
        field.Required("lstrip").Bool(),
        field.Required("rstrip").Bool(),
        field.Required("normalized").Bool(),
        field.Required("special").Bool());
}
