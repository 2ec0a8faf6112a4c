using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Finds every name of an intervention graph in a model's schema and a prompt set's vocabulary. The analyzers say the same in the editor;
/// the binder repeats it for code that was compiled without them, or against another version of the model.
/// </summary>
internal sealed class InterventionBinder
{
    private readonly InterventionGraph _graph;
    private readonly ModelSchema _schema;
    private readonly IPromptSet _prompts;
    private readonly SitePaths _paths;
    private readonly HookedModel? _model;
    private readonly int _baseRun;
    private readonly ImmutableArray<BoundRun> _runs;
    private readonly (SpliceNode Node, SpliceResolution Resolution)[] _splices;
    private readonly List<SiteResolution> _resolved = [];
    private int _declared;

    private InterventionBinder(InterventionGraph graph, ModelSchema schema, IPromptSet prompts, SitePaths paths, HookedModel? model)
    {
        _graph = graph;
        _schema = schema;
        _prompts = prompts;
        _paths = paths;
        _model = model;
        _baseRun = graph.Changes is null ? 0 : PromptRun(graph.Changes, "[Changes]");
        _runs = DerivedRuns.Order(graph, prompts.Vocabulary, name => PromptRun(name, "[Run]"), _baseRun);
        _splices = [.. graph.Splices.Select(splice => (splice, splice.Names.Resolve(schema, paths)))];
    }

    /// <summary>The bound intervention.</summary>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="schema">The model's names, those inside splices included.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="paths">The declaration's paths, if some are parsed already.</param>
    /// <param name="model">The model, whose tokenizer reads the words whose logits are read.</param>
    /// <exception cref="InterventionException">
    /// A name is unknown, a placeholder has no range, or a word is not one token.
    /// </exception>
    public static BoundIntervention Bind(
        InterventionGraph graph, ModelSchema schema, IPromptSet prompts, SitePaths? paths = null, HookedModel? model = null)
    {
        paths ??= new SitePaths();
        SchemaSkew.Check(graph, schema, paths);
        return new InterventionBinder(graph, schema, prompts, paths, model).Bind();
    }

    private BoundIntervention Bind()
    {
        ImmutableArray<BoundWrite> writes = [.. _graph.Writes.Select((write, i) => Write(write, splice => splice.WritesBefore > i))];
        ImmutableArray<BoundMetric> metrics =
            [.. _graph.Metrics.Select(metric => new BoundMetric(metric, Reads(metric.Reads, metric.Name)))];
        ImmutableArray<BoundCapture> captures = [.. _graph.Captures.Select(capture =>
        {
            BoundSite site = Original(Site(capture.Site, capture.Name), _ => capture.BeforeWrites);
            return new BoundCapture(capture, site, Reads(capture.Reads, capture.Name, site));
        })];
        ImmutableArray<BoundGradient> gradients = [.. _graph.Gradients.Select(gradient =>
        {
            BoundSite site = Site(gradient.Site, gradient.Name);
            ImmutableArray<BoundRead> reads = Reads(gradient.Reads, gradient.Name, site);
            BoundGradient bound = new(gradient, site, reads, Metric(gradient.Metric, gradient.Name, metrics));
            foreach (BoundSite differentiated in bound.Sites)
                if (differentiated.Definition.WholeNumbers)
                    throw Wrong(gradient.Name, Sentences.Of(Sentences.WholeNumbers, differentiated.Text));
            return bound;
        })];
        ImmutableArray<BoundParameter> parameters =
            [.. _graph.Parameters.Select(parameter => new BoundParameter(parameter, Metric(parameter.Metric, parameter.Name, metrics)))];
        foreach (ParameterNode parameter in _graph.Parameters)
            if (!parameter.Value.requires_grad)
                throw Wrong(parameter.Name, "the parameter does not require gradients: call requires_grad_() on it");
        foreach ((string name, ImmutableArray<BoundRead> reads) in (IEnumerable<(string, ImmutableArray<BoundRead>)>)
            [
                .. writes.Select(write => (write.Node.Name, write.Reads)), .. captures.Select(capture => (capture.Name, capture.Reads)),
                .. metrics.Select(metric => (metric.Node.Name, metric.Reads)),
            ])
            if (reads.Any(read => read is BoundRead.Gradient))
                throw Wrong(name, "only the method of a gradient reads gradients");
        BoundIntervention bound = new()
        {
            Name = _graph.Name,
            BaseRun = _baseRun,
            Runs = _runs,
            Sweep = [],
            Writes = writes,
            Captures = captures,
            Gradients = gradients,
            Metrics = metrics,
            Parameters = parameters,
        };
        return bound with { Sweep = Sweep(bound) };
    }

