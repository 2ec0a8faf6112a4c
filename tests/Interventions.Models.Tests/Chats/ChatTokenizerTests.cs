using System.Text.Json;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Checkpoints;
using Interventions.Testing;

namespace Interventions.Models.Tests.Chats;

/// <summary>A tokenizer's chat template: where it is found, and what becomes of chats.</summary>
public sealed class ChatTokenizerTests
{
    private const string SmolLm = "reference/tokenizers/smollm2", Gguf = "models/SmolLM2-135M/SmolLM2-135M-Instruct.Q4_1.gguf";

    private static readonly ChatMessage[] s_chat = [("user", " Hi "), ("assistant", "Tom met")];

    [Fact]
    public void A_chat_is_text_and_tokens_with_one_beginning()
    {
        HuggingFaceTokenizer tokenizer = ChatTokenizers.WithTemplate();
        Assert.Equal("<s><|user|>Hi<|end|><|assistant|>Tom met", tokenizer.FormatChat(s_chat));
        EncodedText encoded = tokenizer.EncodeChat(s_chat);
        Assert.Equal(["<s>", "<|user|>", "Hi", "<|end|>", "<|assistant|>", "Tom", " met"], encoded.Tokens);
        Assert.Equal("<s>", encoded.Text[encoded.Offsets[0]]);
        Assert.Equal(["<s>", "<s>"], tokenizer.Encode(encoded.Text).Tokens.Take(2)); // as in transformers, encoding as a text adds one
    }

    [Fact]
    public void The_end_is_a_reply_a_continuation_or_closed()
    {
        HuggingFaceTokenizer tokenizer = ChatTokenizers.WithTemplate();
        Assert.EndsWith("Tom met<|end|>", tokenizer.FormatChat(s_chat, new() { End = ChatEnd.Closed }));
        Assert.EndsWith("Tom met<|end|><|assistant|>", tokenizer.FormatChat(s_chat, new() { End = ChatEnd.Reply }));
        Assert.EndsWith("Hi<|end|><|assistant|>", tokenizer.FormatChat([s_chat[0]]));
    }

