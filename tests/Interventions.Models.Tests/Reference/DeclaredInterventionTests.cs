using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>The reference's interventions as intervention graphs: site paths with selectors, bound and run as a declaration is.</summary>
public sealed class DeclaredInterventionTests
{
    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Declared_interventions_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel model = reference.Load();
        Prompts prompts = new(reference["input_ids"]);
        Check("ablated.z_1_1_5", "blocks.1.attn.z[head=1; pos=5]", z => zeros_like(z));
        Check("ablated.mean_mlp_0", "blocks.0.mlp_out", x => x.mean([0, 1], keepdim: true));
        Check("patched.resid_1_3", "blocks.1.resid_pre[pos=3]", x => x.index_select(0, tensor(new long[] { 1, 1, 2 })));

        void Check(string stored, string site, Func<Tensor, Tensor> body)
        {
            InterventionGraph graph = new()
            {
                Name = stored,
                Writes = [new WriteNode("Write", site, [new Read.Value()], x => body(x[0]))],
                Captures = [new CaptureNode("Logits", "logits", [new Read.Value()], x => x[0])],
            };
            using RunResult run = InterventionRunner.Run(graph, model, prompts);
            Assert.InRange(Distance.Largest(run.Changed("Logits").Values, reference[$"{stored}.logits"]), 0, reference.LogitsTolerance);
            Assert.InRange(Distance.Largest(run.Run("clean")["Logits"], reference["logits"]), 0, reference.LogitsTolerance);
        }
    }

    private sealed class Prompts(Tensor ids) : IPromptSet
    {
        public PromptVocabulary Vocabulary { get; } = new("Reference", EquatableArray.Of("clean"), default, default);

        IReadOnlyList<PromptTokens> IPromptSet.Prompts { get; } =
            [.. Enumerable.Range(0, (int)ids.shape[0]).Select(
                row => new PromptTokens([new RunTokens([.. ids[row].data<long>()], [])], []))];
    }
}
