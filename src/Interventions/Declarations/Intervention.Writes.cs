using System.Runtime.CompilerServices;
using Interventions.Declarations;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions;

/// <content>Writes without a method.</content>
public sealed partial record Intervention
{
    /// <summary>Overwrites the selected values with those of another run: a patch whose method returns what it reads.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="from">The run of the prompt set, a derived one, or a placeholder that sweeps runs.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Patch(string site, string from, string? run = null) =>
        Write(new WriteNode(nameof(Patch), site, new WriteKind.Copy(from ?? throw new ArgumentNullException(nameof(from))), run));

    /// <summary>Overwrites the selected values with 0, see <see cref="ZeroAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Zero(string site, string? run = null) => Write(BuiltInWrites.Zero(site, run));

    /// <summary>Multiplies the selected values, see <see cref="ScaleAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Scale(string site, double factor, string? run = null) => Write(BuiltInWrites.Scale(site, factor, run));

    /// <summary>Multiplies the selected values by each factor of a sweep, see <see cref="ScaleAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="factor">The placeholder in braces: <c>{alpha}</c>.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Scale(string site, string factor, string? run = null) =>
        Write(BuiltInWrites.Scale(site, Braced(factor, nameof(Scale)), run));

    /// <summary>Overwrites the selected values with those of a run, see <see cref="FreezeAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="from">The run; the changed one before any write unless it is given.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Freeze(string site, string? from = null, string? run = null) => Write(BuiltInWrites.Freeze(site, from, run));

    /// <summary>Overwrites the selected values with those that another prompt has, see <see cref="ResampleAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="from">The run whose values are drawn; the changed one unless it is given.</param>
    /// <param name="seed">Equal seeds draw equal prompts.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Resample(string site, string? from = null, int seed = 0, string? run = null) =>
        Write(BuiltInWrites.Resample(site, from, seed, run));

    /// <summary>Overwrites the selected values with their mean over prompts, see <see cref="MeanAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="from">The run over whose prompts the mean is taken; the changed one, or the first of <paramref name="over"/>.</param>
    /// <param name="over">The prompts; those of the run unless they are given.</param>
    /// <param name="pooled">Whether it is one mean over all prompts and positions.</param>
    /// <param name="acrossTemplates">Whether prompts of all templates count.</param>
    /// <param name="run">The derived run that is written.</param>
    public Intervention Mean(
        string site,
        string? from = null,
        IPromptSet? over = null,
        bool pooled = false,
        bool acrossTemplates = false,
        string? run = null) => Write(BuiltInWrites.Mean(site, from, pooled, run, over, acrossTemplates));

    /// <summary>Adds a tensor to the selected values, see <see cref="AddAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="vector">What is added, such as a steering vector; borrowed.</param>
    /// <param name="strength">Its factor.</param>
    /// <param name="run">The derived run that is written.</param>
    /// <param name="name">The name of the tensor, for messages and files.</param>
    public Intervention Add(string site, Tensor vector, double strength = 1, string? run = null, string name = nameof(Add)) =>
        Write(BuiltInWrites.Add(name, site, Given(vector), strength, run));

    /// <summary>Adds a tensor at each strength of a sweep, see <see cref="AddAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="vector">What is added; borrowed.</param>
    /// <param name="strength">The placeholder in braces: <c>{alpha}</c>.</param>
    /// <param name="run">The derived run that is written.</param>
    /// <param name="name">The name of the tensor, for messages and files.</param>
    public Intervention Add(string site, Tensor vector, string strength, string? run = null, string name = nameof(Add)) =>
        Write(BuiltInWrites.Add(name, site, Given(vector), Braced(strength, nameof(Add)), run));

    /// <summary>Mixes the value with another run's, or with an ablation, by a mask; see <see cref="MixAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="mask">1 keeps the value, 0 takes the other one; borrowed.</param>
    /// <param name="axes">The axes of the mask: axes of the site, with <c>layer</c> first where the path names several layers.</param>
    /// <param name="ablation">What is mixed in.</param>
    /// <param name="from">The run that is mixed in, <c>corrupted</c> unless it is given; or the run of a mean or of partners.</param>
    /// <param name="over">The prompts of a mean; those of the run unless they are given.</param>
    /// <param name="pooled">Whether a mean is one over all prompts and positions.</param>
    /// <param name="acrossTemplates">Whether prompts of all templates count in a mean.</param>
    /// <param name="seed">Equal seeds draw equal partners.</param>
    /// <param name="run">The derived run that is written.</param>
    /// <param name="name">The name of the mask, for messages and files.</param>
    /// <exception cref="InterventionException">The model has no such site, or the ablation does not read what is given.</exception>
    public Intervention Mix(
        string site,
        Tensor mask,
        string[] axes,
        Ablation ablation = Ablation.OtherRun,
        string? from = null,
        IPromptSet? over = null,
        bool pooled = false,
        bool acrossTemplates = false,
        int seed = 0,
        string? run = null,
        string name = nameof(Mix))
    {
        MixAttribute said = new(site, axes)
        {
            Ablation = ablation,
            From = from,
            Over = over?.Vocabulary.PromptSet,
            Pooled = pooled,
            AcrossTemplates = acrossTemplates,
            Seed = seed,
            In = run,
        };
        return MaskedWrites.Problem(said, name) is { } problem
            ? throw Wrong(Call(site), problem)
            : Write(MaskedWrites.Of(said, name, Given(mask), over));
    }

    /// <summary>Removes the component along a direction, see <see cref="ProjectOutAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="direction">The direction along the last axis, of any length but 0; borrowed.</param>
    /// <param name="run">The derived run that is written.</param>
    /// <param name="name">The name of the direction, for messages and files.</param>
    public Intervention ProjectOut(string site, Tensor direction, string? run = null, string name = nameof(ProjectOut)) =>
        Write(BuiltInWrites.ProjectOut(name, site, Given(direction), run));

