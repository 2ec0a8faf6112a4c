using System.Collections.Immutable;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Finds every name of an intervention graph in a model's schema and a prompt set's vocabulary. What the analyzers would have said in the editor is
/// said here again, for code that was compiled without them or against another version of the model.
/// </summary>
internal sealed class InterventionBinder
{
    private readonly InterventionGraph _graph;
    private readonly ModelSchema _schema;
    private readonly IPromptSet _prompts;
    private readonly List<SiteResolution> _resolved = [];
    private ImmutableArray<BoundRun> _runs = [];
    private int _baseRun, _declared;

    private InterventionBinder(InterventionGraph graph, ModelSchema schema, IPromptSet prompts)
    {
        _graph = graph;
        _schema = schema;
        _prompts = prompts;
    }

    /// <summary>The bound intervention.</summary>
    /// <exception cref="InterventionException">A name is unknown, or a placeholder has no range.</exception>
    public static BoundIntervention Bind(InterventionGraph graph, ModelSchema schema, IPromptSet prompts) => new InterventionBinder(graph, schema, prompts).Bind();

    private BoundIntervention Bind()
    {
        SchemaSkew.Check(_graph, _schema);
        int baseRun = _graph.Changes is null ? 0 : PromptRun(_graph.Changes, "[Changes]");
        _runs = DerivedRuns.Order(_graph, _prompts.Vocabulary, name => PromptRun(name, "[Run]"), baseRun);
        _baseRun = baseRun;

        ImmutableArray<BoundWrite> writes = [.. _graph.Writes.Select((write, i) => Write(write, splice => splice.WritesBefore > i))];
        string[] swept = [.. writes.SelectMany(write => write.Site.Placeholders.Concat(write.Reads.Select(read => read.Sweep).OfType<string>())).Distinct()];
        ImmutableArray<BoundMetric> metrics = [.. _graph.Metrics.Select(metric => new BoundMetric(metric, Reads(metric.Reads, metric.Name)))];
        ImmutableArray<BoundCapture> captures = [.. _graph.Captures.Select(capture =>
        {
            BoundSite site = Original(Site(capture.Site, capture.Name), _ => capture.BeforeWrites);
            return new BoundCapture(capture, site, Reads(capture.Reads, capture.Name, site));
        })];
        ImmutableArray<BoundGradient> gradients = [.. _graph.Gradients.Select(gradient =>
        {
            BoundSite site = Site(gradient.Site, gradient.Name);
            return new BoundGradient(gradient, site, Reads(gradient.Reads, gradient.Name, site), Metric(gradient.Metric, gradient.Name, metrics));
        })];
        ImmutableArray<BoundParameter> parameters = [.. _graph.Parameters.Select(parameter => new BoundParameter(
            parameter, Metric(parameter.Metric, parameter.Name, metrics)))];
        foreach (ParameterNode parameter in _graph.Parameters)
            if (!parameter.Value.requires_grad)
                throw Wrong(parameter.Name, "the parameter does not require gradients: call requires_grad_() on it");

        // Writes sweep; whatever else uses a placeholder can only narrow its range.
        SweepBinder axes = new(_graph, _schema, _prompts, _resolved);
        ImmutableArray<SweepAxis> sweep = [.. swept.Select(axes.Axis)];
        axes.CheckUses(swept, writes.Select(write => (write.Node.Name, write.Reads))
            .Concat(captures.Concat<BoundKeep>(gradients).Select(keep => (keep.Name, keep.Reads)))
            .Concat(metrics.Select(metric => (metric.Node.Name, metric.Reads))));

        foreach (BoundWrite write in writes)
            CheckPlaceholders(write.Node.Name, write.Site, write.Reads);
        foreach (BoundKeep keep in captures.Concat<BoundKeep>(gradients))
            CheckPlaceholders(keep.Name, keep.Site, keep.Reads);
        foreach (BoundMetric metric in metrics)
            CheckPlaceholders(metric.Node.Name, null, metric.Reads);
        foreach (BoundMetric metric in gradients.Select(gradient => gradient.Metric))
            if (metric.IsSwept)
                throw Wrong(metric.Node.Name, "it reads another run at a swept place, so an unchanged run has no one gradient of it");
        return new BoundIntervention(_graph.Name, baseRun, _runs, sweep, writes, captures, gradients, metrics, parameters);

        void CheckPlaceholders(string method, BoundSite? own, ImmutableArray<BoundRead> reads)
        {
            foreach (BoundSite site in reads.OtherSites().Prepend(own).OfType<BoundSite>())
                foreach (string placeholder in site.Placeholders)
                    if (!swept.Contains(placeholder))
                        throw Wrong(method, $"placeholder '{{{placeholder}}}' of '{site.Text}' is not swept: no write has it in its site path");
        }
    }

