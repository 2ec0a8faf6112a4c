using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Turns tokens back into text, in pieces that are then put together: the format's <c>decoder</c>.</summary>
internal interface IDecoder
{
    IEnumerable<string> Decode(IEnumerable<string> tokens);
}

/// <summary>Chooses a decoder by its <c>type</c>.</summary>
internal static class Decoders
{
    public static IDecoder Read(JsonField field) => field.Type() switch
    {
        "Sequence" => new DecoderSequence([.. field.Required("decoders").Items().Select(Read)]),
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Replace" => new ReplaceDecoder(TokenPattern.Read(field.Required("pattern")), field.Required("content").String()),
        "Strip" => StripDecoder.Read(field),
        "Metaspace" => MetaspaceDecoder.Read(field),
        var type => throw field.Unsupported("decoder", type),
    };
}
