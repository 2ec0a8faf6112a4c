using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tracing;

/// <summary>What a trace knows of its prompts: the names of positions and answers, and where the padding is.</summary>
/// <param name="schema">The model's names.</param>
/// <param name="vocabulary">The prompts' names.</param>
/// <param name="batch">The prompts.</param>
/// <param name="run">Which run of them.</param>
internal sealed class TracedPrompts(ModelSchema schema, PromptVocabulary vocabulary, PromptBatch batch, int run)
{
    /// <summary>One position of every prompt, along one axis or along both of a row of attention.</summary>
    /// <param name="name">The site.</param>
    /// <param name="positions">By axis, <c>pos</c>, <c>query</c> or <c>key</c>, the position as a declaration writes it.</param>
    /// <exception cref="InterventionException">The site has no such axis, or the prompts no such position.</exception>
    public BoundSite At(TracedName name, params (string Axis, string? Position)[] positions)
    {
        (string Axis, string Position)[] given =
            [.. positions.Where(one => one.Position is not null).Select(one => (one.Axis, one.Position!))];
        IReadOnlyList<string> axes = name.Definition.Axes;
        if (given.Length == 0 || given.Any(one => !axes.Contains(one.Axis)))
            throw new InterventionException(
                $"Trace: '{name.Node}' has the axes {string.Join(", ", axes)}: write "
                + (axes.Contains("pos") ? "At(\"end\")." : "At(query: \"end\"), or At(query: \"end\", key: …)."));
        foreach ((_, string position) in given)
            if (!VocabularyResolver.TryPosition(position, vocabulary, out _, out SiteProblem? problem))
                throw new InterventionException($"Trace: {problem.Message}.");
        return Of($"{name.Node}[{string.Join("; ", given.Select(one => $"{one.Axis}={one.Position}"))}]");
    }

    /// <summary>A selection of a site's values.</summary>
    /// <exception cref="InterventionException">A name is unknown.</exception>
    public BoundSite Of(string path)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(path, schema, vocabulary);
        if (resolution is null || problems.Count > 0)
            throw new InterventionException($"Trace: {string.Join("; ", problems.Select(problem => problem.Message))}");
        if (resolution.Path.Placeholders.Any())
            throw new InterventionException(
                $"Trace: '{path}' sweeps, one at a time; a trace is one pass. Write '*', or what is selected in brackets.");
        return BoundSite.Of("Trace", resolution, schema, vocabulary) with { IsPadded = true };
    }

    /// <summary>
    /// The selected values, every axis kept. An axis of tokens of which nothing is selected keeps its padding, as kept values have it.
    /// </summary>
    /// <exception cref="InterventionException">A position lies outside a prompt, or prompts select unequally many.</exception>
    public Tensor Read(Tensor value, BoundSite site) => SelectedValues.Read(value, Indices(value, site));

    /// <summary>A copy of the value with others at the selection.</summary>
    public Tensor Write(Tensor value, BoundSite site, Tensor entries) => SelectedValues.Write(value, Indices(value, site), entries);

    /// <summary>Each prompt's logit of an answer: <c>[batch]</c>.</summary>
    /// <param name="logits">All logits.</param>
    /// <param name="answer">The answer's name.</param>
    /// <param name="at">The position.</param>
    /// <exception cref="InterventionException">The prompts have no such answer or position.</exception>
    public Tensor Logit(Tensor logits, string answer, string at)
    {
        if (VocabularyResolver.UnknownAnswer(answer, vocabulary) is { } problem)
            throw new InterventionException($"Trace: {problem.Message}.");
        SiteDefinition definition = schema.Sites.Single(site => site.Path == "logits");
        Tensor rows = Read(logits, At(new TracedName("logits", definition, null), ("pos", at))).view(batch.Count, -1);
        Tensor ids = batch.Answers(vocabulary.Answers.ToList().IndexOf(answer), batch.Rows, logits.device);
        return rows.gather(1, ids.unsqueeze(1)).squeeze(1);
    }

    /// <summary>The value with zeros behind each prompt's last token, where it has no meaning.</summary>
    public Tensor Clean(Tensor value, SiteDefinition site) =>
        IsReal(value, site) is { } real ? value.filled(real.logical_not(), 0) : value.alias();

    /// <summary>A written value, with what was there behind each prompt's last token.</summary>
    public Tensor Restore(Tensor written, Tensor before, SiteDefinition site) =>
        IsReal(before, site) is { } real ? where(real, written, before) : written;

    private Tensor Indices(Tensor value, BoundSite site)
    {
        foreach (int axis in site.PositionalAxes.Where(axis => site.Axes[axis] != Selection.All))
            if (batch.Rows.Select(row => batch.Positions(site, axis, SweepPoint.None, run, row).Count).Distinct().Count() > 1)
                throw new InterventionException(
                    $"Trace: '{site.Text}' selects more of some prompts than of others, as they differ in length. "
                    + "Select positions by name.");
        return SelectedValues.FlatIndices(value, site, SweepPoint.None, batch, run, batch.Rows);
    }

    /// <summary>True at each prompt's own tokens; <see langword="null"/> where there is no padding.</summary>
    private Tensor? IsReal(Tensor value, SiteDefinition site)
    {
        if (batch.HasOneLength)
            return null;
        return RaggedMask.Of([.. batch.Rows.Select(row => Extent(batch.Length(row)))], value.device);

        long[] Extent(long length) =>
            [.. value.shape.Select((size, axis) => SiteResolver.IsPositionAxis(site.Axes[axis]) ? length : size).Skip(1)];
    }
}
