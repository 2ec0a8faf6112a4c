using System.Text.Json;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>
/// Which tokens begin and end a text, pad it, and stand for the unknown. <c>tokenizer.json</c> does not say; the files beside it do,
/// and where they do not, the template that is put around a text does.
/// </summary>
internal sealed record SpecialTokenNames(string? Bos, string? Eos, string? Pad)
{
    public static SpecialTokenNames Read(string folder, TokenizerPipeline pipeline, Func<int, string?> tokenOf)
    {
        var named = new[] { "tokenizer_config.json", "special_tokens_map.json" }
            .Select(name => Path.Combine(folder, name)).Where(File.Exists).Select(JsonField.OfFile).ToArray();
        string config = Path.Combine(folder, "config.json");
        JsonField? ids = File.Exists(config) ? JsonField.OfFile(config) : null;
        var template = Template(pipeline.PostProcessor);
        // GPT-2's family has one special token for everything.
        var special = pipeline.AddedTokens.Where(token => token.Special).ToArray();
        string? only = special is [{ Content: "<|endoftext|>" } one] ? one.Content : null;

        return new(
            Named("bos_token") ?? Numbered("bos_token_id") ?? TokenOf(template?.Before) ?? only,
            Named("eos_token") ?? Numbered("eos_token_id") ?? TokenOf(template?.After) ?? only,
            Named("pad_token") ?? Numbered("pad_token_id"));

        string? Named(string name) => named
            .Select(file => file.Optional(name))
            .Select(field => field?.Kind == JsonValueKind.Object ? field?.Required("content").String() : field?.String())
            .FirstOrDefault(token => token is not null);

        // Several ids (some chat models list their ends) name no single token.
        string? Numbered(string name) => ids?.Optional(name) is { Kind: JsonValueKind.Number } id ? tokenOf(id.Id()) : null;

        string? TokenOf(IReadOnlyList<PipelineToken>? tokens) => tokens is [var token] ? tokenOf(token.Id) : null;
    }

    private static TemplatePostProcessor? Template(IPostProcessor? processor) => processor switch
    {
        TemplatePostProcessor template => template,
        PostProcessorSequence sequence => sequence.Steps.Select(Template).FirstOrDefault(template => template is not null),
        _ => null,
    };
}
