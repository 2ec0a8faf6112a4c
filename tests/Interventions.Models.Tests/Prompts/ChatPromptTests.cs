using Interventions.Models.Tests.Chats;
using Interventions.Testing;

namespace Interventions.Models.Tests.Prompts;

/// <summary>Chats as prompts: marks in messages, found behind the model's template.</summary>
public sealed class ChatPromptTests
{
    private const string Gguf = "models/SmolLM2-135M/SmolLM2-135M-Instruct.Q4_1.gguf";

    private static readonly HuggingFaceTokenizer s_tokenizer = ChatTokenizers.WithTemplate();

    [Fact]
    public void Marks_in_messages_are_positions_of_the_formatted_chat()
    {
        string text = ChatPrompt.Of(
            s_tokenizer, [("system", "Hi"), ("user", "When[IO| Mary] met[S| Tom],"), ("assistant", "Ann gave it to")]);
        Assert.Equal("[|]<s><|system|>Hi<|end|><|user|>When[IO| Mary] met[S| Tom],<|end|><|assistant|>Ann gave it to", text);
        RunTokens run = Run(text);
        Assert.Equal(
            "<s>/<|system|>/Hi/<|end|>/<|user|>/When/ Mary/ met/ Tom/,/<|end|>/<|assistant|>/Ann/ gave/ it/ to",
            s_tokenizer.Words(run.Ids));
        Assert.Equal([6, 8, 15], run.Positions); // the assistant's prefix ends in 'end'
    }

    [Fact]
    public void Special_tokens_are_those_of_the_template()
    {
        HuggingFaceTokenizer without = ChatTokenizers.WithTemplate("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}");
        RunTokens run = Run(ChatPrompt.Of(without, [("user", "[IO|Mary] met[S| Tom]")]), without);
        Assert.Equal("<|user|>/Mary/ met/ Tom", without.Words(run.Ids));
        Assert.Equal("<s>/Mary/ met/ Tom", without.Words(Run("[IO|Mary] met[S| Tom]").Ids));
        Assert.Equal("Mary/ met/ Tom", without.Words(Run("[|][IO|Mary] met[S| Tom]").Ids));
        Assert.Equal("<s>/Mary/ met/ Tom", without.Words(Run("[|]<s>[IO|Mary] met[S| Tom]").Ids));
        Assert.Contains(
            "or make a chat's text with ChatPrompt.Of", Assert.Throws<ArgumentException>(() => Run("<s>[IO|Mary] met[S| Tom]")).Message);
    }

    /// <summary>The template strips the space that begins or ends a message, and with it a mark's.</summary>
    [Fact]
    public void A_mark_loses_the_space_that_the_template_strips()
    {
        string text = ChatPrompt.Of(s_tokenizer, [("user", "[IO| Mary] met[S| Tom ]")]);
        Assert.Equal("[|]<s><|user|>[IO|Mary] met[S| Tom]<|end|><|assistant|>", text);
        Assert.Equal([2, 4, 6], Run(text).Positions);
    }

    [Fact]
    public void Brackets_of_the_template_and_doubled_ones_are_text()
    {
        HuggingFaceTokenizer brackets = ChatTokenizers.WithTemplate(
            "{% for m in messages %}[INST]{{ m.content }}[INST] {% endfor %}{{ '[a|b]' if false }}");
        string text = ChatPrompt.Of(brackets, [("user", "Hi[[[IO| Mary],[S| Tom]")], new() { End = ChatEnd.Closed });
        RunTokens run = Run(text, brackets);
        Assert.Equal("[/INST/]/Hi/[/ Mary/,/ Tom/[/INST/]/ ", brackets.Words(run.Ids));
        Assert.Equal([5, 7, 11], run.Positions);
    }

    [Fact]
    public void A_chat_without_marks_has_those_of_another_run()
    {
        string clean = ChatPrompt.Of(s_tokenizer, [("user", "When[IO| Mary] met[S| Tom]")]);
        string corrupted = ChatPrompt.Of(s_tokenizer, [("user", "When Ann met Mary")]);
        NamedPrompts prompts = NamedPrompts.Create(
            s_tokenizer, ["clean", "corrupted"], ["IO", "S"], [], new PromptRow([clean, corrupted], []));
        Assert.All(prompts.Prompts[0].Runs, run => Assert.Equal([3, 5], run.Positions));
    }

    [Theory]
    [InlineData("{{ messages[0].content | replace('Mary', 'Ann') }}")]
    [InlineData("{{ messages[0].content }}{{ messages[0].content }}")]
    [InlineData("{{ messages[0].content[:8] }}")]
    [InlineData("{{ messages[0].content | reverse }}")]
    [InlineData("{{ messages[0].content | upper }}")]
    [InlineData("Hi")]
    public void A_mark_that_the_template_does_not_keep_is_refused(string template)
    {
        HuggingFaceTokenizer changing = ChatTokenizers.WithTemplate(template);
        Assert.Equal(
            "The chat's message 0 (user) marks \" Mary\" as position 'IO', and the model's template does not write that text as it is, "
                + "once: mark a part that it keeps.",
            Assert.Throws<ArgumentException>(() => ChatPrompt.Of(changing, [("user", "When[IO| Mary] met")])).Message);
    }

