using System.Globalization;
using System.Text.Json;
using Interventions.Binding;
using Interventions.Files;
using Interventions.Models.Prompts;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Prompts in files: a line a prompt, CSV with a line of column names (<c>.csv</c>) or a JSON object a line (<c>.jsonl</c>). Called by
/// generated code.
/// </summary>
/// <remarks>
/// Columns of texts: one for each run, with marked positions, and one for each answer. Columns of tokens: for each run <c>clean.ids</c>, a
/// JSON list, and <c>clean.positions</c>, a JSON object of token indices, and for each answer <c>IO.id</c>. Both: <c>template</c>, which
/// may be missing.
/// </remarks>
public static class PromptFile
{
    internal const string Template = "template";

    /// <summary>Reads prompts.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vocabulary">The names.</param>
    /// <param name="tokenizer">The model's tokenizer; files of token ids need none.</param>
    /// <param name="answerTokens">Whether answers may be several tokens, of which the first counts.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not of that form; the message names it, the line, the column and the reason.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The file's name ends otherwise, two names of the vocabulary would be one column, or there are texts and no tokenizer.
    /// </exception>
    public static IReadOnlyList<PromptTokens> Read(
        string path, PromptVocabulary vocabulary, Tokenizer? tokenizer = null, AnswerTokens answerTokens = AnswerTokens.One)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        CheckNames(vocabulary);
        List<PromptTokens> prompts = [];
        foreach (FileRow row in FileRows.Read(path, Columns(vocabulary, asTokens: false).Concat(Columns(vocabulary, asTokens: true))))
        {
            bool asTokens = vocabulary.Runs.Any(run => row.Has(Ids(run)));
            PromptTokens prompt = asTokens ? Tokens(row, vocabulary) : Texts(row, vocabulary, tokenizer, prompts.Count, answerTokens);
            if (PromptChecks.Misfit(prompt, prompts.Count, vocabulary) is string misfit)
                throw row.Wrong(null, misfit);
            prompts.Add(prompt);
        }
        return prompts;
    }

    /// <summary>Writes prompts: their texts, or, where some of them were not made of text, their token ids.</summary>
    /// <param name="path">The file; its folder is made if it is missing.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="asTokens">Whether token ids are written although there are texts.</param>
    /// <exception cref="ArgumentException">The file's name ends otherwise, or two names of the vocabulary would be one column.</exception>
    public static void Write(string path, IPromptSet prompts, bool asTokens = false)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        PromptVocabulary vocabulary = prompts.Vocabulary;
        CheckNames(vocabulary);
        asTokens |= prompts.Prompts.Any(prompt =>
            prompt.Runs.Any(run => run.Marked is null) || (prompt.AnswerTexts is null && vocabulary.Answers.Count > 0));
        FileRows.Write(
            path, [.. Columns(vocabulary, asTokens)],
            prompts.Prompts.Select(prompt => asTokens ? TokenCells(prompt, vocabulary) : TextCells(prompt)));
    }

    private static string[] TextCells(PromptTokens prompt) =>
        [.. prompt.Runs.Select(run => run.Marked!), .. prompt.AnswerTexts ?? [], Number(prompt.Template)];

    private static string[] TokenCells(PromptTokens prompt, PromptVocabulary vocabulary) =>
    [
        .. prompt.Runs.SelectMany(run => new[]
        {
            $"[{string.Join(',', run.Ids.Select(Number))}]",
            JsonFields.Write(json =>
            {
                for (int i = 0; i < vocabulary.Positions.Count; i++)
                    json.Integer(vocabulary.Positions[i], run.Positions[i]);
            }),
        }),
        .. prompt.Answers.Select(Number), Number(prompt.Template),
    ];

    /// <summary>The columns, in the order in which cells are written. All but those of texts hold JSON.</summary>
    private static IEnumerable<FileColumn> Columns(PromptVocabulary vocabulary, bool asTokens) =>
    [
        .. vocabulary.Runs.SelectMany(run => asTokens
            ? new FileColumn[] { new(Ids(run), IsJson: true), new(Positions(run), IsJson: true) }
            : [new(run, IsJson: false)]),
        .. vocabulary.Answers.Select(answer => asTokens ? new FileColumn(Id(answer), IsJson: true) : new(answer, IsJson: false)),
        new(Template, IsJson: true),
    ];

    private static PromptTokens Texts(
        FileRow row, PromptVocabulary vocabulary, Tokenizer? tokenizer, int number, AnswerTokens answerTokens)
    {
        PromptRow texts = new([.. vocabulary.Runs.Select(row.Text)], [.. vocabulary.Answers.Select(row.Text)])
        {
            Template = OfTemplate(row),
        };
        foreach (FileColumn column in Columns(vocabulary, asTokens: true).Where(column => column.Name != Template))
            if (row.Has(column.Name))
                throw row.Wrong(column.Name, $"there are texts too; a prompt is texts or token ids ('{Ids(vocabulary.Runs[0])}', …)");
        if (tokenizer is null)
            throw new ArgumentException($"{row.Where} has texts, and no tokenizer was given: Load(path, model.Tokenizer).");
        try
        {
            return PromptText.Tokenize(vocabulary, tokenizer, texts, $"prompt {number} of {vocabulary.PromptSet}", answerTokens);
        }
        catch (ArgumentException wrong)
        {
            throw row.Wrong(null, wrong.Message, wrong);
        }
    }

    private static PromptTokens Tokens(FileRow row, PromptVocabulary vocabulary)
    {
        foreach (FileColumn column in Columns(vocabulary, asTokens: false).Where(column => column.Name != Template))
            if (row.Has(column.Name))
                throw row.Wrong(column.Name, $"there are token ids too ('{Ids(vocabulary.Runs[0])}'); a prompt is texts or token ids");
        return new PromptTokens([.. vocabulary.Runs.Select(Run)], [.. vocabulary.Answers.Select(answer => Long(row, Id(answer)))])
        {
            Template = OfTemplate(row),
        };

        RunTokens Run(string run)
        {
            JsonElement ids = row.Json(Ids(run)), positions = row.Json(Positions(run));
            if (ids.ValueKind != JsonValueKind.Array || !ids.EnumerateArray().All(IsId))
                throw row.Wrong(Ids(run), "it is not a list of token ids, as [464, 257]");
            if (positions.ValueKind != JsonValueKind.Object)
                throw row.Wrong(Positions(run), "it is not an object of token indices, as {\"end\": 9}");
            foreach (JsonProperty position in positions.EnumerateObject())
                if (!vocabulary.Positions.Contains(position.Name))
                    throw row.Wrong(Positions(run), $"{vocabulary.PromptSet} has no position '{position.Name}'");
            return new RunTokens(
                [.. ids.EnumerateArray().Select(id => id.GetInt64())],
                [.. vocabulary.Positions.Select(name => Index(name, ids.GetArrayLength()))]);

            static bool IsId(JsonElement id) => id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out _);

            int Index(string name, int length) => positions.TryGetProperty(name, out JsonElement index)
                ? index.ValueKind == JsonValueKind.Number && index.TryGetInt32(out int at)
                    ? at
                    : throw row.Wrong(Positions(run), $"'{name}' is not a token index")
                : name == "end" ? length - 1 : throw row.Wrong(Positions(run), $"position '{name}' is missing");
        }
    }

    private static int OfTemplate(FileRow row)
    {
        if (!row.Has(Template))
            return 0;
        long number = Long(row, Template);
        return number is >= int.MinValue and <= int.MaxValue ? (int)number : throw row.Wrong(Template, $"{number} is too large");
    }

    private static long Long(FileRow row, string column) =>
        row.Json(column) is { ValueKind: JsonValueKind.Number } json && json.TryGetInt64(out long number)
            ? number
            : throw row.Wrong(column, "it is not a whole number");

    /// <summary>Refuses names that would be one column.</summary>
    private static void CheckNames(PromptVocabulary vocabulary)
    {
        IEnumerable<FileColumn> columns = Columns(vocabulary, asTokens: false).SkipLast(1).Concat(Columns(vocabulary, asTokens: true));
        if (columns.GroupBy(column => column.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new ArgumentException(
                $"{vocabulary.PromptSet} has '{twice.Key}' as two of a run, an answer and '{Template}', which would be one column "
                + "of a file: give one of them another name.");
    }

    private static string Ids(string run) => run + ".ids";

    private static string Positions(string run) => run + ".positions";

    private static string Id(string answer) => answer + ".id";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
