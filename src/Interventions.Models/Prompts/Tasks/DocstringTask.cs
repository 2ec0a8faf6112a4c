using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Docstrings (Heimersheim and Janiak 2023): a Python function with four arguments, whose docstring describes the first two and asks for
/// the third. Positions are the arguments in the definition (<c>A_def</c>, <c>B_def</c>, <c>C_def</c>, <c>D_def</c>) and in the docstring
/// (<c>A_doc</c>, <c>B_doc</c>), and <c>end</c>. Answers are the clean run's arguments: <c>C</c> is right, the others are wrong.
/// </summary>
[PromptSchema(
    Positions = ["A_def", "B_def", "C_def", "D_def", "A_doc", "B_doc", "end"], Answers = ["C", "A", "B", "D"])]
public sealed partial class DocstringTask : PromptSet
{
    internal const string Template =
        "def {name}(self, {A_def}, {B_def}, {C_def}, {D_def}):\n    \"\"\"The {1} {2} of the {3}\n\n"
        + "    :param {A_doc}: the {4} of the {5}\n    :param {B_doc}: the {6} of the {7}\n    :param";

    internal static readonly string[] Words =
    [
        "load", "size", "files", "last", "port", "field", "results", "order", "shape", "match", "filter", "plot", "project", "item", "page",
        "user", "token", "image", "label", "count", "index", "path", "name", "value", "state", "group", "event", "table", "column", "row",
        "color", "line", "word", "text", "code", "type", "model", "point", "number", "date", "time", "level", "method", "key", "node",
        "list", "target", "source", "option", "action", "message", "client", "server", "output", "input", "test", "data", "note", "force",
        "title",
    ];

    /// <summary>Draws prompts.</summary>
    /// <param name="tokenizer">The model's tokenizer. Words that are not one token of it are left out; a note says how many are.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="corruption">What the corrupted run is.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">Too few words are one token, or there are not so many different prompts.</exception>
    public static DocstringTask Sample(
        Tokenizer tokenizer, int count, int seed, DocstringCorruption corruption = DocstringCorruption.RandomDefinitionAndDocstring,
        DocstringTask? except = null)
    {
        PromptTemplate template = new(Template, DeclaredVocabulary);
        // The function's name, seven words of the docstring, four arguments, and those of the corrupted run.
        TaskWords words = TaskWords.Of(tokenizer, nameof(DocstringTask), "words", Words, least: 18);
        double possible = Drawing.Orders(words.Words.Count, 12);
        return new DocstringTask(new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = possible }.Draw(tokenizer, Draw))
        {
            MakingNotes = [words.Note],
        };

        PromptRow Draw(Random random)
        {
            TaskWord[] drawn = random.Pick(words.Words, 18);
            Dictionary<string, string> filling = new() { ["name"] = drawn[0].Text };
            for (int i = 1; i <= 7; i++)
                filling[$"{i}"] = drawn[i].Text;
            TaskWord[] arguments = drawn[8..12];
            TaskWord[] definition = corruption == DocstringCorruption.RandomDocstring ? arguments : drawn[12..16];
            TaskWord[] docstring = corruption == DocstringCorruption.RandomDefinition ? arguments : drawn[16..18];
            return new PromptRow(
                [Fill(arguments, arguments), Fill(definition, docstring)], [.. new[] { 2, 0, 1, 3 }.Select(i => arguments[i].Answer)]);

            string Fill(TaskWord[] definition, TaskWord[] docstring)
            {
                for (int i = 0; i < 4; i++)
                    filling[$"{"ABCD"[i]}_def"] = definition[i].Text;
                for (int i = 0; i < 2; i++)
                    filling[$"{"AB"[i]}_doc"] = docstring[i].Text;
                return template.Fill(filling);
            }
        }
    }
}

/// <summary>What the corrupted run of <see cref="DocstringTask"/> is.</summary>
public enum DocstringCorruption
{
    /// <summary>Other arguments in the definition, and others in the docstring.</summary>
    RandomDefinitionAndDocstring,

    /// <summary>Other arguments in the definition.</summary>
    RandomDefinition,

    /// <summary>Other arguments in the docstring.</summary>
    RandomDocstring,
}