    /// <summary>A write, before the splices that find its value encoded.</summary>
    private BoundWrite Write(WriteNode write, Func<SpliceNode, bool> isBefore)
    {
        BoundSite site = Original(Site(write.Site, write.Name), isBefore);
        return new BoundWrite(write, site, Reads(write.Reads, write.Name, site, inWrite: true), write.Run is null ? null : Written(write.Run, write.Name))
        {
            Number = write.Parts.IsEmpty ? _declared++ : _declared,
            Parts = [.. write.Parts.Select(part => Write(part, isBefore))],
        };
    }

    private ImmutableArray<BoundRead> Reads(ImmutableArray<Read> reads, string method, BoundSite? site = null, bool inWrite = false) =>
        [.. reads.Select(read => read switch
        {
            Read.Value => (BoundRead)new BoundRead.Value(),
            Read.Gradient => new BoundRead.Gradient(),
            Read.From from => new BoundRead.From(Swept(from.Run) ?? new DonorRun(Donor(from.Run, method, inWrite)), from.Site is null ? null : Single(Site(from.Site, method), method)),
            Read.Partner partner => new BoundRead.Partner(Swept(partner.Run) ?? new DonorRun(PromptRun(partner.Run, method)), partner.Seed),
            Read.Mean { Over: null } mean => new BoundRead.Mean(Swept(mean.Run) ?? new DonorRun(PromptRun(mean.Run, method)), mean.Pooled, mean.AcrossTemplates, _prompts),
            Read.Mean { Over: { } over } mean => new BoundRead.Mean(new DonorRun(RunOf(over, mean.Run, site, method)), mean.Pooled, mean.AcrossTemplates, over),
            Read.Along along => new BoundRead.Along(along.Tensor, inWrite && site is not null ? AxesOf(along, site, method) : throw Wrong(method, "only a write reads a tensor along the axes of its site")),
            Read.Of of => new BoundRead.Of(Single(Site(of.Site, method), method)),
            Read.Logit logit => new BoundRead.Logits(LogitsAt(logit.At, method), Measured(logit.In, method), Answer(logit.Answer, method)),
            Read.Logits logits => new BoundRead.Logits(LogitsAt(logits.At, method), Measured(logits.In, method), null),
            Read.Swept swept => new BoundRead.Swept(swept.Name),
            Read.AnswerIds answer => new BoundRead.AnswerIds(Answer(answer.Answer, method)),
            _ => throw new InvalidOperationException($"Unknown read {read}."),
        })];

    private BoundMetric Metric(string? name, string method, ImmutableArray<BoundMetric> metrics) =>
        name is not null
            ? metrics.FirstOrDefault(metric => metric.Node.Name == name)
                ?? throw Wrong(method, $"there is no metric '{name}'; the metrics are {string.Join(", ", metrics.Select(metric => metric.Node.Name))}")
            : metrics.Length == 1
                ? metrics[0]
                : throw Wrong(method, metrics.IsEmpty ? "a gradient needs a metric, and there is none" : "there are several metrics; say Of = which");

    /// <summary>A run of other prompts, which have the site's positions too.</summary>
    private int RunOf(IPromptSet over, string? run, BoundSite? site, string method)
    {
        foreach (SiteProblem problem in site is null ? [] : SiteResolver.Resolve(site.Text, _schema, over.Vocabulary).Problems)
            throw Wrong(method, problem.Message);
        return run is null ? 0 : Find(run, over.Vocabulary.Runs, VocabularyResolver.UnknownRun(run, over.Vocabulary), method);
    }

