using Interventions.Models;
using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Points that attributes and properties list, a donor of a swept place, a mask of every ablation, and words.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Sweep("layer, head", "1.2", "0.0"), Sweep("donor", "corrupted", "other"), Sweep("alpha", 0.5, 2)]
public sealed partial class EveryList
{
    private static readonly string[] s_known = [" b", "."];

    [Sweep("source, sender")]
    public required IReadOnlyList<(int Source, int Sender)> Edges { get; init; }

    [Sweep("place")]
    public string[] Places { get; init; } = ["subject", "end"];

    public required IReadOnlyList<string> Words { get; init; }

    public required TinyPrompts Reference { get; init; }

    [Mix("blocks.*.mlp_out", "layer", Ablation = Ablation.Mean, Over = nameof(Reference), AcrossTemplates = true)]
    public required Tensor Mlps { get; init; }

    [Mix("embed", Ablation = Ablation.Resample, From = "other", Seed = 5)]
    [Mix("blocks.0.attn_out[pos=named]", Ablation = Ablation.Zero)]
    [Mix("blocks.1.attn_out[pos!=0]", Ablation = Ablation.Mean, From = "corrupted", Pooled = true)]
    [Mix("blocks.0.attn.z[head!=1]")]
    public required Tensor Half { get; init; }

    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromDonor([From("{donor}")] Tensor donor) => donor;

    // Not one with the patch below: it brings an axis, which stays in the order of the text.
    [Patch("blocks.1.mlp_out[pos={place}]")]
    static Tensor Damped(Tensor x) => x * 0.5;

    [Patch("blocks.0.resid_pre[pos=named]")]
    static Tensor Shifted(Tensor x, [Swept("alpha")] double alpha) => x + alpha;

    [Patch("blocks.1.mlp_out[pos={place}]")]
    static Tensor Edge(Tensor x, [From("corrupted", "blocks.{source}.attn.z[head={sender}; pos=end]")] Tensor z) =>
        x + z.sum([2L, 3L]).unsqueeze(-1);

    [Capture("blocks.*.resid_post[pos=named]")]
    static Tensor Stream(Tensor x) => x;

    [Metric]
    static Tensor Margin([Logit("right")] Tensor right, [Logit(nameof(Words), At = "subject", In = "clean")] Tensor words) =>
        right - words.amax([1L]);

    [Metric]
    static Tensor Known([Logit(nameof(s_known))] Tensor known) => known.sum(-1);
}

/// <summary>Lists, words and a trained value that several studies of any GPT-2 share; its members are its own.</summary>
[Intervention(Prompts = typeof(TinyPrompts)), Changes("corrupted"), Run("direct", From = "other")]
[Scale("blocks.0.mlp_out[pos=end]", 2, In = "direct")]
public abstract partial class SharedLists<TModel>
    where TModel : Gpt2Model
{
    private protected static readonly string[] s_known = [" b", "."];

    [Sweep("layer, head")]
    public required IReadOnlyList<(int Layer, int Head)> Heads { get; init; }

    public required TinyPrompts Reference { get; init; }

    [Add("blocks.0.resid_post[pos=end]"), Parameter, Shape("d_model")]
    public required Tensor Direction { get; init; }

    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    private static Tensor FromClean([From("clean")] Tensor clean) => clean;

    [Patch("blocks.1.attn_out[pos=end]")]
    private Tensor FromDirect([From("direct")] Tensor direct) => direct * Heads.Count;

    [Gradient("blocks.1.resid_pre[pos=end]")]
    private static Tensor Attribution(Tensor gradient, Tensor x) => gradient * x;

    [Metric]
    private static Tensor Margin([Logit("right")] Tensor right, [Logit(nameof(s_known))] Tensor known) => right - known.amax([1L]);
}

/// <summary>Adds to what it shares: the gradients stay those of the shared metric.</summary>
[Mean("blocks.1.mlp_out[pos=subject]", Over = "Reference"), Scale("blocks.1.mlp_out[pos=subject]", 0.5)]
public sealed partial class SharedListsOfTiny : SharedLists<TinyGpt2>
{
    [Capture("blocks.*.resid_post[pos=named]")]
    private static Tensor Stream(Tensor x) => x;

    [Metric]
    private static Tensor Known([Logit(nameof(s_known), At = "subject")] Tensor known) => known.sum(-1);
}

/// <summary>Adds to it for any model.</summary>
[Zero("blocks.0.mlp_out[pos=subject]")]
public sealed partial class SharedListsOfAny<TModel> : SharedLists<TModel>
    where TModel : Gpt2Model;

/// <summary>A model with the sites of <see cref="TinyGpt2"/>, and with the words of <see cref="ToyModel"/>.</summary>
internal sealed class TinyWorded() : DecoderModel(DecoderCheckpoint.Random(
    Gpt2Model.Configure(layers: 2, heads: 3, d_model: 12, vocabularySize: 17, contextLength: 24), seed: 7, ScalarType.Float64))
{
    private readonly ToyModel _toy = new();

    public override IReadOnlyList<long> EncodePiece(string text) => _toy.EncodePiece(text);

    protected override void Dispose(bool disposing)
    {
        _toy.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A path patch, and a run for others.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Run("direct", From = "corrupted")]
[PathPatch("blocks.0.attn.z[head=0]", "blocks.1.attn.q_input", From = "other")]
public abstract partial class SharedPaths
{
    [Metric]
    private static Tensor Right([Logit("right")] Tensor right) => right;
}

/// <summary>Has as many runs as its base, and a path patch in the base's run.</summary>
[Run("own"), Zero("blocks.0.mlp_out[pos=subject]", In = "own")]
[PathPatch("blocks.0.mlp_out", "blocks.1.attn.k_input", From = "other", In = "direct")]
public sealed partial class DerivedPaths : SharedPaths
{
    [Patch("blocks.1.attn_out[pos=end]")]
    private static Tensor FromBoth([From("direct")] Tensor direct, [From("own")] Tensor own) => direct - own;
}

/// <summary>The same without a base.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Run("direct", From = "corrupted"), Run("own")]
[PathPatch("blocks.0.attn.z[head=0]", "blocks.1.attn.q_input", From = "other", Order = -1)]
[Zero("blocks.0.mlp_out[pos=subject]", In = "own")]
[PathPatch("blocks.0.mlp_out", "blocks.1.attn.k_input", From = "other", In = "direct")]
public sealed partial class FlatPaths
{
    [Patch("blocks.1.attn_out[pos=end]")]
    private static Tensor FromBoth([From("direct")] Tensor direct, [From("own")] Tensor own) => direct - own;

    [Metric]
    private static Tensor Right([Logit("right")] Tensor right) => right;
}
