using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Interventions.Declarations;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// A declaration without a class: the attributes of the language as calls, for notebooks, where no generator runs, and for loops that make
/// declarations. It is a value: each call returns a new one. Names of sites are refused at the call, those of prompts when it runs, both
/// with the compiler's sentences.
/// </summary>
/// <remarks>
/// Writes happen in the order of the calls. What is kept has the name that the call gives it: <c>run["LogitDifference"]</c>. A call's
/// <c>run</c> is the derived run that it writes (an attribute's <c>In</c>).
/// </remarks>
/// <example><code>
/// using RunResult run = Intervention.On(model)
///     .Patch("blocks.{layer}.attn.z[head={head}; pos=end]", from: "corrupted")
///     .LogitDifference("IO", "S")
///     .Run(prompts);
/// Tensor effect = run["LogitDifference"][("layer", 9), ("head", 6)];
/// </code></example>
public sealed partial record Intervention
{
    private Intervention(HookedModel model, string name)
    {
        Model = model;
        Names = model.Schema;
        Bare = new InterventionGraph { Name = name, ModelFingerprint = Names.Fingerprint, IsUnanalyzed = true };
    }

    /// <summary>The model, which is borrowed.</summary>
    internal HookedModel Model { get; }

    /// <summary>What the calls say, without the writes.</summary>
    private InterventionGraph Bare { get; init; }

    /// <summary>The writes.</summary>
    private ImmutableArray<WriteStep> Steps { get; init; } = [];

    /// <summary>The model's names, and those inside the splices so far.</summary>
    internal ModelSchema Names { get; private init; }

    /// <summary>The names that the calls use, call by call.</summary>
    internal ImmutableArray<CallNames> Calls { get; private init; } = [];

    /// <summary>What the calls say, as a value; the graph that a class of the same attributes has.</summary>
    public InterventionGraph Graph => Bare.With(Steps);

    /// <summary>The methods and tensors that a saved graph refers to by name.</summary>
    public GraphMembers Members => GraphMembers.Of(Graph);