    private ImmutableArray<int> AxesOf(Read.Along along, BoundSite site, string method)
    {
        if (along.Tensor is null)
            throw Wrong(method, "it is null; it must be a tensor");
        if (MaskAxes.Problem(along.Axes, site.Definition, site.IsStacked, site.Text) is var (_, problem, _))
            throw Wrong(method, problem);
        if (along.Axes.Count > 0 && along.Tensor.shape.Length != along.Axes.Count)
            throw Wrong(method, $"it is {Shapes.Describe(along.Tensor)}, which has not the axes {Spelling.List(along.Axes)}");
        return [.. along.Axes.Select(name => name == MaskAxes.Layer ? BoundRead.Along.Layer : site.Definition.Axes.ToList().IndexOf(name))];
    }

    private static DonorRun? Swept(string? run) => BracedName.Read(run) is { } sweep ? new DonorRun(sweep) : null;

    /// <summary>A donor: a run of the prompt set, or in writes also a derived one.</summary>
    private int Donor(string? name, string method, bool inWrite) =>
        _runs.FirstOrDefault(run => run.Name == name) is not { } derived ? PromptRun(name, method)
        : inWrite ? derived.Number
        : throw Wrong(method, $"'{name}' is a derived run, which exists for writes only; what is kept reads runs of the prompt set: {string.Join(", ", _prompts.Vocabulary.Runs)}");

    private int Written(string name, string method) =>
        _runs.FirstOrDefault(run => run.Name == name)?.Number
        ?? throw Wrong(method, $"In = '{name}' is not a derived run: declare [Run(\"{name}\")] (the prompt set's own runs stay unchanged)");

    private int? Measured(string? name, string method) => name is null ? null : PromptRun(name, method);

    private int PromptRun(string? name, string method) =>
        name is null ? _baseRun : Find(name, _prompts.Vocabulary.Runs, VocabularyResolver.UnknownRun(name, _prompts.Vocabulary), method);

    private BoundSite Site(string text, string method)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(text, _schema, _prompts.Vocabulary);
        if (resolution is null || problems.Count > 0)
            throw Wrong(method, string.Join("; ", problems.Select(problem => problem.Message)));
        _resolved.Add(resolution);
        SiteDefinition site = resolution.Site!;
        return new BoundSite(
            $"{_graph.Name}.{method}",
            text,
            site,
            resolution.Layer,
            _schema.SizeOf("layer") ?? 0,
            [.. site.Axes.Select(axis => resolution.Axes.LastOrDefault(selection => selection.Axis == axis)?.Selection ?? Selection.All)],
            [.. site.Axes.Select(axis => SiteResolver.IsPositionAxis(axis) ? null : _schema.SizeOf(site, axis))],
            _prompts.Vocabulary);
    }

    /// <summary>A site as some splices find it: where they replace it, what they encode.</summary>
    private BoundSite Original(BoundSite site, Func<SpliceNode, bool> finds) => site with
    {
        Originals = _graph.Splices.Where(finds).Select(splice => splice.Names)
            .SelectMany(names => names.Resolve(_schema).Nodes.Select(pair => (pair.Node, Original: names.Inner(pair.Node, SplicedSites.Original))))
            .ToDictionary(pair => pair.Node, pair => pair.Original),
    };

    /// <summary>A read of another site is one value, so its path must name one.</summary>
    private BoundSite Single(BoundSite site, string method) =>
        site.IsStacked ? throw Wrong(method, $"a parameter reads one site, but '{site.Text}' names several") : site with { IsRead = true };

    private BoundSite LogitsAt(string at, string method) =>
        VocabularyResolver.TryPosition(at, _prompts.Vocabulary, out _, out SiteProblem? problem)
            ? Site($"logits[pos={at}]", method) with { IsRead = true }
            : throw Wrong(method, problem.Message);

    private int Answer(string name, string method) => Find(name, _prompts.Vocabulary.Answers, VocabularyResolver.UnknownAnswer(name, _prompts.Vocabulary), method);

    private int Find(string name, EquatableArray<string> names, SiteProblem? problem, string method) =>
        problem is null ? names.ToList().IndexOf(name) : throw Wrong(method, problem.Message);

    private InterventionException Wrong(string method, string problem) =>
        new($"{_graph.Name}.{method}: {problem}{SchemaSkew.Hint(_graph, _schema, _prompts.Vocabulary)}");
}
