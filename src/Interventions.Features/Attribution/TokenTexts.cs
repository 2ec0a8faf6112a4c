using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>Tokens as people read them.</summary>
internal static class TokenTexts
{
    /// <summary>A token's text; of one that has none, such as a special token, its name in the vocabulary, else its number.</summary>
    public static string Of(HookedModel model, long token) => model.Decode([token]) is { Length: > 0 } text ? text : model.NameOf(token);
}
