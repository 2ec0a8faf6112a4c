namespace Interventions.Generators.Tests.Testing;

/// <summary>A model and a prompt set that the tests declare interventions on.</summary>
internal static class Sources
{
    /// <summary>A small model of two layers and three heads.</summary>
    public const string Model = """
        namespace Study;

        [Site("embed", "batch", "pos", "d_model")]
        [Site("blocks.{layer}.attn.q_input", "batch", "pos", "head", "d_model")]
        [Site("blocks.{layer}.attn.pattern", "batch", "head", "query", "key")]
        [Site("blocks.{layer}.attn.z", "batch", "pos", "head", "d_head")]
        [Site("blocks.{layer}.mlp_in", "batch", "pos", "d_model")]
        [Site("blocks.{layer}.mlp.post", "batch", "pos", "neuron")]
        [Site("blocks.{layer}.mlp_out", "batch", "pos", "d_model")]
        [Site("logits", "batch", "pos", "vocab")]
        public abstract class Decoder : Interventions.ModelGraphs.HookedModel
        {
            public override Interventions.ModelSchema Schema => throw new NotImplementedException();
            public override Interventions.ModelGraphs.ModelGraph Graph => throw new NotImplementedException();
            public override int? ContextLength => null;
            public override int VocabularySize => 10;
            public override Device Device => CPU;
            protected override void Dispose(bool disposing) { }
        }

        [ModelSchema, Axis("layer", 2), Axis("head", 3), Axis("neuron", 8)]
        public sealed partial class Toy : Decoder;
        """;

    /// <summary>A prompt set with its own names.</summary>
    public const string Prompts = """
        namespace Study;

        [PromptSchema(Runs = ["clean", "corrupted"], Positions = ["IO", "S1", "end"], Answers = ["IO", "S"])]
        public sealed partial class IoiPrompts : PromptSet;
        """;

    /// <summary>The README's declaration.</summary>
    public const string HeadSweep = """
        namespace Study;

        [Intervention<Toy, IoiPrompts>]
        public sealed partial class HeadSweep
        {
            [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
            static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

            [Capture("blocks.*.attn.pattern[query=end]")]
            static Tensor Attention(Tensor pattern) => pattern;

            [Metric]
            static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S", At = "end")] Tensor s) => io - s;
        }
        """;

    /// <summary>A declaration that uses every attribute.</summary>
    public const string Everything = """
        namespace Study;

        [Intervention<Toy, IoiPrompts>]
        [Changes("corrupted"), Run("direct"), Run("again", From = "clean")]
        [Sweep("strength", -1, 0.5), Sweep("donor", "clean", "corrupted")]
        [Zero("blocks.0.attn.z[head={first}]"), Scale("blocks.1.mlp_in", "{strength}"), Freeze("embed[pos={place=S1,IO+1}]", From = "{donor}")]
        [Scale("embed", 0.5), Freeze("blocks.1.mlp_out", From = "clean", In = "direct"), Freeze("blocks.0.mlp_out")]
        [PathPatch("blocks.0.attn.z[head={head}; pos=end]", "blocks.1.attn.q_input[head={other}]", "logits", From = "clean", FreezeMlps = true)]
        [Resample("blocks.0.mlp.post[neuron=1,2]", From = "clean", Seed = 7), Mean("blocks.1.attn.z[head={head}]", Pooled = true), Mean("blocks.0.mlp_out", Over = nameof(Others), AcrossTemplates = true)]
        [PathPatch(["blocks.0.attn.z[head=1]", "embed", "blocks.0.mlp_out[pos=end]"], "blocks.1.attn.q_input", From = "clean", Freeze = ["blocks.1.attn.z"])]
        public sealed partial class Everything
        {
            [Include(Order = -1)]
            public required HeadSweep Sweep { get; init; }

            [Add("embed[pos=end]", Strength = -2), ProjectOut("blocks.1.mlp_in", In = "again"), Parameter(Of = nameof(Difference))]
            public required Tensor Direction { get; init; }

            [Patch("blocks.{last}.mlp_out", In = "direct")]
            static Tensor FromAgain([From("again")] Tensor again) => again;

            [Mix("blocks.*.attn.z", "layer", "head", From = "clean"), Parameter(Of = nameof(Difference))]
            public required Tensor Mask { get; init; }

            public required IoiPrompts Others { get; init; }

            [ProjectOnto("blocks.1.mlp.post")]
            static Tensor Axis => ones(8);

            [Patch("embed")]
            Tensor FromDirect(Tensor x, [From("direct", "blocks.1.mlp_out")] Tensor direct, [Swept("strength")] double strength) => x + (direct * strength);

            [Capture("blocks.0.mlp_out", BeforeWrites = true)]
            static Tensor Before(Tensor x) => x;

            [Gradient("blocks.*.attn.z", Of = "Difference")]
            static Tensor Attribution(Tensor gradient, Tensor z, [From("clean")] Tensor clean) => (gradient * (clean - z)).sum(-1);

            [Metric]
            static Tensor Difference([Logit("IO", In = "clean")] Tensor io, [Logit("S", At = "S1+1")] Tensor s) => io - s;

            [Metric]
            static Tensor Loss([Logits] Tensor logits, [Logits(At = "S1", In = "clean")] Tensor other, [Answer("IO")] Tensor answer, [ValueOf("embed[pos=end]")] Tensor x) =>
                logits.gather(1, answer.unsqueeze(1)).squeeze(1) - other.sum(-1) + x.sum();
        }
        """;