    /// <summary>An intervention on a model that changes and keeps nothing so far.</summary>
    /// <param name="model">The model, which is borrowed; its type need not declare its sites.</param>
    /// <param name="name">The name for messages and files.</param>
    public static Intervention On(HookedModel model, string name = nameof(Intervention))
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new Intervention(model, name);
    }

    /// <summary>
    /// The graph of a declared class, from its attributes by reflection: for scripts, where no generator runs. It is the graph that the
    /// generator would make: <c>Intervention.Of(new HeadSweep()).Run(model, prompts)</c>.
    /// </summary>
    /// <param name="declaration">An object of a class with <c>[Intervention]</c>.</param>
    /// <exception cref="InterventionException">
    /// Its class is no intervention, or a method or property of it cannot be called or read; the compiler says the same where the analyzers
    /// run.
    /// </exception>
    public static InterventionGraph Of(object declaration)
    {
        ArgumentNullException.ThrowIfNull(declaration);
        return ReflectedDeclaration.Of(declaration).Graph();
    }

    /// <summary>The run of the prompt set that the writes change, see <see cref="ChangesAttribute"/>.</summary>
    public Intervention Changes(string run) => Say(Call(run) with { Runs = [run] }) with { Bare = Bare with { Changes = run } };

    /// <summary>Derives a further run, which writes with <c>run: name</c> change; see <see cref="RunAttribute"/>.</summary>
    /// <param name="name">Its name, which no run of the prompt set has.</param>
    /// <param name="from">The run whose tokens it reads; the changed one unless it is given.</param>
    public Intervention DeriveRun(string name, string? from = null) =>
        Say(Call(name) with { Runs = from is null ? [] : [from] }) with
        {
            Bare = Bare with { Runs = Bare.Runs.Add(new DerivedRun(name, from)) },
        };

    /// <summary>Sweeps the numbers for which <c>{name}</c> stands: strengths, layers, indices; see <see cref="SweepAttribute"/>.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="values">The numbers, in order.</param>
    [OverloadResolutionPriority(1)]
    public Intervention Sweep(string name, params double[] values)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return ListedPoints.Placeholders(name).Count > 1
            ? throw Wrong(Call(name), Sentences.Of(Sentences.PointsAreTexts, name, ListedPoints.Example))
            : Sweep(SweepAxis.OfNumbers(name, values));
    }

    /// <summary>
    /// Sweeps the runs or positions for which <c>{name}</c> stands, or points of several placeholders; see <see cref="SweepAttribute"/>.
    /// </summary>
    /// <param name="name">The placeholder, without braces; several are parted by commas: <c>layer, head</c>.</param>
    /// <param name="first">The first run or position, or the first point: <c>23.3</c>.</param>
    /// <param name="others">The others, in order.</param>
    public Intervention Sweep(string name, string first, params string[] others) => Sweep<string>(name, [first, .. others]);

    /// <summary>Sweeps what a list holds, such as the heads that another run found: of several placeholders, points.</summary>
    /// <typeparam name="TPoint"><c>int</c>, <c>double</c> or <c>string</c>; of several placeholders, also tuples of them.</typeparam>
    /// <param name="names">The placeholder, without braces; several are parted by commas: <c>layer, head</c>.</param>
    /// <param name="points">The values or points, in order: <c>[(23, 3), (20, 0)]</c> or <c>["23.3", "20.0"]</c>.</param>
    public Intervention Sweep<TPoint>(string names, IEnumerable<TPoint> points)
    {
        ArgumentException.ThrowIfNullOrEmpty(names);
        ArgumentNullException.ThrowIfNull(points);
        IReadOnlyList<string> placeholders = ListedPoints.Placeholders(names);
        if (points is IEnumerable<string> texts && placeholders.Count > 1)
        {
            string[] all = [.. texts];
            string? wrong = all.Select(text => ListedPoints.Problem(text ?? "", placeholders)).FirstOrDefault(one => one is not null);
            return wrong is null ? Sweep(SweepAxis.OfPoints(names, all)) : throw Wrong(Call(names), wrong);
        }
        return SweptLists.CanList(typeof(IEnumerable<TPoint>), names)
            ? Sweep(SweptLists.OfAny($"{Bare.Name}.{Call(names).Call}", names, points))
            : throw Wrong(Call(names), Sentences.Of(Sentences.ListsNothing, nameof(points), names, ListedPoints.Needed(placeholders)));
    }

    /// <summary>The writes of another intervention, at this place among the writes; see <see cref="IncludeAttribute"/>.</summary>
    /// <param name="name">The prefix of its methods, tensors, parameters and derived runs: <c>name.Method</c>.</param>
    /// <param name="included">What it says, also of a declared class: its <c>Graph</c>.</param>
    public Intervention Include(string name, InterventionGraph included)
    {
        ArgumentNullException.ThrowIfNull(included);
        Intervention spliced = this with
        {
            Names = Names.With(included.Splices.Select(splice => splice.Names.Resolve(Model.Schema))),
            Steps = Steps.Add(new WriteStep.Include(name, included)),
        };
        IEnumerable<WriteNode> writes = included.Writes.SelectMany(write => write.Declared);
        return spliced.Say(Call(name) with { Paths = [.. writes.Select(write => write.Site)] });
    }

    /// <summary>Keeps the metric's gradient with respect to a tensor, see <see cref="ParameterAttribute"/>.</summary>
    /// <param name="name">The name of the gradient: <c>run.Gradient(name)</c>.</param>
    /// <param name="value">The tensor, which a write uses, and which requires gradients; borrowed.</param>
    /// <param name="of">The metric; needed where there are several.</param>
    public Intervention Parameter(string name, Tensor value, string? of = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Say(Call(name)) with { Bare = Bare with { Parameters = Bare.Parameters.Add(new ParameterNode(name, value, of)) } };
    }

    /// <inheritdoc cref="InterventionGraph.ToText"/>
    public override string ToString() => Graph.ToText();

    private Intervention Sweep(SweepAxis axis) =>
        Say(Call(axis.Name, nameof(Sweep)) with { Listed = axis }) with { Bare = Bare with { Sweeps = Bare.Sweeps.Add(axis) } };

    /// <summary>A call as messages name it: <c>Patch("blocks.3.mlp_out")</c>.</summary>
    private static CallNames Call(string first, [CallerMemberName] string call = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(first);
        return new CallNames($"{call}(\"{first}\")");
    }

    /// <summary>This intervention with a further call, whose sites the model has.</summary>
    /// <exception cref="InterventionException">It has not.</exception>
    private Intervention Say(CallNames call)
    {
        call.CheckSites(Bare.Name, Names, prompts: null);
        Intervention said = this with { Calls = Calls.Add(call) };
        said.CheckPoints(prompts: null);
        return said;
    }

    /// <summary>Compares listed points with the model, as far as the calls so far use their placeholders; and with a prompt set.</summary>
    /// <exception cref="InterventionException">One is not there.</exception>
    internal void CheckPoints(PromptVocabulary? prompts)
    {
        if (!Calls.Any(call => call.Listed is not null))
            return;
        IReadOnlyList<PlaceholderRange> ranges = SiteExpansion.Placeholders(
            Calls.SelectMany(call => call.AllPaths).Select(path => SiteResolver.Resolve(path, Names, prompts).Resolution)
                .OfType<SiteResolution>().Where(resolution => resolution.IsSuccess),
            Names);
        string[] donors = [.. Calls.SelectMany(call => call.Reads).Select(read => read.SweptRun).OfType<string>()];
        foreach (CallNames call in Calls)
            call.CheckPoints(Bare.Name, ranges, donors, Names, prompts);
    }
}

/// <summary>The names that a call uses.</summary>
/// <param name="Call">The call, for messages.</param>
internal sealed record CallNames(string Call)
{
    /// <summary>The paths that it writes or keeps.</summary>
    public ImmutableArray<string> Paths { get; init; } = [];

