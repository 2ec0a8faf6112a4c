using System.Text;
using System.Text.Json;
using Interventions.Models.Chats;

namespace Interventions.Models.Tests.Chats;

/// <summary>Chat templates: what they write, what they refuse, and where they stop.</summary>
public sealed class ChatTemplateTests
{
    private static readonly Dictionary<string, string> s_tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    private static readonly ChatOptions s_closed = new() { End = ChatEnd.Closed, Now = new DateTime(2024, 7, 26) };

    [Theory]
    [MemberData(nameof(TemplateCases.All), MemberType = typeof(TemplateCases))]
    public void Templates_write_what_jinja_writes(string template, string text) =>
        Assert.Equal(text, Format(template, TemplateCases.Messages, s_closed with { Variables = TemplateCases.Variables }));

    [Theory]
    [MemberData(nameof(ChatShapes.All), MemberType = typeof(ChatShapes))]
    public void Chats_are_formatted_in_every_manner(string template, string chat, string reply, string closed)
    {
        Assert.Equal(reply, Format(template, ChatShapes.Read(chat), s_closed with { End = ChatEnd.Reply }));
        Assert.Equal(closed, Format(template, ChatShapes.Read(chat), s_closed));
    }

    [Fact]
    public void Tools_and_further_fields_reach_the_template()
    {
        JsonElement tools = JsonElement.Parse("""[{"name": "add", "parameters": {"b": [1, 2.5, null, true]}}]""");
        Dictionary<string, object?> call = new()
        {
            ["function"] = new Dictionary<string, object?>
            {
                ["name"] = "add",
                ["arguments"] = new Dictionary<string, object?> { ["x"] = 2 },
            },
        };
        ChatMessage[] messages =
        [
            ("user", "2 + 2?"),
            new("assistant", "So:") { Fields = new Dictionary<string, object?> { ["tool_calls"] = new[] { call } } },
            ("tool", "4"),
        ];
        string text = Format(
            ChatShapes.Qwen, messages, s_closed with { Variables = new Dictionary<string, object?> { ["tools"] = tools } });
        Assert.Equal(
            "<|im_start|>system\n# Tools\n<tools>\n{\"name\": \"add\", \"parameters\": {\"b\": [1, 2.5, null, true]}}\n</tools><|im_end|>\n"
            + "<|im_start|>user\n2 + 2?<|im_end|>\n<|im_start|>assistant\nSo:\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"x\": 2}}\n"
            + "</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n4\n</tool_response><|im_end|>\n",
            text);
    }

    [Fact]
    public void A_reply_is_begun_or_the_last_message_continued_as_its_role_says()
    {
        ChatOptions unsaid = s_closed with { End = null };
        Assert.EndsWith("<|im_start|>assistant\n", Format(ChatShapes.ChatMl, [("user", "Hi")], unsaid));
        Assert.EndsWith("assistant\nYo, ", Format(ChatShapes.ChatMl, [("user", "Hi"), ("assistant", "Yo, ")], unsaid));
        Assert.EndsWith("user\nYo", Format(ChatShapes.ChatMl, [("user", "Yo"), ("user", "Yo")], unsaid with { End = ChatEnd.Continue }));
        // The template strips the space at the end; the same words stand elsewhere, too.
        Assert.EndsWith("[/INST] Yo", Format(ChatShapes.Llama2, [("user", "Yo"), ("assistant", " Yo ")], unsaid));
    }

    [Theory]
    [InlineData("", "The chat's message 1 (assistant) is empty, and is to be continued: leave it out")]
    [InlineData("<think>a</think>b", "The chat's message 1 (assistant) is to be continued, and the model's template does not write ")]
    public void A_message_that_is_not_in_the_text_is_not_continued(string content, string reason) =>
        Assert.StartsWith(reason, Assert.Throws<ArgumentException>(() =>
            Format(ChatShapes.DeepSeek, [("user", "Hi"), ("assistant", content)], s_closed with { End = null })).Message);

