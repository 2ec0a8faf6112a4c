using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes what <c>[PromptSchema]</c> adds: fingerprint, vocabulary, ways to make the set, and the base of results over it.</summary>
internal static class PromptSchemaEmitter
{
    public static string Emit(PromptSchemaModel model) => TypeEmitter.Emit(model.Type, writer =>
    {
        writer.Summary("Identifies the runs, positions and answers that interventions over these prompts were compiled against.");
        writer.Line($"public const string SchemaFingerprint = {Literals.Quote(model.Vocabulary.Fingerprint)};").Line();
        writer.Summary("The declared names: runs, positions and answers.");
        writer.Line($"public static {Names.PromptVocabulary} DeclaredVocabulary {{ get; }} = new {Names.PromptVocabulary}(");
        writer.List(
            [
                Literals.Quote(model.Vocabulary.PromptSet), TypeEmitter.Strings(model.Vocabulary.Runs),
                TypeEmitter.Strings(model.Vocabulary.Positions), TypeEmitter.Strings(model.Vocabulary.Answers),
            ],
            ");");
        if (model.IsPromptSet)
            Factories(writer.Line(), model);
        Results(writer.Line(), model);
    });

    private static void Factories(SourceWriter writer, PromptSchemaModel model)
    {
        string type = model.Type.Reference;
        writer.Line($"private {model.Type.Identifier}({Names.ReadOnlyList}<{Names.PromptTokens}> prompts)");
        writer.Indented(": base(DeclaredVocabulary, prompts)").Line("{").Line("}").Line();

        writer.Summary("One prompt as text: the same sentence in every run, and the answers.");
        writer.Open("public sealed record Prompt");
        for (int i = 0; i < model.Vocabulary.Runs.Count; i++)
            Text(writer, model.RunProperties[i], $"The text of run <c>{Literals.Xml(model.Vocabulary.Runs[i])}</c>.");
        for (int i = 0; i < model.Vocabulary.Answers.Count; i++)
            Text(writer, model.AnswerProperties[i], $"The text of answer <c>{Literals.Xml(model.Vocabulary.Answers[i])}</c>: one token.");
        writer.Summary("Which sentence pattern the text was made from: means are taken over prompts of one template. Default: 0, the same for all.");
        writer.Line("public int Template { get; init; }");
        writer.Close().Line();

        writer.Summary("Tokenizes prompts and finds their named positions and answers.");
        writer.Line($"public static {type} Create({Names.Tokenizer} tokenizer, {Names.Enumerable}<Prompt> prompts) =>");
        writer.Indented(
            $"new {type}({Names.PromptText}.Tokenize(DeclaredVocabulary, tokenizer, {Names.Linq}.Select(prompts, static prompt => new {Names.PromptRow}(",
            $"    {Texts(model.RunProperties)},",
            $"    {Texts(model.AnswerProperties)}) {{ Template = prompt.Template }})));");
        writer.Line();

        writer.Summary("Takes prompts that are tokens already.");
        writer.Line($"public static {type} FromTokens({Names.Enumerable}<{Names.PromptTokens}> prompts) =>");
        writer.Indented($"new {type}({Names.Linq}.ToArray(prompts));");
    }

    private static void Text(SourceWriter writer, string property, string summary) =>
        writer.Summary(summary).Line($"public required string {property} {{ get; init; }}");

    private static string Texts(IReadOnlyList<string> properties) => $"new string[] {{ {string.Join(", ", properties.Select(name => "prompt." + name))} }}";

    private static void Results(SourceWriter writer, PromptSchemaModel model)
    {
        writer.Summary("The base of every result over these prompts: the values of the changed run, and those of each unchanged one.");
        writer.Line("/// <typeparam name=\"TRun\">The values kept in one run.</typeparam>");
        writer.Line($"public abstract class Results<TRun> : {Names.InterventionResult}");
        writer.Indented($"where TRun : {Names.RunResult}, new()").Open().Summary("Takes what a run gave.");
        writer.Line($"protected Results({Names.RunOutput} output)").Indented(": base(output)").Open();
        for (int i = 0; i < model.Vocabulary.Runs.Count; i++)
            writer.Line($"{model.RunProperties[i]} = Of<TRun>({Literals.Quote(model.Vocabulary.Runs[i])});");
        writer.Close();
        for (int i = 0; i < model.Vocabulary.Runs.Count; i++)
        {
            writer.Line().Summary($"The values in run <c>{Literals.Xml(model.Vocabulary.Runs[i])}</c>, unchanged.");
            writer.Line($"public TRun {model.RunProperties[i]} {{ get; }}");
        }
        writer.Close();
    }
}
