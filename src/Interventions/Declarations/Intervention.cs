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
        return new ReflectedDeclaration(declaration).Graph();
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

    /// <summary>Sweeps the strengths or factors in which <c>{name}</c> stands, see <see cref="SweepAttribute"/>.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="values">The numbers, in order.</param>
    public Intervention Sweep(string name, params double[] values) => Sweep(SweepAxis.OfNumbers(name, values), []);

    /// <summary>Sweeps the runs in which <c>{name}</c> stands, see <see cref="SweepAttribute"/>.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="run">The first run.</param>
    /// <param name="runs">The other runs, in order.</param>
    public Intervention Sweep(string name, string run, params string[] runs) =>
        Sweep(SweepAxis.OfRuns(name, [run, .. runs]), [run, .. runs]);

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

    private Intervention Sweep(SweepAxis axis, ImmutableArray<string> runs) =>
        Say(Call(axis.Name) with { Runs = runs }) with { Bare = Bare with { Sweeps = Bare.Sweeps.Add(axis) } };

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
        return this with { Calls = Calls.Add(call) };
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

    /// <summary>Compares the paths with a model, and with a prompt set where one is known.</summary>
    /// <exception cref="InterventionException">A name is unknown.</exception>
    public void CheckSites(string declaration, ModelSchema schema, PromptVocabulary? prompts)
    {
        IEnumerable<string> read = Reads.Select(read => read switch { Read.From from => from.Site, Read.Of of => of.Site, _ => null })
            .OfType<string>();
        Refuse(declaration, Paths.Concat(read).SelectMany(path => SiteResolver.Resolve(path, schema, prompts).Problems));
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