    /// <summary>The placeholders. Writes sweep; captures, gradients and metrics that use a placeholder can only narrow its range.</summary>
    private ImmutableArray<SweepAxis> Sweep(BoundIntervention bound)
    {
        (string Name, BoundSite? Site, ImmutableArray<BoundRead> Reads)[] methods =
        [
            .. bound.Writes.Select(write => (write.Node.Name, (BoundSite?)write.Site, write.Reads)),
            .. bound.Kept.Select(keep => (keep.Name, (BoundSite?)keep.Site, keep.Reads)),
            .. bound.Metrics.Select(metric => (metric.Node.Name, (BoundSite?)null, metric.Reads)),
        ];
        string[] swept = [.. bound.Writes
            .SelectMany(write => write.Site.Placeholders.Concat(write.Reads.SelectMany(read => read.Placeholders))).Distinct()];
        SweepBinder axes = new(_graph, _schema, _prompts, _resolved);
        ImmutableArray<SweepAxis> sweep = axes.Axes(swept);
        axes.CheckUses(swept, methods.Select(method => (method.Name, method.Reads)));
        foreach ((string name, BoundSite? own, ImmutableArray<BoundRead> reads) in methods)
            foreach (BoundSite site in reads.OtherSites().Prepend(own).OfType<BoundSite>())
                foreach (string placeholder in site.Placeholders)
                    if (!swept.Contains(placeholder))
                        throw Wrong(
                            name, $"placeholder '{{{placeholder}}}' of '{site.Text}' is not swept: no write has it");
        foreach (BoundMetric metric in bound.Gradients.Select(gradient => gradient.Metric))
            if (metric.IsSwept)
                throw Wrong(metric.Node.Name, "it reads another run at a swept place, so an unchanged run has no one gradient of it");
        return sweep;
    }

    /// <summary>A write. Of splices that stand after it, it changes the original value, which they encode.</summary>
    private BoundWrite Write(WriteNode write, Func<SpliceNode, bool> isBefore)
    {
        BoundSite site = Original(Site(write.Site, write.Name), isBefore);
        ImmutableArray<BoundRead> reads = Reads(write.Reads, write.Name, site, inWrite: true);
        return new BoundWrite(write, site, reads, write.Run is null ? null : Written(write.Run, write.Name))
        {
            Number = write.Parts.IsEmpty ? _declared++ : _declared,
            IsTrained = (write.Kind?.Tensors ?? [])
                .Any(tensor => _graph.Parameters.Any(parameter => ReferenceEquals(parameter.Value, tensor))),
            Parts = [.. write.Parts.Select(part => Write(part, isBefore))],
        };
    }

    private ImmutableArray<BoundRead> Reads(ImmutableArray<Read> reads, string method, BoundSite? site = null, bool inWrite = false) =>
        [.. reads.Select(read => read switch
        {
            Read.Value => (BoundRead)new BoundRead.Value(),
            Read.Gradient gradient => new BoundRead.Gradient(gradient.Site is null ? null : Single(gradient.Site, method)),
            Read.From from => new BoundRead.From(
                Swept(from.Run) ?? new DonorRun(Donor(from.Run, method, inWrite)), from.Site is null ? null : Single(from.Site, method)),
            Read.Partner partner => new BoundRead.Partner(
                Swept(partner.Run) ?? new DonorRun(PromptRun(partner.Run, method)), partner.Seed),
            Read.Mean mean => Mean(mean, site, method),
            Read.Along along => inWrite && site is not null
                ? new BoundRead.Along(along.Tensor, AxesOf(along, site, method))
                : throw Wrong(method, "only a write reads a tensor along the axes of its site"),
            Read.Of of => new BoundRead.Of(Single(of.Site, method)),
            Read.Logit logit => new BoundRead.Logits(
                LogitsAt(logit.At, method), Measured(logit.In, method), Answer(logit.Answer, method)),
            Read.WordLogits words => new BoundRead.Logits(LogitsAt(words.At, method), Measured(words.In, method), null)
            {
                Words = WordTokens.Of(words, _model, problem => Wrong(method, problem)),
            },
            Read.Logits logits => new BoundRead.Logits(LogitsAt(logits.At, method), Measured(logits.In, method), null),
            Read.Swept swept => new BoundRead.Swept(swept.Name),
            Read.AnswerIds answer => new BoundRead.AnswerIds(Answer(answer.Answer, method)),
            Read.Shared shared => Shared(shared.Node, method, inWrite),
            _ => throw new InvalidOperationException($"Unknown read {read}."),
        })];

