using Interventions.Execution;
using Interventions.Runtime;

namespace Interventions.Declarations;

/// <summary>The kinds of built-in writes as names and arguments, and back.</summary>
internal static class SavedKinds
{
    /// <summary>The name.</summary>
    public static string NameOf(WriteKind kind) => kind.GetType().Name;

    /// <summary>The arguments by name; a null one is left out.</summary>
    public static IEnumerable<(string Name, object? Value)> Arguments(WriteKind kind) => kind switch
    {
        WriteKind.Zero => [],
        WriteKind.Scale scale => [("factor", scale.Factor)],
        WriteKind.Freeze freeze => [("to", freeze.To)],
        WriteKind.Copy copy => [("from", copy.From)],
        WriteKind.Resample resample => [("from", resample.From), ("seed", resample.Seed)],
        WriteKind.Mean mean => [("from", mean.From), ("pooled", mean.Pooled), ("over", mean.Over), ("acrossTemplates", mean.AcrossTemplates ? true : null)],
        WriteKind.Mix mix => [("tensor", mix.Mask), ("from", mix.From), ("axes", mix.Axes)],
        WriteKind.Add add => [("tensor", add.Vector), ("strength", add.Strength)],
        WriteKind.ScaleSwept scale => [("sweep", scale.Sweep)],
        WriteKind.AddSwept add => [("tensor", add.Vector), ("sweep", add.Sweep)],
        WriteKind.ProjectOut project => [("tensor", project.Direction)],
        WriteKind.ProjectOnto project => [("tensor", project.Direction)],
        _ => throw new InvalidOperationException($"A write of kind {kind.GetType().Name} cannot be saved."),
    };

    /// <summary>The kind of a name, with the arguments of the object.</summary>
    public static WriteKind Parse(string name, SavedObject saved) => name switch
    {
        nameof(WriteKind.Zero) => new WriteKind.Zero(),
        nameof(WriteKind.Scale) => new WriteKind.Scale(saved.Number("factor")),
        nameof(WriteKind.Freeze) => new WriteKind.Freeze(saved.OptionalText("to")),
        nameof(WriteKind.Copy) => new WriteKind.Copy(saved.OptionalText("from")),
        nameof(WriteKind.Resample) => new WriteKind.Resample(saved.OptionalText("from"), saved.Integer("seed")),
        nameof(WriteKind.Mean) => new WriteKind.Mean(saved.OptionalText("from"), saved.Truth("pooled"), saved.OptionalPrompts("over"), saved.Truth("acrossTemplates")),
        nameof(WriteKind.Mix) => new WriteKind.Mix(saved.Tensor("tensor"), saved.OptionalText("from"), new(saved.Texts("axes"))),
        nameof(WriteKind.Add) => new WriteKind.Add(saved.Tensor("tensor"), saved.Number("strength")),
        nameof(WriteKind.ScaleSwept) => new WriteKind.ScaleSwept(saved.Text("sweep")),
        nameof(WriteKind.AddSwept) => new WriteKind.AddSwept(saved.Tensor("tensor"), saved.Text("sweep")),
        nameof(WriteKind.ProjectOut) => new WriteKind.ProjectOut(saved.Tensor("tensor")),
        nameof(WriteKind.ProjectOnto) => new WriteKind.ProjectOnto(saved.Tensor("tensor")),
        _ => throw saved.Wrong($"a write of kind '{name}' is not known to this version of Interventions"),
    };
}
