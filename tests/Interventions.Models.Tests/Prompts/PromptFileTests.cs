using FsCheck;
using FsCheck.Fluent;
using Interventions.Runtime;

namespace Interventions.Models.Tests.Prompts;

/// <summary>Prompts in CSV and JSONL files.</summary>
public sealed class PromptFileTests
{
    private static readonly HuggingFaceTokenizer s_bytes = Tokenization.TokenizerFolder.Load(
        System.Text.Json.JsonSerializer.Serialize(new
        {
            version = "1.0",
            added_tokens = Array.Empty<int>(),
            pre_tokenizer = new { type = "Split", pattern = new { Regex = "[\\s\\S]" }, behavior = "Isolated", invert = false },
            decoder = new { type = "Fuse" },
            model = new
            {
                type = "WordLevel",
                unk_token = "?",
                vocab = Letters.Prepend("?").Index().ToDictionary(letter => letter.Item, letter => letter.Index),
            },
        }));

    /// <summary>Each character is a token, and none of them is unknown but ?.</summary>
    private static Arbitrary<TinyPrompts.Prompt[]> Texts =>
        (from prompts in Gen.Choose(1, 4)
         from rows in Gen.ArrayOf(Row, prompts)
         select rows).ToArbitrary();

    private static Gen<TinyPrompts.Prompt> Row =>
        from length in Gen.Choose(1, 8)
        from runs in Gen.ArrayOf(Gen.ArrayOf(Letter, length), 3)
        from at in Gen.Choose(0, length - 1)
        from template in Gen.Choose(-2, 2)
        from right in Letter
        from wrong in Letter
        let texts = runs.Select(run => PromptMarks.At(string.Concat(run), ("subject", at..(at + 1)))).ToArray()
        select new TinyPrompts.Prompt
        {
            Clean = texts[0],
            Corrupted = texts[1],
            Other = texts[2],
            Right = right,
            Wrong = wrong,
            Template = template,
        };

    private static string[] Letters => ["a", "b", ",", " ", "\"", "\n", "\r", "[", "]", "{", "}", "|", "é", "="];

    private static Gen<string> Letter => Gen.Elements(Letters);

