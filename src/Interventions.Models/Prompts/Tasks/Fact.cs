using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Models;

/// <summary>A fact: "The capital of {subject} is", "France", "Paris".</summary>
/// <param name="Subject">Whom or what it is about.</param>
/// <param name="Relation">A text that ends before the object: with a slot {subject}, or without one, to follow the subject.</param>
/// <param name="Object">What follows.</param>
public sealed record Fact(string Subject, string Relation, string Object)
{
    /// <summary>Some countries and their capitals.</summary>
    public static IReadOnlyList<Fact> Capitals { get; } = [.. KnownCapitals.All.Select(known =>
        new Fact(known.Country, "The capital of {subject} is", known.Capital))];

    /// <summary>Reads facts from a file with the columns <c>subject</c>, <c>relation</c> and <c>object</c>.</summary>
    /// <param name="path">A <c>.csv</c> file with a line of column names, or a <c>.jsonl</c> file with an object a line.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not of that form; the message names it, the line, the column and the reason.
    /// </exception>
    public static IReadOnlyList<Fact> Load(string path)
    {
        const string subject = "subject", relation = "relation", obj = "object";
        return [.. FileRows.Read(path, [new(subject, false), new(relation, false), new(obj, false)])
            .Select(row => new Fact(Cell(row, subject), Cell(row, relation), Cell(row, obj)))];

        static string Cell(FileRow row, string column) =>
            row.Text(column) is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : throw row.Wrong(column, "it is empty");
    }

    /// <summary>The prompt, as a template in which the subject is marked.</summary>
    internal PromptTemplate Template(PromptVocabulary vocabulary)
    {
        string text = Relation.Contains("{subject}", StringComparison.Ordinal) ? Relation : "{subject} " + Relation;
        PromptTemplate template = new(text, vocabulary);
        return template.Slots is ["subject"] ? template : throw new ArgumentException(
            $"The relation {TextTable.Quote(Relation)} has slots {Spelling.List(template.Slots)}; a relation has the slot "
            + "{subject} alone.");
    }
}