    /// <summary>A value that methods have in common: it knows nothing of any method's own site.</summary>
    private BoundRead.Shared Shared(SharedNode shared, string method, bool inWrite)
    {
        Read? own = shared.Reads.FirstOrDefault(read =>
            read is Read.Value or Read.Gradient or Read.From { Site: null } or Read.Partner or Read.Mean { Site: null } or Read.Along);
        return own is null
            ? new BoundRead.Shared(shared, Reads([.. shared.Reads], method, inWrite: inWrite))
            : throw Wrong(
                method,
                $"'{shared.Name}' is shared by methods, so it has no site of its own of which it could read: {GraphText.Describe(own)}");
    }

    private BoundRead.Mean Mean(Read.Mean mean, BoundSite? own, string method)
    {
        BoundSite? site = mean.Site is null ? own : Single(mean.Site, method);
        DonorRun run = mean.Over is { } over
            ? new DonorRun(RunOf(over, mean.Run, mean.AtIndices ? null : site, method))
            : Swept(mean.Run) ?? new DonorRun(PromptRun(mean.Run, method));
        return new BoundRead.Mean(
            run, mean.Pooled, mean.AcrossTemplates, mean.Over ?? _prompts, mean.Site is null ? null : site)
        {
            AtIndices = mean.AtIndices,
            Fewest = mean.Fewest,
        };
    }

    private BoundMetric Metric(string? name, string method, ImmutableArray<BoundMetric> metrics)
    {
        if (name is null)
            return metrics.Length == 1
                ? metrics[0]
                : throw Wrong(
                    method, metrics.IsEmpty ? "a gradient needs a metric, and there is none" : "there are several metrics; say Of = which");
        return metrics.FirstOrDefault(metric => metric.Node.Name == name) ?? throw Wrong(
            method, $"there is no metric '{name}'; the metrics are {string.Join(", ", metrics.Select(metric => metric.Node.Name))}");
    }

    /// <summary>A run of other prompts, which have the site's positions too.</summary>
    private int RunOf(IPromptSet over, string? run, BoundSite? site, string method)
    {
        foreach (SiteProblem problem in site is null ? [] : SiteResolver.Resolve(site.Resolution.Path, _schema, over.Vocabulary).Problems)
            throw Wrong(method, problem.Message);
        // Of 'named', the site has the names of the prompts that are run.
        foreach (string name in site?.Axes.SelectMany(axis => axis.Items).Select(item => item.Name).OfType<string>() ?? [])
            if (VocabularyResolver.UnknownPosition(name, over.Vocabulary) is { } unknown)
                throw Wrong(method, unknown.Message);
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
        List<string> axes = [.. site.Definition.Axes];
        return [.. along.Axes.Select(name => name == MaskAxes.Layer ? BoundRead.Along.Layer : axes.IndexOf(name))];
    }

    private static DonorRun? Swept(string? run) => BracedName.Read(run) is { } sweep ? new DonorRun(sweep) : null;

    /// <summary>A donor: a run of the prompt set, or in writes also a derived one.</summary>
    private int Donor(string? name, string method, bool inWrite)
    {
        if (_runs.FirstOrDefault(run => run.Name == name) is not { } derived)
            return PromptRun(name, method);
        return inWrite ? derived.Number : throw Wrong(
            method,
            $"'{name}' is a derived run, which exists for writes only; what is kept reads runs of the prompt set: " +
            string.Join(", ", _prompts.Vocabulary.Runs));
    }

    private int Written(string name, string method) =>
        _runs.FirstOrDefault(run => run.Name == name)?.Number ?? throw Wrong(
            method, $"In = '{name}' is not a derived run: declare [Run(\"{name}\")] (the prompt set's own runs stay unchanged)");

    private int? Measured(string? name, string method) => name is null ? null : PromptRun(name, method);

    private int PromptRun(string? name, string method) => name is null
        ? _baseRun
        : Find(name, _prompts.Vocabulary.Runs, VocabularyResolver.UnknownRun(name, _prompts.Vocabulary), method);

