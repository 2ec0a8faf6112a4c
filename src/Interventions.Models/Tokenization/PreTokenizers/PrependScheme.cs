using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>When Metaspace puts its sign in front of a text that does not begin with one.</summary>
internal enum PrependScheme
{
    /// <summary>Always, also after an added token.</summary>
    Always,

    /// <summary>Only at the beginning of the whole text.</summary>
    First,

    /// <summary>Not at all.</summary>
    Never,
}

/// <summary>The fields that Metaspace has both as a pre-tokenizer and as a decoder.</summary>
internal static class PrependSchemes
{
    public static PrependScheme Read(JsonField metaspace)
    {
        if (metaspace.Optional("prepend_scheme") is not { } scheme)
            return metaspace.Optional("add_prefix_space")?.Bool() ?? true ? PrependScheme.Always : PrependScheme.Never;    // older files
        return scheme.String() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw scheme.Invalid($"'{other}' is not one of always, first, never"),
        };
    }

    public static string Sign(JsonField metaspace)
    {
        var field = metaspace.Required("replacement");
        string sign = field.String();
        return sign.EnumerateRunes().Count() == 1 ? sign : throw field.Invalid($"'{sign}' is not one character");
    }
}
