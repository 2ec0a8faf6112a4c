namespace Interventions.Generators.Tests.Testing;

/// <summary>A model and a prompt set that the tests declare interventions on.</summary>
internal static class Sources
{
    /// <summary>A small model of two layers and three heads.</summary>
    public const string Model = """
        namespace Study;

        [Site("embed", "batch", "pos", "d_model")]
        [Site("blocks.{layer}.attn.pattern", "batch", "head", "query", "key")]
        [Site("blocks.{layer}.attn.z", "batch", "pos", "head", "d_head")]
        [Site("blocks.{layer}.mlp.post", "batch", "pos", "neuron")]
        [Site("blocks.{layer}.mlp_out", "batch", "pos", "d_model")]
        public abstract class Decoder : Interventions.Graphs.HookedModel
        {
            public override Interventions.Sites.ModelSchema Schema => throw new NotImplementedException();
            public override Interventions.Graphs.ModelGraph Graph => throw new NotImplementedException();
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

    /// <summary>A declaration on <see cref="Model"/> and <see cref="Prompts"/> with these members.</summary>
    public static string Intervention(string members) => $$"""
        namespace Study;

        [Intervention<Toy, IoiPrompts>]
        public sealed partial class Probe
        {
            {{members}}
        }
        """;
}