    /// <summary>A declaration that writes one site several times.</summary>
    public const string SeveralWrites = """
        namespace Study;

        [Intervention<Toy, IoiPrompts>, Run("direct")]
        [Scale("embed[pos=end]", 0.5), Zero("embed[pos=S1]"), Zero("blocks.0.mlp_out"), Scale("blocks.1.mlp_out", 2), Scale("blocks.0.mlp_out", 3)]
        [Zero("embed[pos=end]", In = "direct"), Zero("blocks.0.attn.z"), Scale("blocks.*.attn.z", 2), Scale("blocks.0.attn.z", 3)]
        [PathPatch("blocks.0.attn.z[head={head}; pos=end]", "logits"), Scale("logits", 2), Mean("logits")]
        public sealed partial class SeveralWrites
        {
            [Add("embed[pos=S1]")]
            public required Tensor Direction { get; init; }

            [Patch("embed[pos=S1]")]
            Tensor Steer(Tensor x, [From("corrupted")] Tensor corrupted) => corrupted + x + Direction;

            static void WriteLogits() { }
        }
        """;

    /// <summary>A declaration with shapes.</summary>
    public const string Shaped = """
        namespace Study;

        [Intervention<Toy, IoiPrompts>]
        public sealed partial class Shaped
        {
            [Add("blocks.0.mlp_out")] [Shape("d_model")]
            public required Tensor Direction { get; init; }

            [Shape("neuron", "d_model")]
            public required Tensor Weights { get; init; }

            [Patch("blocks.1.attn.z[head=0,2]")]
            [return: Shape("batch", "1", "head", "d_head")]
            static Tensor Average([Shape("batch", "pos", "head", "d_head")] Tensor z, [From("corrupted", "embed")] [Shape("batch", "pos", "d_model")] Tensor embed) =>
                z.mean([1L], keepdim: true) + embed.sum();

            [Capture("blocks.*.attn.pattern")]
            [return: Shape("batch", "head")]
            static Tensor Mass([Shape("batch", "head", "query", "key")] Tensor pattern) => pattern.sum([-2L, -1L]);

            [Metric]
            [return: Shape("batch")]
            static Tensor Logit([Logit("IO")] [Shape("batch")] Tensor io, [Logits] [Shape("batch", "vocab")] Tensor all) => io - all.mean([1L]);
        }
        """;

    /// <summary>A declaration with encoder–decoders.</summary>
    public const string Spliced = """
        namespace Study;

        [Intervention<Toy, IoiPrompts>]
        [Zero("blocks.0.mlp_out")]
        public sealed partial class Spliced
        {
            [Splice("blocks.*.mlp_out", Reads = "blocks.*.mlp_in", ErrorTerm = false, Features = 16)]
            public required ISplice Transcoder { get; init; }

            [Patch("blocks.{layer}.mlp_out.transcoder.features[feature={f=0..9}; pos=end]")]
            static Tensor Silence(Tensor features) => zeros_like(features);

            [Splice("embed", DetachError = true)]
            public required System.Collections.Generic.IReadOnlyList<ISplice> Saes { get; init; }

            [Capture("blocks.*.mlp_out.transcoder.error")]
            static Tensor Error(Tensor error) => error;

            [Metric]
            static Tensor Active([ValueOf("embed.saes.features[feature=3; pos=end]")] Tensor mine, [From("clean", "blocks.{layer}.mlp_out.transcoder.features[pos=end]")] Tensor clean) =>
                mine.flatten(1).sum(1) - clean.flatten(1).sum(1);
        }
        """;

    /// <summary>A declaration on <see cref="Model"/> and <see cref="Prompts"/> with these members.</summary>
    /// <param name="members">What stands in the class.</param>
    /// <param name="attributes">What stands before it, in brackets.</param>
    public static string Intervention(string members, string attributes = "") => $$"""
        namespace Study;

        [Intervention<Toy, IoiPrompts>] {{attributes}}
        public sealed partial class Probe
        {
            {{members}}
        }
        """;
}
