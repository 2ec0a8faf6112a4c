using System.Globalization;
using Interventions.Tables;

namespace Interventions.Declarations;

/// <summary>Prompt sets and prompts as tables.</summary>
internal static class PromptTable
{
    private const int MostPrompts = 12;

    /// <summary>A set: its names, and a line a prompt with the first run's text and the answers.</summary>
    public static string Of(IPromptSet set)
    {
        PromptVocabulary names = set.Vocabulary;
        int[] lengths = [.. set.Prompts.Select(prompt => prompt.Runs[0].Ids.Count)];
        string tokens = lengths.Length == 0 ? ""
            : lengths.Min() == lengths.Max() ? $" of {TextTable.Count(lengths[0], "token")}"
            : FormattableString.Invariant($" of {lengths.Min()} to {lengths.Max()} tokens");
        string title = TextTable.Wrap(
            $"{names.PromptSet}: {TextTable.Count(lengths.Length, "prompt")}{tokens}; runs {Names(names.Runs)}; "
            + $"positions {Names(names.Positions)}; answers {Names(names.Answers)}", 2) + "\n";
        if (lengths.Length == 0)
            return title;
        TextTable table = new(
        [
            new("prompt", true), new("tokens", true), .. names.Answers.Select(answer => new TextColumn(answer)), new(names.Runs[0]),
        ]);
        foreach (int i in Enumerable.Range(0, lengths.Length))
            table.Add([Number(i), Number(lengths[i]), .. Answers(set.Prompts[i]), Text(set.Prompts[i].Runs[0])]);
        return title + table.Print(MostPrompts);

        static string Names(IEnumerable<string> names) => string.Join(", ", names.DefaultIfEmpty("none"));
    }

    /// <summary>A prompt: a line a token, with the positions that are named there, and a column a run.</summary>
    public static string Of(PromptTokens prompt)
    {
        PromptVocabulary? names = prompt.Vocabulary;
        string answers = string.Join(", ", Answers(prompt).Select((text, i) => $"{names?.Answers[i] ?? Number(i)} {text}"));
        string title = $"{TextTable.Count(prompt.Runs[0].Ids.Count, "token")}, template {Number(prompt.Template)}"
            + (answers.Length == 0 ? "" : $"; answers {answers}");
        TextTable table = new(
        [
            new("token", true), new("position"),
            .. prompt.Runs.Select((_, run) => new TextColumn(names?.Runs[run] ?? Number(run))),
        ]);
        string[][] texts = [.. prompt.Runs.Select(Texts)];
        for (int token = 0; token < texts.Max(run => run.Length); token++)
        {
            IEnumerable<string> here = prompt.Runs[0].Positions.Select((at, i) => at == token ? names?.Positions[i] ?? Number(i) : "");
            string named = string.Join(", ", here.Where(name => name.Length > 0));
            table.Add([Number(token), named, .. texts.Select(run => token < run.Length ? run[token] : "")]);
        }
        return TextTable.Wrap(title, 2) + "\n" + table.Print();
    }

    private static IEnumerable<string> Answers(PromptTokens prompt) =>
        prompt.AnswerTexts?.Select(TextTable.Quote) ?? prompt.Answers.Select(Id);

    private static string Text(RunTokens run) => run.Texts is { } texts ? string.Concat(texts) : string.Join(' ', run.Ids.Select(Id));

    /// <summary>The tokens' texts in quotes, or their ids.</summary>
    private static string[] Texts(RunTokens run) => [.. run.Texts?.Select(TextTable.Quote) ?? run.Ids.Select(Id)];

    private static string Id(long token) => FormattableString.Invariant($"#{token}");

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