    /// <summary>Keeps only the component along a direction, see <see cref="ProjectOntoAttribute"/>.</summary>
    /// <param name="site">The site path.</param>
    /// <param name="direction">The direction along the last axis, of any length but 0; borrowed.</param>
    /// <param name="run">The derived run that is written.</param>
    /// <param name="name">The name of the direction, for messages and files.</param>
    public Intervention ProjectOnto(string site, Tensor direction, string? run = null, string name = nameof(ProjectOnto)) =>
        Write(BuiltInWrites.ProjectOnto(name, site, Given(direction), run));

    /// <summary>Patches the direct paths from one sender to receivers, see <see cref="PathPatchAttribute"/>.</summary>
    /// <param name="sender">The sender's site path.</param>
    /// <param name="receivers">The receivers' site paths: ports, or <c>logits</c>.</param>
    /// <param name="from">The run whose sender values are put in.</param>
    /// <param name="freezeMlps">Whether MLPs are frozen as well.</param>
    /// <param name="freeze">The frozen sites; every head unless they are given.</param>
    /// <param name="run">The derived run whose receivers are written.</param>
    public Intervention PathPatch(
        string sender,
        string[] receivers,
        string from = "corrupted",
        bool freezeMlps = false,
        string[]? freeze = null,
        string? run = null) => PathPatch([sender], receivers, from, freezeMlps, freeze, run);

    /// <summary>Patches the direct paths from several senders at once to receivers, see <see cref="PathPatchAttribute"/>.</summary>
    /// <param name="senders">The senders' site paths.</param>
    /// <param name="receivers">The receivers' site paths: ports, or <c>logits</c>.</param>
    /// <param name="from">The run whose sender values are put in.</param>
    /// <param name="freezeMlps">Whether MLPs are frozen as well.</param>
    /// <param name="freeze">The frozen sites; every head unless they are given.</param>
    /// <param name="run">The derived run whose receivers are written.</param>
    public Intervention PathPatch(
        string[] senders,
        string[] receivers,
        string from = "corrupted",
        bool freezeMlps = false,
        string[]? freeze = null,
        string? run = null)
    {
        ArgumentNullException.ThrowIfNull(senders);
        ArgumentNullException.ThrowIfNull(receivers);
        CallNames call = Call(senders.FirstOrDefault("…")) with
        {
            Paths = [.. senders, .. receivers, .. freeze ?? []],
            Reads = [Reads.From(from)],
            Written = run,
        };
        Intervention said = Say(call);
        string? wrong = senders.Length == 0 ? Sentences.NoSender
            : receivers.Length == 0 ? Sentences.Of(Sentences.NoReceiver, senders[0])
            : null;
        return wrong is not null ? throw Wrong(call, wrong) : said with
        {
            Steps = Steps.Add(new WriteStep.Composite(graph => graph.PathPatch(senders, receivers, from, freezeMlps, freeze, run))),
        };
    }

    /// <summary>Puts an encoder–decoder into the model, the same into every layer; see <see cref="SpliceAttribute"/>.</summary>
    /// <param name="name">Its name: <c>Sae</c> has the sites <c>….sae.features</c>.</param>
    /// <param name="site">The site that is replaced, without selectors.</param>
    /// <param name="splice">The encoder–decoder; borrowed.</param>
    /// <param name="reads">The path that is encoded; the replaced one unless it is given.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    public Intervention Splice(
        string name, string site, ISplice splice, string? reads = null, bool errorTerm = true, bool detachError = false) =>
        Splice(name, site, [splice], reads, errorTerm, detachError);

    /// <summary>Puts an encoder–decoder into each of several layers; see <see cref="SpliceAttribute"/>.</summary>
    /// <param name="name">Their name: <c>Sae</c> has the sites <c>….sae.features</c>.</param>
    /// <param name="site">The site that is replaced, without selectors.</param>
    /// <param name="splices">The encoder–decoders, one for each layer in the order of the path; borrowed.</param>
    /// <param name="reads">The path that is encoded; the replaced one unless it is given.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    public Intervention Splice(
        string name,
        string site,
        IReadOnlyList<ISplice> splices,
        string? reads = null,
        bool errorTerm = true,
        bool detachError = false)
    {
        CallNames call = Call(name) with { Paths = reads is null ? [site] : [site, reads] };
        Intervention said = Say(call);
        SpliceNode node = (Bare with { Writes = [] }).Splice(name, site, splices, reads, true, detachError).Splices[^1];
        SpliceResolution resolution = node.Names.Resolve(Model.Schema);
        return resolution.Problem is { } wrong ? throw Wrong(call, wrong.Problem.Message) : said with
        {
            Names = Names.With([resolution]),
            Steps = Steps.Add(
                new WriteStep.Composite(graph => graph.Splice(name, site, splices, reads, errorTerm, detachError))),
        };
    }

    private Intervention Write(WriteNode node, [CallerMemberName] string call = "") =>
        Say(Call(node.Site, call) with { Paths = [node.Site], Reads = node.Reads, Written = node.Run }) with
        {
            Steps = Steps.Add(new WriteStep.One(node)),
        };

    private InterventionException Wrong(CallNames call, string problem) => new($"{Bare.Name}.{call.Call}: {problem}");

    private string Braced(string sweep, string call) => BracedName.Read(sweep) is not null ? sweep : throw new InterventionException(
        $"{Bare.Name}.{call}: '{sweep}' is no strength: write a number, or a placeholder in braces, as in \"{{alpha}}\"");

    private static Tensor Given(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        return tensor;
    }
}
