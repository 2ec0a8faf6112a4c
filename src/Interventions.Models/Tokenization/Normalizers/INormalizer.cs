using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Rewrites a text before it is split: the format's <c>normalizer</c>.</summary>
internal interface INormalizer
{
    AlignedText Normalize(AlignedText text);
}

/// <summary>Chooses a normalizer by its <c>type</c>.</summary>
internal static class Normalizers
{
    public static INormalizer Read(JsonField field) => field.Type() switch
    {
        "Sequence" => new NormalizerSequence([.. field.Required("normalizers").Items().Select(Read)]),
        "NFC" => new UnicodeNormalizer(compatibility: false, compose: true),
        "NFD" => new UnicodeNormalizer(compatibility: false, compose: false),
        "NFKC" => new UnicodeNormalizer(compatibility: true, compose: true),
        "NFKD" => new UnicodeNormalizer(compatibility: true, compose: false),
        "Lowercase" => new LowercaseNormalizer(),
        "Prepend" => new PrependNormalizer(field.Required("prepend").String()),
        "Replace" => new ReplaceNormalizer(TokenPattern.Read(field.Required("pattern")), field.Required("content").String()),
        "Strip" => new StripNormalizer(field.Required("strip_left").Bool(), field.Required("strip_right").Bool()),
        "StripAccents" => new StripAccentsNormalizer(),
        var type => throw field.Unsupported("normalizer", type),
    };
}
