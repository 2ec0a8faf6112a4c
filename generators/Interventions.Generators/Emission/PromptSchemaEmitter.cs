using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes the members that <c>[PromptSchema]</c> adds: fingerprint, vocabulary, factories, and the base of results over the prompts.
/// </summary>
internal static class PromptSchemaEmitter
{
    public static string Emit(PromptSchemaSpec spec) => TypeEmitter.Emit(spec.Type, writer =>
    {
        writer.Summary("Identifies the runs, positions and answers that interventions over these prompts were compiled against.");
        writer.Line($"public const string SchemaFingerprint = {Literals.Quote(spec.Vocabulary.Fingerprint)};").Line();
        writer.Summary("The declared names: runs, positions and answers.");
        writer.Line($"public static {CodeNames.PromptVocabulary} DeclaredVocabulary {{ get; }} = new {CodeNames.PromptVocabulary}(");
        writer.List(
            [
                Literals.Quote(spec.Vocabulary.PromptSet), TypeEmitter.Strings(spec.Vocabulary.Runs),
                TypeEmitter.Strings(spec.Vocabulary.Positions), TypeEmitter.Strings(spec.Vocabulary.Answers),
            ],
            ");");
        if (spec.IsPromptSet)
            Factories(writer.Line(), spec);
        Results(writer.Line(), spec);
    });

    private static void Factories(SourceWriter writer, PromptSchemaSpec spec)
    {
        string type = spec.Type.Reference;
        writer.Line($"private {spec.Type.Identifier}({CodeNames.ReadOnlyList}<{CodeNames.PromptTokens}> prompts)");
        writer.Indented(": base(DeclaredVocabulary, prompts)").Line("{").Line("}").Line();

        writer.Summary("One prompt as text: the same sentence in every run, and the answers.");
        writer.Open("public sealed record Prompt");
        for (int i = 0; i < spec.Vocabulary.Runs.Count; i++)
            Text(writer, spec.RunProperties[i], $"The text of run <c>{Literals.Xml(spec.Vocabulary.Runs[i])}</c>.");
        for (int i = 0; i < spec.Vocabulary.Answers.Count; i++)
            Text(writer, spec.AnswerProperties[i], $"The text of answer <c>{Literals.Xml(spec.Vocabulary.Answers[i])}</c>: one token.");
        writer.Summary(
            "Which sentence pattern the text was made from: means are taken over prompts of one template. Default: 0, the same for all.");
        writer.Line("public int Template { get; init; }");
        writer.Close().Line();

        writer.Summary(
            "Tokenizes prompts and finds their named positions and answers: one token each, unless the first of several may count.");
        string one = $"{CodeNames.AnswerTokens} answerTokens = {CodeNames.AnswerTokens}.One";
        writer.Line($"public static {type} Create({CodeNames.Tokenizer} tokenizer, {CodeNames.Enumerable}<Prompt> prompts, {one}) =>");
        writer.Indented(
            $"new {type}({CodeNames.PromptText}.Tokenize(DeclaredVocabulary, tokenizer, "
            + $"{CodeNames.Linq}.Select(prompts, static prompt => new {CodeNames.PromptRow}(",
            $"    {Texts(spec.RunProperties)},",
            $"    {Texts(spec.AnswerProperties)}) {{ Template = prompt.Template }}), answerTokens));");
        writer.Line();

        writer.Summary("Reads prompts from a .csv or .jsonl file, as Save writes it: texts, which need a tokenizer, or token ids.");
        writer.Line($"public static {type} Load(string path, {CodeNames.Tokenizer}? tokenizer = null, {one}) =>");
        writer.Indented($"new {type}({CodeNames.PromptFile}.Read(path, DeclaredVocabulary, tokenizer, answerTokens));");
        writer.Line();

        TokenArrays(writer, spec);
        writer.Summary("Takes prompts that are tokens already.");
        writer.Line($"public static {type} FromTokens({CodeNames.Enumerable}<{CodeNames.PromptTokens}> prompts) =>");
        writer.Indented($"new {type}({CodeNames.Linq}.ToArray(prompts));");
    }

    /// <summary>Writes the factory that takes arrays, one a run. Names that every prompt needs are asked for first.</summary>
    private static void TokenArrays(SourceWriter writer, PromptSchemaSpec spec)
    {
        List<string> runs = spec.RunProperties.Select(Parameter).ToList();
        bool hasPositions = spec.Vocabulary.Positions.Any(position => position != "end"), hasAnswers = spec.Vocabulary.Answers.Count > 0;
        string positions = $"{CodeNames.Dictionary}<string, int[]>{(hasPositions ? " positions" : "? positions = null")}";
        string answers = $"{CodeNames.Dictionary}<string, long[]> answers";
        IEnumerable<string> named = !hasAnswers ? [positions] : hasPositions ? [positions, answers] : [answers, positions];
        writer.Summary("Takes prompts that are token ids: by run one array a prompt, by position each prompt's index, by answer its id.");
        writer.Line(
            $"public static {spec.Type.Reference} FromTokens("
            + $"{string.Join(", ", runs.Select(run => $"long[][] {run}").Concat(named))}) =>");
        writer.Indented(
            $"new {spec.Type.Reference}(Tokens(DeclaredVocabulary, new long[][][] {{ {string.Join(", ", runs)} }}, positions, "
            + $"{(hasAnswers ? "answers" : "null")}));");
        writer.Line();
    }

    private static string Parameter(string property)
    {
        string name = char.ToLowerInvariant(property[0]) + property.Substring(1);
        return Literals.Identifier(name is "positions" or "answers" ? name + "Run" : name);
    }

    private static void Text(SourceWriter writer, string property, string summary) =>
        writer.Summary(summary).Line($"public required string {property} {{ get; init; }}");

    private static string Texts(IReadOnlyList<string> properties) =>
        $"new string[] {{ {string.Join(", ", properties.Select(name => "prompt." + name))} }}";

    private static void Results(SourceWriter writer, PromptSchemaSpec spec)
    {
        writer.Summary("The base of every result over these prompts: the values of the changed run, and those of each unchanged one.");
        writer.Line("/// <typeparam name=\"TRun\">The values kept in one run.</typeparam>");
        writer.Line($"public abstract class Results<TRun> : {CodeNames.RunResult}");
        writer.Indented($"where TRun : {CodeNames.UnchangedRun}, new()").Open().Summary("Takes what a run gave.");
        writer.Line($"protected Results({CodeNames.RunResult} output)").Indented(": base(output)").Open();
        for (int i = 0; i < spec.Vocabulary.Runs.Count; i++)
            writer.Line($"{spec.RunProperties[i]} = Of<TRun>({Literals.Quote(spec.Vocabulary.Runs[i])});");
        writer.Close();
        for (int i = 0; i < spec.Vocabulary.Runs.Count; i++)
        {
            writer.Line().Summary($"The values in run <c>{Literals.Xml(spec.Vocabulary.Runs[i])}</c>, unchanged.");
            writer.Line($"public TRun {spec.RunProperties[i]} {{ get; }}");
        }
        writer.Close();
    }
}