    [Theory]
    [InlineData(".csv", false)]
    [InlineData(".csv", true)]
    [InlineData(".jsonl", false)]
    [InlineData(".jsonl", true)]
    public void What_is_read_is_what_was_written(string extension, bool asTokens) => Prop.ForAll(Texts, rows =>
    {
        using TemporaryFolder folder = new();
        TinyPrompts set = TinyPrompts.Create(s_bytes, rows);
        string path = folder[$"new/prompts{extension}"];
        set.Save(path, asTokens);
        TinyPrompts read = TinyPrompts.Load(path, asTokens ? null : s_bytes);
        Assert.Equal(set.Prompts.Count, read.Prompts.Count);
        foreach ((PromptTokens before, PromptTokens after) in set.Prompts.Zip(read.Prompts))
        {
            Assert.Equal(before.Runs.Select(run => run.Ids), after.Runs.Select(run => run.Ids));
            Assert.Equal(before.Runs.Select(run => run.Positions), after.Runs.Select(run => run.Positions));
            Assert.Equal(before.Answers, after.Answers);
            Assert.Equal(before.Template, after.Template);
            Assert.Equal(asTokens, after.Runs[0].Marked is null);
        }
        // What is read is written alike.
        string again = folder["again" + extension];
        read.Save(again, asTokens);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(again));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Files_look_as_people_write_them()
    {
        TinyPrompts.Prompt prompt = new()
        {
            Clean = "[subject|a],b",
            Corrupted = "[subject|b],b",
            Other = "[subject|é],b",
            Right = "a",
            Wrong = "\"",
            Template = 3,
        };
        TinyPrompts set = TinyPrompts.Create(s_bytes, [prompt]);
        Assert.Equal(
            "clean,corrupted,other,right,wrong,template\n\"[subject|a],b\",\"[subject|b],b\",\"[subject|é],b\",a,\"\"\"\",3\n",
            Written(set, ".csv", false));
        Assert.Equal(
            """{"clean":"[subject|a],b","corrupted":"[subject|b],b","other":"[subject|é],b","right":"a","wrong":"\"","template":3}""" + "\n",
            Written(set, ".jsonl", false));
        Assert.StartsWith(
            """{"clean.ids":[1,3,2],"clean.positions":{"subject":0,"end":2},""", Written(set, ".jsonl", true));
        Assert.StartsWith(
            "clean.ids,clean.positions,corrupted.ids,corrupted.positions,other.ids,other.positions,right.id,wrong.id,template\n"
            + "\"[1,3,2]\",\"{\"\"subject\"\":0,\"\"end\"\":2}\",",
            Written(set, ".csv", true));

        static string Written(TinyPrompts set, string extension, bool asTokens)
        {
            using TemporaryFolder folder = new();
            string path = folder["prompts" + extension];
            set.Save(path, asTokens);
            return File.ReadAllText(path);
        }
    }

    [Fact]
    public void Columns_may_stand_in_any_order_and_the_template_may_be_missing()
    {
        TinyPrompts set = Read(".csv", "wrong,right,other,corrupted,clean\r\nb,a,ab,ab,[subject|a]b\r\n\r\nb,a,bb,ab,[subject|a]b");
        Assert.Equal(2, set.Prompts.Count);
        Assert.Equal([1L, 2], set.Prompts[0].Answers);
        Assert.Equal(0, set.Prompts[0].Template);
        Assert.Equal(
            [
                "Runs 'clean' and 'corrupted' are the same tokens in 2 of 2 prompts of TinyPrompts (0, 1): patching from one to the other "
                + "changes nothing there.",
                "Runs 'clean' and 'other' are the same tokens in 1 of 2 prompts of TinyPrompts (0): patching from one to the other "
                + "changes nothing there.",
                "Runs 'corrupted' and 'other' are the same tokens in 1 of 2 prompts of TinyPrompts (0): patching from one to the other "
                + "changes nothing there.",
            ],
            set.Notes);
        // The end is the last token unless it is named.
        const string clean = """{"clean.ids":[1,2],"clean.positions":{"subject":1,"end":0},"corrupted.ids":[1,2],""";
        const string rest = """ "corrupted.positions":{"subject":1},"other.ids":[1,1],"other.positions":{"subject":0},"right.id":5,"wrong.id":6}""";
        TinyPrompts ids = Read(".jsonl", clean + rest);
        Assert.Equal([[1, 0], [1, 1], [0, 1]], ids.Prompts[0].Runs.Select(run => run.Positions));
    }

    private const string Header = "clean,corrupted,other,right,wrong\n", Good = "[subject|a],[subject|b],[subject|a],a,b\n";

    [Theory]
    [InlineData(".csv", "", "prompts.csv is empty; its first line names the columns: clean, corrupted, other, right, wrong, template, clean.ids")]
    [InlineData(".csv", "clean,corupted\n", "prompts.csv, line 1, column 'corupted': there is no such column; did you mean 'corrupted'?")]
    [InlineData(".csv", "clean,source\n", "line 1, column 'source': there is no such column; those that are read are clean, corrupted")]
    [InlineData(".csv", "clean,clean\n", "line 1: two columns have one name")]
    [InlineData(".csv", Header + Good + "a,b\n", "line 3: it has 2 cells, and line 1 names 5 columns: quote a cell that holds a comma")]
    [InlineData(".csv", Header + "\"[subject|a\n]\",[subject|ab],[subject|ba],a,b\na,b\n", "line 4: it has 2 cells")]
    [InlineData(".csv", Header + Good + "\"a,b\n", "line 3, column 'clean': a quote is not closed")]
    [InlineData(".csv", Header + "[subject|a],[subject|b],a\"b,a,b\n", "line 2, column 'other': a quote is not closed, or stands in a cell")]
    [InlineData(".csv", "clean,corrupted,other,right\n[subject|a],b,b,a\n", "line 2, column 'wrong': it is missing.")]
    [InlineData(".csv", Header + Good + "[subject|a],[subject|b],[subject|a],ab,b\n", "line 3: answer 'right' of prompt 1 of TinyPrompts, \"ab\", is 2 tokens")]
    [InlineData(".csv", Header + "[subject|a],[subject|b],[subject|a]b,a,b\n", "line 2: The runs of prompt 0 of TinyPrompts differ in length")]
    [InlineData(".csv", "clean,corrupted,other,right,wrong,template\n[subject|a],[subject|b],[subject|a],a,b,x\n", "line 2, column 'template': it is not JSON")]
    [InlineData(".csv", "clean,corrupted,other,right,wrong,template\n[subject|a],[subject|b],[subject|a],a,b,1.5\n", "column 'template': it is not a whole number")]
    [InlineData(".csv", "clean,corrupted,other,right,wrong,template\n[subject|a],[subject|b],[subject|a],a,b,9999999999\n", "column 'template': 9999999999 is too large")]
    [InlineData(".jsonl", "\n{\"clean\": \"[subject|a]\"\n", "prompts.jsonl, line 2: it is not JSON at character")]
    [InlineData(".jsonl", "{\"clean\": \"\\ud800\"}\n", "prompts.jsonl, line 1: it is not JSON: the text at byte 10 has half of a surrogate pair.")]
    [InlineData(".jsonl", "[1]\n", "line 1: it is not a JSON object")]
    [InlineData(".jsonl", "{\"clean\": 3}\n", "line 1, column 'clean': it is not a text in quotes")]
    [InlineData(".jsonl", "{\"clean\": \"a\", \"clean\": \"a\"}\n", "line 1, column 'clean': it stands there twice")]
    [InlineData(".jsonl", "{\"claen\": \"a\"}\n", "line 1, column 'claen': there is no such column; did you mean 'clean'?")]
    [InlineData(".jsonl", "{\"clean\": \"a\", \"clean.ids\": [1]}\n", "line 1, column 'clean': there are token ids too ('clean.ids'); a prompt is texts or token ids")]
    [InlineData(".jsonl", "{\"clean.ids\": [1], \"clean.positions\": {\"sbject\": 0}}\n", "column 'clean.positions': TinyPrompts has no position 'sbject'")]
    [InlineData(".jsonl", "{\"clean.ids\": [1], \"clean.positions\": {}}\n", "column 'clean.positions': position 'subject' is missing")]
    [InlineData(".jsonl", "{\"clean.ids\": [1], \"clean.positions\": {\"subject\": \"x\"}}\n", "column 'clean.positions': 'subject' is not a token index")]
    [InlineData(".jsonl", "{\"clean.ids\": [1], \"clean.positions\": 3}\n", "column 'clean.positions': it is not an object of token indices")]
    [InlineData(".jsonl", "{\"clean.ids\": [1.5], \"clean.positions\": {\"subject\": 0}}\n", "column 'clean.ids': it is not a list of token ids")]
    [InlineData(".jsonl", "{\"clean.ids\": [1], \"clean.positions\": {\"subject\": 0}}\n", "column 'corrupted.ids': it is missing")]
    public void A_file_that_cannot_be_read_is_refused_with_the_place(string extension, string content, string message)
    {
        InvalidDataException refused = Assert.Throws<InvalidDataException>(() => Read(extension, content));
        Assert.Contains(message, refused.Message);
        Assert.Contains("prompts" + extension, refused.Message);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        using TemporaryFolder folder = new();
        foreach (string name in new[] { "a.csv", "a.jsonl" })
        {
            string path = folder[name];
            File.WriteAllBytes(path, [0x22, 0xC3, 0x28, 0x0A]);
            Assert.Contains(name, Assert.Throws<InvalidDataException>(() => TinyPrompts.Load(path, s_bytes)).Message);
        }
        Assert.Throws<FileNotFoundException>(() => TinyPrompts.Load(folder["b.csv"], s_bytes));
        Assert.Contains("ends with '.txt'", Assert.Throws<ArgumentException>(() => TinyPrompts.Load("b.txt", s_bytes)).Message);
    }

    [Fact]
    public void Texts_need_a_tokenizer() => Assert.Contains(
        "line 2 has texts, and no tokenizer was given", Assert.Throws<ArgumentException>(() => Read(".csv", Header + Good, null)).Message);

    [Fact]
    public void Names_that_would_be_one_column_are_refused()
    {
        PromptVocabulary twice = new("Twice", EquatableArray.Of("clean"), EquatableArray.Of("end"), EquatableArray.Of("clean"));
        Assert.Contains(
            "Twice has 'clean' as two of a run, an answer and 'template'",
            Assert.Throws<ArgumentException>(() => NamedPrompts.Load("a.csv", twice)).Message);
    }

    [Fact]
    public void Sets_without_a_class_are_read_by_their_vocabulary()
    {
        using TemporaryFolder folder = new();
        string path = folder["named.jsonl"];
        NamedPrompts named = NamedPrompts.Create(s_bytes, ["clean"], ["end"], ["next"], new PromptRow(["ab"], ["a"]));
        named.Save(path);
        NamedPrompts read = NamedPrompts.Load(path, named.Vocabulary, s_bytes);
        Assert.Equal(named.Prompts[0].Runs[0].Ids, read.Prompts[0].Runs[0].Ids);
    }

    [Fact]
    public void Facts_are_read_from_a_table()
    {
        using TemporaryFolder folder = new();
        string path = folder["facts.csv"];
        File.WriteAllText(path, "object,subject,relation\r\nbasketball,\"Jordan, Michael\",plays the sport of\r\n");
        Assert.Equal([new Fact("Jordan, Michael", "plays the sport of", "basketball")], Fact.Load(path));
        File.WriteAllText(path, "object,subject,relation\n,a,b\n");
        Assert.Contains("line 2, column 'object': it is empty", Assert.Throws<InvalidDataException>(() => Fact.Load(path)).Message);
    }

    private static TinyPrompts Read(string extension, string content) => Read(extension, content, s_bytes);

    private static TinyPrompts Read(string extension, string content, HuggingFaceTokenizer? tokenizer)
    {
        using TemporaryFolder folder = new();
        string path = folder["prompts" + extension];
        File.WriteAllText(path, content);
        return TinyPrompts.Load(path, tokenizer);
    }
}