    [Fact]
    public void A_template_refuses_with_its_own_words()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() =>
            Format(ChatShapes.Llama2, [("user", "a"), ("user", "b")], s_closed));
        Assert.Equal("The template, line 10, refuses the messages: user and assistant take turns", refused.Message);
    }

    [Theory]
    [InlineData("a\n{{ gone.x }}", "The template, line 2: 'gone' is not defined, so it has no 'x'.")]
    [InlineData("a\n\n{{ messages[0].gone.x }}", "line 3: there is no 'gone' in a map that has 'role', 'content', so it has no 'x'.")]
    [InlineData("{{ gone() }}", "line 1: 'gone' is not defined, and is called.")]
    [InlineData("{{ gone + 'a' }}", "line 1: 'gone' is not defined.")]
    [InlineData("{{ messages[0].content + 1 }}", "line 1: the text \"Hi\" + 1 is neither a sum nor a text.")]
    [InlineData("{% if 1 < 'a' %}{% endif %}", "line 1: 1 and the text \"a\" cannot be compared.")]
    [InlineData("{% for x in none %}{% endfor %}", "line 1: none cannot be gone through.")]
    [InlineData("{{ 1 // 0 }}", "line 1: a number is divided by zero.")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "line 1: 9223372036854775807 + 1 is too large a number.")]
    [InlineData("{% set gone.x = 1 %}", "line 1: 'gone' is no namespace, so 'gone.x' cannot be set.")]
    [InlineData("{% set a, b = [1] %}", "line 1: a list of 1 has not as many items as there are names: 'a', 'b'.")]
    [InlineData("{{ messages.append(1) }}", "line 1: 'append' would change a list, which templates may not do.")]
    [InlineData("{{ 'a' | replace }}", "line 1: an argument is missing.")]
    [InlineData("{{ 'a' | trim(1, 2) }}", "line 1: 'trim' takes 1 arguments, not 2.")]
    [InlineData("{{ 'a'.upper(1) }}", "line 1: 'upper' takes 0 arguments, not 1.")]
    [InlineData("{{ 2 is even(1) }}", "line 1: 'even' takes 0 arguments, not 1.")]
    [InlineData("{{ namespace() | tojson }}", "line 1: a namespace cannot be written as JSON.")]
    public void What_a_template_gets_wrong_is_said_with_its_line(string template, string message) => Assert.EndsWith(
        message, Assert.Throws<InvalidDataException>(() => Format(template, [("user", "Hi")], s_closed)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a\n{{ 'x", "line 2: a string is not closed.")]
    [InlineData("{{ n ", "line 1: '{{' is not closed: '}}' is missing.")]
    [InlineData("{# n", "line 1: a comment is not closed.")]
    [InlineData("{% raw %}", "line 1: 'raw' is not closed: {% endraw %} is missing.")]
    [InlineData("\n{% if n %}\n", "line 2: 'if' is not closed: {% endif %} is missing.")]
    [InlineData("{% for x in n %}{% if x %}{% endfor %}", "line 1: 'endfor' ends nothing that is open.")]
    [InlineData("{% endif %}", "line 1: 'endif' ends nothing that is open.")]
    [InlineData("{{ }}", "line 1: '}}' stands where a value is expected.")]
    [InlineData("{{ a b }}", "line 1: 'b' stands where '}}' is expected.")]
    [InlineData("{% if a b %}{% endif %}", "line 1: 'b' stands where '%}' is expected.")]
    [InlineData("{% for a of b %}{% endfor %}", "line 1: 'of' stands where 'in' is expected.")]
    [InlineData("{{ (1] }}", "line 1: ']' closes nothing that is open.")]
    [InlineData("{{ a ; b }}", "line 1: ';' has no meaning here.")]
    [InlineData("{{ f(a=1, 2) }}", "line 1: an argument without a name stands behind one with a name.")]
    [InlineData("{{ '\\u12' }}", "line 1: '\\u12' ' is no character.")]
    public void What_is_no_template_is_refused_with_its_line(string template, string message) => Assert.EndsWith(
        message, Assert.Throws<InvalidDataException>(() => new ChatTemplate("The template", template)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{% include 'x' %}", "the tag 'include'")]
    [InlineData("{% for x in n recursive %}{% endfor %}", "a recursive loop")]
    [InlineData("{{ n | groupby('x') }}", "the filter 'groupby'")]
    [InlineData("{{ n is filter }}", "the test 'filter'")]
    [InlineData("{{ f(*n) }}", "'*' before an argument")]
    [InlineData("{{ strftime_now('%U') }}", "'%U' in a time")]
    [InlineData("{{ [] | tojson(cls=1) }}", "the argument 'cls' of 'tojson'")]
    [InlineData("{{ [[1]] | max(attribute=0) }}", "the argument 'attribute' of 'max'")]
    public void What_is_not_supported_is_named(string template, string what) => Assert.Equal(
        $"The template, line 1: {what} is not supported.",
        Assert.Throws<NotSupportedException>(() => Format(template, [("user", "Hi")], s_closed)).Message);

    [Theory]
    [InlineData("{% for a in range(30) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s == ns.s }}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}")]
    [InlineData("{% set ns = namespace(s=1) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson(indent=9) }}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(999) %}{% set ns.s = [ns.s] %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{% filter upper %}{{ m() }}{% endfilter %}")]
    [InlineData("{{ 'x' * 999999999999 }}")]
    [InlineData("{{ [1] * 999999999999 }}")]
    [InlineData("{{ range(999999999999) }}")]
    [InlineData("{{ range(-9223372036854775807, 9223372036854775807) }}")]
    [InlineData("{{ 'a' | indent(999999999) }}{% for i in range(99999) %}{{ 'a\na' | indent(1000) }}{% endfor %}")]
    [InlineData("{{ 'aaaa'.replace('', 'b' * 9999999) }}")]
    public void Work_is_bounded(string template) =>
        Assert.Throws<InvalidDataException>(() => Format(template, [("user", "Hi")], s_closed));

    [Fact]
    public void Nesting_is_bounded()
    {
        foreach (string template in (string[])
            [
                "{{ " + new string('(', 20_000) + "1" + new string(')', 20_000) + " }}",
                "{{ " + new string('[', 20_000), "{{ " + string.Concat(Enumerable.Repeat("not ", 20_000)) + "1 }}",
                "{{ " + new string('-', 20_000) + "1 }}", "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 20_000)) + " }}",
                "{{ a" + string.Concat(Enumerable.Repeat(".a", 20_000)) + " }}",
                "{{ 'a'" + string.Concat(Enumerable.Repeat(" | trim", 20_000)) + " }}",
                string.Concat(Enumerable.Repeat("{% if 1 %}", 20_000)),
                "{{ " + string.Concat(Enumerable.Repeat("1 if 1 else ", 20_000)) + "1 }}",
            ])
            Assert.Throws<InvalidDataException>(() => Format(template, [("user", "Hi")], s_closed));
    }

    /// <summary>Whatever becomes of a template, it writes a text or says in one sentence why not.</summary>
    [Fact]
    public void Damaged_templates_write_a_text_or_say_why_not()
    {
        Random random = new(1);
        string[] templates =
        [
            .. ChatShapes.All.Select(row => (string)row[0]).Distinct(), .. TemplateCases.All.Select(row => (string)row[0]),
        ];
        string[] pieces = [.. templates.SelectMany(template => template.Split(' ', '\n'))];
        for (int i = 0; i < 4000; i++)
        {
            string template = templates[random.Next(templates.Length)];
            for (int change = random.Next(1, 4); change > 0 && template.Length > 0; change--)
            {
                int at = random.Next(template.Length), end = Math.Min(template.Length, at + random.Next(6));
                template = template[..at] + (random.Next(2) == 0 ? "" : pieces[random.Next(pieces.Length)]) + template[end..];
            }
            try
            {
                Format(template, TemplateCases.Messages, s_closed with { Variables = TemplateCases.Variables });
            }
            catch (Exception e) when (e is InvalidDataException or ArgumentException or NotSupportedException)
            {
                Assert.StartsWith("The template, line ", e.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Every character of a message that is in the text says where it stands in the message.</summary>
    [Fact]
    public void Characters_of_messages_are_known_in_the_text()
    {
        const string letters = "ab [|]\n😀é<|im_end|>";
        Random random = new(2);
        foreach (object[] row in ChatShapes.All)
            for (int i = 0; i < 20; i++)
            {
                ChatMessage[] messages = [.. ChatShapes.Read((string)row[1]).Select(message => message with
                {
                    Content = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Letter(random))),
                })];
                FormattedChat chat = new ChatTemplate("The template", (string)row[0]).Format(messages, s_tokens, s_closed);
                int found = 0;
                foreach ((int place, char letter) in chat.Text.Text.Index())
                    if (chat.Text.Origin(place) is >= 0 and var origin)
                    {
                        int message = chat.MessageOf(origin);
                        Assert.Equal(messages[message].Content[origin - chat.Starts[message]], letter);
                        found++;
                    }
                int said = messages.Sum(message => message.Content.Count(letter => !char.IsWhiteSpace(letter)));
                Assert.True(found >= said, $"{found} characters of {said} in {chat.Text}");
            }

        static string Letter(Random random)
        {
            Rune[] runes = [.. letters.EnumerateRunes()];
            return runes[random.Next(runes.Length)].ToString();
        }
    }

    [Theory]
    [InlineData("tools", 1, "")]
    [InlineData("messages", "a", "'messages' is no variable: messages are given as such, and End says how the text ends.")]
    [InlineData("day", 'a', "The chat's variable 'day' is a Char: give texts, numbers, truth values, lists and maps of these, or a J…")]
    public void Variables_are_values_that_templates_know(string name, object value, string refusal)
    {
        ChatOptions options = s_closed with { Variables = new Dictionary<string, object?> { [name] = value } };
        if (refusal.Length == 0)
            Assert.Equal("1", Format("{{ tools }}", [("user", "Hi")], options));
        else
            Assert.StartsWith(
                refusal.TrimEnd('…'), Assert.Throws<ArgumentException>(() => Format("{{ tools }}", [("user", "Hi")], options)).Message);
    }

    [Fact]
    public void A_chat_has_messages_with_role_and_content()
    {
        Assert.Equal("A chat has at least one message.", Assert.Throws<ArgumentException>(() => Format("", [], s_closed)).Message);
        Assert.Equal(
            "The chat's message 1 has no content: it is null.",
            Assert.Throws<ArgumentException>(() => Format("", [("user", "a"), ("user", null!)], s_closed)).Message);
        Assert.Equal(
            "The chat's message 0 has 'role' twice: as a property and among its fields.",
            Assert.Throws<ArgumentException>(() => Format(
                "", [new ChatMessage("user", "a") { Fields = new Dictionary<string, object?> { ["role"] = "b" } }], s_closed)).Message);
    }

    [Fact]
    public void The_date_is_the_one_that_is_given() =>
        Assert.Equal(
            "26 Jul 2024 7/26/24 2024-07-26 Friday 00:00 100%",
            Format("{{ strftime_now('%d %b %Y %-m/%d/%y %F %A %H:%M 100%%') }}", [("user", "Hi")], s_closed));

    private static string Format(string template, ChatMessage[] messages, ChatOptions options) =>
        new ChatTemplate("The template", template).Format(messages, s_tokens, options).Text.Text;
}