    /// <summary>What its method or kind reads.</summary>
    public ImmutableArray<Read> Reads { get; init; } = [];

    /// <summary>The runs that it names beside those of <see cref="Reads"/>: runs of the prompt set.</summary>
    public ImmutableArray<string> Runs { get; init; } = [];

    /// <summary>The derived run that it writes; <see langword="null"/> is the changed one.</summary>
    public string? Written { get; init; }

    /// <summary>What it lists for placeholders.</summary>
    public SweepAxis? Listed { get; init; }

    /// <summary>The paths that it writes, keeps or reads.</summary>
    public IEnumerable<string> AllPaths => Paths.Concat(Reads.Select(read => read.OtherPath).OfType<string>());

    /// <summary>Compares the paths with a model, and with a prompt set where one is known.</summary>
    /// <exception cref="InterventionException">A name is unknown.</exception>
    public void CheckSites(string declaration, ModelSchema schema, PromptVocabulary? prompts) =>
        Refuse(declaration, AllPaths.SelectMany(path => SiteResolver.Resolve(path, schema, prompts).Problems));

    /// <summary>Compares the listed points with the model, and with a prompt set where one is known.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="ranges">What the placeholders of site paths can go through.</param>
    /// <param name="donors">The placeholders of runs.</param>
    /// <param name="schema">The model's names.</param>
    /// <param name="prompts">The prompt set's names.</param>
    /// <exception cref="InterventionException">A point is not there.</exception>
    public void CheckPoints(
        string declaration,
        IReadOnlyList<PlaceholderRange> ranges,
        IReadOnlyCollection<string> donors,
        ModelSchema schema,
        PromptVocabulary? prompts)
    {
        if (Listed is not { } listed)
            return;
        foreach (string placeholder in listed.Placeholders)
        {
            ImmutableArray<SweepCoordinate> coordinates = listed.Of(placeholder).Coordinates;
            for (int i = 0; i < coordinates.Length; i++)
                if (Problem(placeholder, coordinates[i]) is { } problem)
                    throw new InterventionException(
                        $"{declaration}.{Call}: {Sentences.Of(Sentences.NoPoint, listed.Name, listed.Coordinates[i], problem)}");
        }

        string? Problem(string placeholder, SweepCoordinate coordinate) =>
            ranges.FirstOrDefault(range => range.Name == placeholder) is { } range
                ? ListedPoints.Place(coordinate.ToString(), range, schema, prompts).Problem
            : prompts is not null && donors.Contains(placeholder) && coordinate.Name is { } run
                ? VocabularyResolver.UnknownRun(run, prompts)?.Message
            : null;
    }

    /// <summary>Compares the names of runs, answers and positions of logits with a prompt set.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="derived">The runs that the declaration derives.</param>
    /// <param name="prompts">The prompt set's names.</param>
    /// <exception cref="InterventionException">A name is unknown.</exception>
    public void CheckPrompts(string declaration, IReadOnlyCollection<string> derived, PromptVocabulary prompts)
    {
        if (Written is { } written && !derived.Contains(written))
            throw new InterventionException(
                $"{declaration}.{Call}: run '{written}' is not derived: call DeriveRun(\"{written}\") "
                + "(the prompt set's own runs stay unchanged)");
        List<SiteProblem?> problems = [.. Runs.Select(Run)];
        foreach (Read read in Reads)
        {
            problems.AddRange(read switch
            {
                Read.From from => [Donor(from.Run)],
                Read.Partner partner => [Donor(partner.Run)],
                Read.Mean { Over: null } mean => [Donor(mean.Run)],
                Read.WordLogits words => [Position(words.At), Donor(words.In)],
                Read.Logit logit => [VocabularyResolver.UnknownAnswer(logit.Answer, prompts), Position(logit.At), Donor(logit.In)],
                Read.Logits logits => [Position(logits.At), Donor(logits.In)],
                Read.AnswerIds answer => [VocabularyResolver.UnknownAnswer(answer.Answer, prompts)],
                _ => Array.Empty<SiteProblem?>(),
            });
        }
        Refuse(declaration, problems.OfType<SiteProblem>());

        SiteProblem? Run(string name) => VocabularyResolver.UnknownRun(name, prompts);

        SiteProblem? Donor(string? name) =>
            name is null || BracedName.Read(name) is not null || derived.Contains(name) ? null : Run(name);

        SiteProblem? Position(string name) =>
            VocabularyResolver.TryPosition(name, prompts, out _, out SiteProblem? problem) ? null : problem;
    }

    private void Refuse(string declaration, IEnumerable<SiteProblem> problems)
    {
        string[] messages = [.. problems.Select(problem => problem.Message).Distinct()];
        if (messages.Length > 0)
            throw new InterventionException($"{declaration}.{Call}: {string.Join("; ", messages)}");
    }
}
