using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Chats;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Where a model ends its texts: whichever file says it, and what a generation does about it.</summary>
public sealed class EndTokensTests : IDisposable
{
    private static readonly long[][] s_prompts = [[3, 1, 4], [1, 5, 9, 2]];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, null, false, new long[0])]
    [InlineData("3", null, false, new long[] { 3 })]
    [InlineData("null", "[5, 0]", false, new long[] { 5, 0 })]
    [InlineData("3", "[5, 3]", true, new long[] { 5, 3, 2 })]
    [InlineData("[2, 999, -1]", null, true, new long[] { 2 })]
    public void All_that_files_call_an_end_are_ends_also_of_the_saved_model(
        string? config, string? generation, bool hasTokenizer, long[] expected)
    {
        Write(config, generation, hasTokenizer);
        using DecoderModel model = DecoderModel.Load(_folder.Path);
        Assert.Equal(expected, model.EndTokens);
        model.Save(_folder["saved"]);
        using DecoderModel saved = DecoderModel.Load(_folder["saved"]), processed = saved.Processed(WeightProcessing.FoldNorms);
        Assert.Equal(expected.Order(), saved.EndTokens.Order());
        Assert.Equal(saved.EndTokens, processed.EndTokens);
    }

    [Fact]
    public void What_is_no_token_is_refused_where_it_is_asked_for()
    {
        Write(null, "\"</s>\"", hasTokenizer: false);
        using DecoderModel model = DecoderModel.Load(_folder.Path);
        Assert.EndsWith(
            "generation_config.json' cannot be used: 'eos_token_id' must be a token id, or a list of them, and is \"</s>\".",
            Assert.Throws<CheckpointException>(() => model.EndTokens).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gguf_file_says_the_ends_of_texts_and_turns()
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig);
        GgufBuilder file = GgufConversion.Of(stored).WithTokenizer(stored.VocabularySize);
        file["tokenizer.ggml.eos_token_id"] = 60u;
        file["tokenizer.ggml.eot_token_id"] = 4u;
        File.WriteAllBytes(_folder["model.gguf"], file.Build());
        using DecoderModel model = DecoderModel.Load(_folder["model.gguf"]);
        Assert.Equal([60, 4], model.EndTokens);
    }

    [Fact]
    public void A_text_stops_at_the_models_end_and_says_so()
    {
        Write(null, null, hasTokenizer: true);
        using DecoderModel free = DecoderModel.Load(_folder.Path);
        GeneratedRun all = free.Generate(s_prompts, new() { MaxNewTokens = 6 });
        Assert.Equal([null, null], all.StoppedBy);
        Assert.DoesNotContain("ended by", $"{all}", StringComparison.Ordinal);

        // The second new token of the first prompt becomes the end.
        long end = all.Tokens[0][1];
        Write($"{end}", null, hasTokenizer: true);
        using DecoderModel model = DecoderModel.Load(_folder.Path);
        Assert.Contains(end, model.EndTokens);
        GeneratedRun stopped = model.Generate(s_prompts, new() { MaxNewTokens = 6, StopAtEnd = true });
        for (int prompt = 0; prompt < s_prompts.Length; prompt++)
        {
            int length = all.Tokens[prompt].ToList().FindIndex(model.EndTokens.Contains) is >= 0 and int at ? at + 1 : 6;
            Assert.Equal(all.Tokens[prompt].Take(length), stopped.Tokens[prompt]);
            Assert.Equal(length == 6 && !model.EndTokens.Contains(all.Tokens[prompt][5]) ? null : all.Tokens[prompt][length - 1],
                stopped.StoppedBy[prompt]);
        }
        Assert.InRange(stopped.Tokens[0].Count, 1, 2);
        Assert.Contains("ended by", $"{stopped}", StringComparison.Ordinal);
        Assert.Contains(model.Tokenizer.IdToToken((int)stopped.StoppedBy[0]!)!, $"{stopped}", StringComparison.Ordinal);
        Assert.Equal(all.Tokens, model.Generate(s_prompts, new() { MaxNewTokens = 6 }).Tokens); // only where it is asked for
    }

    [Fact]
    public void A_model_that_does_not_say_its_end_cannot_stop_there()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.LlamaConfig);
        Assert.Contains(
            "does not say with which token it ends a text: give StopTokens in the place of StopAtEnd.",
            Assert.Throws<InterventionException>(() => model.Generate(s_prompts, new() { StopAtEnd = true })).Message,
            StringComparison.Ordinal);
    }

    /// <summary>A checkpoint of few words.</summary>
    private void Write(string? config, string? generation, bool hasTokenizer)
    {
        using (DecoderModel made = DecoderModel.Random(SmallDecoders.LlamaConfig with { VocabularySize = 24 }, seed: 3))
            made.Save(_folder.Path);
        string file = _folder["config.json"], text = File.ReadAllText(file);
        if (config is not null)
            File.WriteAllText(file, "{\"eos_token_id\": " + config + "," + text[1..]);
        if (generation is not null)
            File.WriteAllText(_folder["generation_config.json"], "{\"eos_token_id\": " + generation + "}");
        if (!hasTokenizer)
            return;
        File.WriteAllText(_folder["tokenizer.json"], ChatTokenizers.File);
        File.WriteAllText(_folder["tokenizer_config.json"], """{"eos_token": "<|end|>"}""");
    }
}