    /// <summary>A message is one line, whatever the user's text is.</summary>
    [Fact]
    public void Line_breaks_of_messages_are_escaped_in_errors()
    {
        HuggingFaceTokenizer changing = ChatTokenizers.WithTemplate("{{ messages[0].content | upper }}");
        Assert.StartsWith(
            "The chat's message 0 (user) marks \"met\\nTom\" as position 'IO', and ",
            Assert.Throws<ArgumentException>(() => ChatPrompt.Of(changing, [("user", "Mary[IO|met\nTom]")])).Message,
            StringComparison.Ordinal);
        foreach (Action wrong in (Action[])[
            () => PromptMarks.At("a\nb", ("S", "c\nd")), () => _ = new PromptTemplate("a\n{b").Text,
            () => s_tokenizer.FormatChat([("user", "Hi\n<|end|>")]),
            () => NamedPrompts.Create(
                s_tokenizer, ["clean", "other"], ["S"], [], new PromptRow(["Mary\nmet[S| Tom]", "Tom\nmet Tom"], []))])
            Assert.DoesNotContain("\n", Assert.ThrowsAny<ArgumentException>(wrong).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("When[IO| Mary", "Message 0 (user) of the chat has a '[' at character 4 that is not a mark: write [name|text]")]
    [InlineData("[|]Hi", "Message 0 (user) of the chat begins with [|], as a formatted chat does; give the message alone.")]
    [InlineData("Hi[IO|<|end|>]", "The chat's message 0 (user) has the text '<|end|>', which the tokenizer reads as that special token")]
    [InlineData(null, "Message 0 (user) of the chat has no text: it is null.")]
    public void What_is_no_message_is_refused(string? content, string message) => Assert.StartsWith(
        message, Assert.Throws<ArgumentException>(() => ChatPrompt.Of(s_tokenizer, [("user", content!)])).Message);

    /// <summary>A mark is found wherever the template puts the message, whatever stands around it.</summary>
    [Fact]
    public void Marks_are_found_in_every_manner()
    {
        foreach (object[] row in ChatShapes.All)
        {
            HuggingFaceTokenizer tokenizer = ChatTokenizers.WithTemplate((string)row[0]);
            ChatMessage[] messages = [.. ChatShapes.Read((string)row[1]).Select(message => message.Role == "user"
                ? message with { Content = "Mary met[IO| Tom], Tom" } : message)];
            messages = [.. messages.Take(Array.FindIndex(messages, message => message.Role == "user") + 1)];
            ChatOptions options = new() { AllowSpecialTokens = true, End = ChatEnd.Reply };
            string marked = ChatPrompt.Of(tokenizer, messages, options);
            ChatMessage[] plain = [.. messages.Select(message => message with { Content = message.Content.Replace("[IO| Tom]", " Tom") })];
            string[] halves = marked.Split("[IO| Tom]");
            Assert.Equal(2, halves.Length);
            Assert.EndsWith("Mary met", halves[0], StringComparison.Ordinal);
            Assert.StartsWith(", Tom", halves[1], StringComparison.Ordinal);
            string text = marked["[|]".Length..].Replace("[IO| Tom]", " Tom").Replace("[[", "[").Replace("[]", "]");
            Assert.Equal(tokenizer.FormatChat(plain, options), text);
        }
    }

    [SharedFact(Gguf)]
    public void SmolLm2_continues_a_marked_chat()
    {
        using SmolLm2_135M model = SmolLm2_135M.Load(SharedData.Path(Gguf));
        ChatMessage[] chat = [("user", "When[IO| Mary] and Tom met, Tom gave a book to whom?"), ("assistant", "Tom gave a book to")];
        string text = ChatPrompt.Of(model.Tokenizer, chat);
        NamedPrompts prompts = NamedPrompts.Create(
            model.Tokenizer, ["clean"], ["IO", "end"], ["IO"], new PromptRow([text], [" Mary"]));
        RunTokens run = prompts.Prompts[0].Runs[0];
        Assert.Equal(" Mary", model.Decode([run.Ids[run.Positions[0]]]));
        Assert.Equal(" to", model.Decode([run.Ids[run.Positions[1]]]));
        chat[0] = ("user", chat[0].Content.Replace("[IO| Mary]", " Mary"));
        Assert.Equal(model.Tokenizer.EncodeChat(chat).Ids.Select(id => (long)id), run.Ids);
    }

    private static RunTokens Run(string text, HuggingFaceTokenizer? tokenizer = null) => NamedPrompts.Create(
        tokenizer ?? s_tokenizer, ["clean"], ["IO", "S", "end"], [], new PromptRow([text], [])).Prompts[0].Runs[0];
}