    private BoundSite Site(string text, string method)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = _paths.Resolve(text, _schema, _prompts.Vocabulary);
        return Site(resolution, problems, method);
    }

    private BoundSite Site(SiteResolution? resolution, EquatableArray<SiteProblem> problems, string method)
    {
        if (resolution is null || problems.Count > 0)
            throw Wrong(method, string.Join("; ", problems.Select(problem => problem.Message)));
        _resolved.Add(resolution);
        return BoundSite.Of($"{_graph.Name}.{method}", resolution, _schema, _prompts.Vocabulary);
    }

    /// <summary>A site as some splices find it: the original value in place of the one that they make.</summary>
    private BoundSite Original(BoundSite site, Func<SpliceNode, bool> finds) => site with
    {
        Originals = _splices.Where(splice => finds(splice.Node))
            .SelectMany(splice => splice.Resolution.Nodes.Select(pair =>
                (pair.Node, Original: splice.Resolution.Names.Inner(pair.Node, SplicedSites.Original))))
            .ToDictionary(pair => pair.Node, pair => pair.Original),
    };

    /// <summary>The site of a parameter, which is one value, so its path must name one.</summary>
    private BoundSite Single(string text, string method)
    {
        BoundSite site = Site(text, method);
        return site.IsStacked
            ? throw Wrong(method, $"a parameter reads one site, but '{text}' names several")
            : site with { IsRead = true };
    }

    private BoundSite LogitsAt(string at, string method)
    {
        if (!VocabularyResolver.TryPosition(at, _prompts.Vocabulary, out SelectionItem? position, out SiteProblem? problem))
            throw Wrong(method, problem.Message);
        SiteResolution resolution = SiteResolver.Resolve(SitePath.At("logits", at, position), _schema, _prompts.Vocabulary);
        return Site(resolution, resolution.Problems, method) with { IsRead = true };
    }

    private int Answer(string name, string method) =>
        Find(name, _prompts.Vocabulary.Answers, VocabularyResolver.UnknownAnswer(name, _prompts.Vocabulary), method);

    private int Find(string name, EquatableArray<string> names, SiteProblem? problem, string method) =>
        problem is null ? names.ToList().IndexOf(name) : throw Wrong(method, problem.Message);

    private InterventionException Wrong(string method, string problem) =>
        new($"{_graph.Name}.{method}: {problem}{SchemaSkew.Hint(_graph, _schema, _prompts.Vocabulary)}");
}

/// <summary>Orders derived runs so that each reads earlier ones only.</summary>
internal static class DerivedRuns
{
    /// <summary>The runs with their numbers, which follow those of the prompt set.</summary>
    /// <exception cref="InterventionException">Two runs share a name, or runs read each other in a circle.</exception>
    public static ImmutableArray<BoundRun> Order(
        InterventionGraph graph, PromptVocabulary vocabulary, Func<string, int> promptRun, int baseRun)
    {
        foreach (DerivedRun run in graph.Runs)
            if (vocabulary.Runs.Contains(run.Name) || graph.Runs.Count(other => other.Name == run.Name) > 1)
                throw new InterventionException($"{graph.Name}: there are two runs '{run.Name}'; a derived run needs a name of its own.");

        foreach (WriteNode write in graph.Writes.SelectMany(write => write.Declared))
            if (write.Run is { } own && write.Reads.Leaves().Any(read => read is Read.From from && from.Run == own))
                throw new InterventionException(
                    $"{graph.Name}.{write.Name}: "
                    + Sentences.Of(Sentences.LaterValue, write.Site, Sentences.Of(Sentences.RunIsComplete, own)));

        List<DerivedRun> ordered = [];
        while (ordered.Count < graph.Runs.Length)
        {
            DerivedRun[] waiting = [.. graph.Runs.Except(ordered)];
            DerivedRun? next = waiting.FirstOrDefault(run =>
                !Donors(graph, run).Any(donor => waiting.Any(other => other.Name == donor)));
            ordered.Add(next ?? throw new InterventionException(
                $"{graph.Name}: the runs {string.Join(", ", waiting.Select(run => $"'{run.Name}'"))} read each other in a circle, " +
                "so none of them can be first."));
        }
        return [.. ordered.Select((run, i) =>
            new BoundRun(vocabulary.Runs.Count + i, run.From is null ? baseRun : promptRun(run.From), run.Name))];
    }

    private static IEnumerable<string?> Donors(InterventionGraph graph, DerivedRun run) =>
        graph.Writes.Where(write => write.Run == run.Name).SelectMany(write => write.Reads.Leaves().OfType<Read.From>())
            .Select(from => from.Run);
}
