using Interventions.Execution;
using Interventions.Runtime;

namespace Interventions.Declarations;

/// <summary>Reads as names and arguments, and back.</summary>
internal static class SavedReads
{
    /// <summary>The name.</summary>
    public static string NameOf(Read read) => read.GetType().Name;

    /// <summary>The arguments by name; a null one is left out.</summary>
    public static IEnumerable<(string Name, object? Value)> Arguments(Read read) => read switch
    {
        Read.Value or Read.Gradient => [],
        Read.From from => [("run", from.Run), ("site", from.Site)],
        Read.Partner partner => [("run", partner.Run), ("seed", partner.Seed)],
        Read.Mean mean => [("run", mean.Run), ("pooled", mean.Pooled), ("over", mean.Over), ("acrossTemplates", mean.AcrossTemplates ? true : null)],
        Read.Along along => [("tensor", along.Tensor), ("axes", along.Axes)],
        Read.Of of => [("site", of.Site)],
        Read.Logit logit => [("answer", logit.Answer), ("at", logit.At), ("run", logit.Run)],
        Read.Logits logits => [("at", logits.At), ("run", logits.Run)],
        Read.Swept swept => [("sweep", swept.Name)],
        Read.AnswerIds answer => [("answer", answer.Answer)],
        _ => throw new InvalidOperationException($"A read of kind {read.GetType().Name} cannot be saved."),
    };

    /// <summary>The read that an object holds.</summary>
    public static Read Parse(SavedObject saved) => saved.Text("read") switch
    {
        nameof(Read.Value) => new Read.Value(),
        nameof(Read.Gradient) => new Read.Gradient(),
        nameof(Read.From) => new Read.From(saved.OptionalText("run"), saved.OptionalText("site")),
        nameof(Read.Partner) => new Read.Partner(saved.OptionalText("run"), saved.Integer("seed")),
        nameof(Read.Mean) => new Read.Mean(saved.OptionalText("run"), saved.Truth("pooled"), saved.OptionalPrompts("over"), saved.Truth("acrossTemplates")),
        nameof(Read.Along) => new Read.Along(saved.Tensor("tensor"), new(saved.Texts("axes"))),
        nameof(Read.Of) => new Read.Of(saved.Text("site")),
        nameof(Read.Logit) => new Read.Logit(saved.Text("answer"), saved.Text("at"), saved.OptionalText("run")),
        nameof(Read.Logits) => new Read.Logits(saved.Text("at"), saved.OptionalText("run")),
        nameof(Read.Swept) => new Read.Swept(saved.Text("sweep")),
        nameof(Read.AnswerIds) => new Read.AnswerIds(saved.Text("answer")),
        var other => throw saved.Wrong($"a read of kind '{other}' is not known to this version of Interventions"),
    };
}
