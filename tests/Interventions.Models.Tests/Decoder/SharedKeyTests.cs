using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Tests.Decoder;

public sealed class SharedKeyTests
{
    /// <summary>Index 1 of two shared keys is not index 1 of four private ones.</summary>
    [Theory]
    [InlineData("k")]
    [InlineData("v")]
    public void Shared_keys_cannot_be_selected_where_a_port_gives_every_head_its_own(string name)
    {
        using DecoderModel model = DecoderModel.Random(
            LlamaModel.Configure(layers: 1, heads: 4, kv_heads: 2, d_model: 16, neurons: 20, vocabularySize: 17, contextLength: 8));
        PromptPairs prompts = PromptPairs.FromTokens([new PromptTokens([new([1, 2, 3], [2]), new([1, 5, 3], [2])], [4, 5])]);
        WriteNode port = new("Port", $"blocks.0.attn.{name}_input[head=1]", [new Read.Value()], x => x[0]);
        string shared = $"blocks.0.attn.{name}[kv_head=1]";

        Refused("Both.Shared", new() { Name = "Both", Writes = [port, new("Shared", shared, [new Read.Value()], x => x[0])] });
        Refused("Both.Kept", new() { Name = "Both", Writes = [port], Captures = [new("Kept", shared, [new Read.Value()], x => x[0])] });

        void Refused(string where, InterventionGraph graph)
        {
            string message = Assert.Throws<InterventionException>(() => InterventionRunner.Run(graph, model, prompts)).Message;
            Assert.Contains(where, message);
            Assert.Contains($"has 4 kv_heads in this run", message);
        }
    }
}