    [Theory]
    [InlineData("Hi<|end|>", "The chat's message 1 (user) has the text '<|end|>', which the tokenizer reads as that special token, as")]
    [InlineData("<s>", "The chat's message 1 (user) has the text '<s>', which the tokenizer reads as that special token")]
    [InlineData("Hi[UNK]", "The chat's message 1 (user) has the text '[UNK]', which the tokenizer reads as that special token")]
    public void A_special_token_in_a_message_is_refused_unless_it_is_meant(string content, string message)
    {
        HuggingFaceTokenizer tokenizer = ChatTokenizers.WithTemplate();
        ChatMessage[] chat = [("system", "Hi"), ("user", content)];
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => tokenizer.EncodeChat(chat)).Message, StringComparison.Ordinal);
        Assert.Contains(content, tokenizer.FormatChat(chat, new() { AllowSpecialTokens = true }), StringComparison.Ordinal);
    }

    /// <summary>The template's tokens, white space that they take, and words without a token are no special tokens of a message.</summary>
    [Fact]
    public void What_only_looks_like_a_special_token_is_text()
    {
        HuggingFaceTokenizer tokenizer = ChatTokenizers.WithTemplate(
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}");
        Assert.Equal(["<|assistant|>", "Hi", "[UNK]"], tokenizer.EncodeChat([("assistant", "  Hi?")]).Tokens);
        Assert.Equal(["<|user|>", "[", "[UNK]"], tokenizer.EncodeChat([("user", "[UNK")], new() { End = ChatEnd.Closed }).Tokens);
    }

    [Fact]
    public void Templates_come_from_every_file_that_has_them()
    {
        static string Config(string value) =>
            $$"""{"chat_template": {{value}}, "bos_token": "<s>", "eos_token": {"content": "<|end|>"} }""";
        const string named = """[{"name": "default", "template": "D{{ eos_token }}"}, {"name": "tool_use", "template": "T"}]""";
        (string, string) config = ("tokenizer_config.json", Config("\"C{{ bos_token }}\""));
        Assert.Null(ChatTokenizers.Load().ChatTemplate);
        Assert.Equal("C<s>", Formatted(ChatTokenizers.Load(config)));
        Assert.Equal("D<|end|>", Formatted(ChatTokenizers.Load(("tokenizer_config.json", Config(named)))));
        Assert.Equal("J", Formatted(ChatTokenizers.Load(config, ("chat_template.json", """{"chat_template": "J"}"""))));
        Assert.Equal("X", Formatted(ChatTokenizers.Load(config, ("chat_template.jinja", "X\n"))));
        HuggingFaceTokenizer several = ChatTokenizers.Load(config, ("additional_chat_templates/rag.jinja", "R"));
        Assert.Equal(["default", "rag"], several.ChatTemplates.Keys);
        Assert.Equal("R", Formatted(several.WithChatTemplate(several.ChatTemplates["rag"])));
        Assert.Equal("C<s>", Formatted(several));

        HuggingFaceTokenizer tools = ChatTokenizers.Load(("tokenizer_config.json", Config(named)));
        ChatOptions options = new() { End = ChatEnd.Closed, Variables = new Dictionary<string, object?> { ["tools"] = new[] { "add" } } };
        Assert.Equal("T", tools.FormatChat(s_chat, options));

        static string Formatted(HuggingFaceTokenizer tokenizer) => tokenizer.FormatChat(s_chat, new() { End = ChatEnd.Closed });
    }

    /// <summary>A beginning that the files deny is none, also where another file has its id.</summary>
    [Fact]
    public void Special_tokens_are_those_that_the_files_name()
    {
        const string template = "{{ bos_token is defined }} {{ pad_token }}";
        Assert.Equal("True ", Formatted(ChatTokenizers.Load()));
        Assert.Equal("False [UNK]", Formatted(ChatTokenizers.Load(
            ("tokenizer_config.json", """{"bos_token": null, "pad_token": "[UNK]"}"""), ("config.json", """{"bos_token_id": 1}"""))));

        static string Formatted(HuggingFaceTokenizer tokenizer) =>
            tokenizer.WithChatTemplate(template).FormatChat(s_chat, new() { End = ChatEnd.Closed });
    }

    [Fact]
    public void A_saved_model_keeps_its_templates()
    {
        using TemporaryFolder folder = new();
        using (DecoderModel made = DecoderModel.Random(SmallDecoders.LlamaConfig))
            made.Save(folder["first"]);
        File.WriteAllText(folder["first/tokenizer.json"], ChatTokenizers.File);
        File.WriteAllText(folder["first/chat_template.jinja"], "X");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(folder["first/additional_chat_templates"]).FullName, "rag.jinja"), "R");
        using (DecoderModel model = DecoderModel.Load(folder["first"]))
            model.Save(folder["second"]);
        HuggingFaceTokenizer saved = HuggingFaceTokenizer.Load(folder["second"]);
        Assert.Equal(("X", "R"), (saved.ChatTemplate, saved.ChatTemplates["rag"]));
    }

    [Fact]
    public void A_tokenizer_without_a_template_says_what_to_do()
    {
        Assert.Equal(
            "The tokenizer has no chat template. Give it that of its model: tokenizer.WithChatTemplate(\"…\").",
            Assert.Throws<InvalidOperationException>(() => ChatTokenizers.Load().FormatChat(s_chat)).Message);
        HuggingFaceTokenizer named = ChatTokenizers.Load(
            ("tokenizer_config.json", """{"chat_template": [{"name": "rag", "template": "R"}]}"""));
        Assert.Equal(
            "The tokenizer's chat templates are 'rag', and none is the default: take one, "
                + "tokenizer.WithChatTemplate(tokenizer.ChatTemplates[\"rag\"]).",
            Assert.Throws<InvalidOperationException>(() => named.FormatChat(s_chat)).Message);
    }

    [Fact]
    public void A_malformed_template_hinders_chats_alone()
    {
        HuggingFaceTokenizer tokenizer = ChatTokenizers.Load(("chat_template.jinja", "\n{% if %}"));
        Assert.Equal(2, tokenizer.Encode("Hi").Ids.Count);
        string message = Assert.Throws<InvalidDataException>(() => tokenizer.FormatChat(s_chat)).Message;
        Assert.StartsWith("The chat template of '", message, StringComparison.Ordinal);
        Assert.EndsWith("', line 2: '%}' stands where a value is expected.", message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => ChatTokenizers.WithTemplate("{{"));
        Assert.Contains(
            "chat_template[0]: 'template' is missing",
            Assert.Throws<InvalidDataException>(() =>
                ChatTokenizers.Load(("tokenizer_config.json", """{"chat_template": [{"name": "a"}]}"""))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Templates_of_a_gguf_file_are_those_of_its_keys()
    {
        GgufBuilder file = new GgufBuilder().WithTokenizer(60);
        Assert.Null(Read().ChatTemplate);
        file["tokenizer.chat_template"] = "one{{ eos_token }}";
        Assert.Equal("one<|end|>", Read().FormatChat(s_chat, new() { End = ChatEnd.Closed }));
        file["tokenizer.chat_templates"] = (string[])["rag"];
        file["tokenizer.chat_template.rag"] = "two";
        Assert.Equal("one{{ eos_token }}", Read().ChatTemplate);
        Assert.Equal("two", Read().ChatTemplates["rag"]);

        HuggingFaceTokenizer Read() => StoredTokenizer.InGguf(GgufHeader.Read(new MemoryStream(file.Build()), "chat.gguf")).Load();
    }

    [SharedFact(SmolLm + "/chat.jsonl")]
    public void SmolLm2_formats_chats_as_transformers_does()
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(SharedData.Path(SmolLm));
        int count = 0;
        foreach (string line in File.ReadAllText(SharedData.Path(SmolLm + "/chat.jsonl")).Split('\n').Where(line => line.Length > 0))
        {
            JsonElement row = JsonElement.Parse(line);
            ChatMessage[] messages = [.. row.GetProperty("messages").EnumerateArray().Select(message =>
                new ChatMessage(message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!))];
            ChatOptions options = new()
            {
                End = row.GetProperty("add_generation_prompt").GetBoolean() ? ChatEnd.Reply : ChatEnd.Closed,
                AllowSpecialTokens = messages.Any(message => message.Content.Contains("<|", StringComparison.Ordinal)),
            };
            Exception? refusal = Record.Exception(() => tokenizer.FormatChat(messages, options with { AllowSpecialTokens = false }));
            Assert.Equal(options.AllowSpecialTokens, refusal is ArgumentException);
            Assert.Equal(row.GetProperty("text").GetString(), tokenizer.FormatChat(messages, options));
            Assert.Equal(row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), tokenizer.EncodeChat(messages, options).Ids);
            count++;
        }
        Assert.Equal(10, count);
    }

    [SharedFact(Gguf)]
    public void A_gguf_file_brings_the_same_template()
    {
        using GgufFile file = new(SharedData.Path(Gguf));
        HuggingFaceTokenizer tokenizer = StoredTokenizer.InGguf(file.Header).Load();
        Assert.Equal(
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
                + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            tokenizer.FormatChat([("user", "Hi")]));
    }
}
