using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>
/// Means and partners take few passes, no deeper than need be. Counted in naive runs, whose own passes are known; a plan reads the very
/// same values.
/// </summary>
public sealed class ReferenceValuesTests : IDisposable
{
    private readonly CountingModel _model = new(new ToyModel());
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(6, 4, 4, 4, 4, 4);

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void All_means_of_a_run_are_one_pass_over_the_prompts()
    {
        RunOptions options = new() { BatchSize = 2, Naive = true };
        // 18 points, a mean of every layer at each.
        InterventionGraph means = Graph(
            BuiltInWrites.Mean("blocks.*.out[pos=0]", "corrupted", false),
            BuiltInWrites.Mean("blocks.{layer}.z[head={head}; pos={p=0,1,2}]", "corrupted", false));
        InterventionGraph scaled = Graph(
            BuiltInWrites.Scale("blocks.*.out[pos=0]", 2), BuiltInWrites.Scale("blocks.{layer}.z[head={head}; pos={p=0,1,2}]", 2));
        Dictionary<string, int> with = Count(means, options), without = Count(scaled, options);
        Assert.Equal(3, with["blocks.1.out"] - without["blocks.1.out"]);
        Assert.Equal(3, with["embed"] - without["embed"]);
        Assert.Equal(without["logits"], with["logits"]);
        Assert.Equal(without["blocks.1.resid"], with["blocks.1.resid"]);
    }

    [Fact]
    public void Each_run_is_streamed_as_deep_as_its_own_means()
    {
        RunOptions options = new() { BatchSize = 2, Naive = true };
        InterventionGraph means = Graph(
            BuiltInWrites.Mean("embed[pos=0]", "corrupted", false), BuiltInWrites.Mean("blocks.0.out[pos=0]", "clean", true));
        InterventionGraph scaled = Graph(BuiltInWrites.Scale("embed[pos=0]", 2), BuiltInWrites.Scale("blocks.0.out[pos=0]", 2));
        Dictionary<string, int> with = Count(means, options), without = Count(scaled, options);
        Assert.Equal((6, 3, 0), (
            with["embed"] - without["embed"], with["blocks.0.out"] - without["blocks.0.out"],
            with["blocks.0.resid"] - without["blocks.0.resid"]));
    }

    [Fact]
    public void All_partners_of_a_chunk_are_one_pass()
    {
        RunOptions options = new() { BatchSize = 2, Naive = true };
        InterventionGraph partners = Graph(
            BuiltInWrites.Resample("blocks.*.out[pos=0]", "corrupted", 3),
            BuiltInWrites.Resample("blocks.{layer}.z[head={head}; pos={p=0,1,2}]", "corrupted", 3));
        InterventionGraph scaled = Graph(
            BuiltInWrites.Scale("blocks.*.out[pos=0]", 2), BuiltInWrites.Scale("blocks.{layer}.z[head={head}; pos={p=0,1,2}]", 2));
        Dictionary<string, int> with = Count(partners, options), without = Count(scaled, options);
        Assert.Equal(3, with["embed"] - without["embed"]);
        Assert.Equal(without["logits"], with["logits"]);
    }

    private static InterventionGraph Graph(params WriteNode[] writes) =>
        new() { Name = "References", Writes = [.. writes], Metrics = [LongStudy.LogitDifference] };

    private Dictionary<string, int> Count(InterventionGraph graph, RunOptions options)
    {
        _model.Calls.Clear();
        InterventionRunner.Run(graph, _model, _prompts, options).Dispose();
        return new(_model.Calls);
    }

    /// <summary>Counts how often each node's ordinary definition is computed.</summary>
    private sealed class CountingModel : HookedModel
    {
        private readonly HookedModel _model;

        public CountingModel(HookedModel model)
        {
            _model = model;
            Graph = new ModelGraph(
                [
                    .. model.Graph.Nodes.Select(node => node with
                    {
                        Definition = node.Definition with
                        {
                            Compute = inputs =>
                            {
                                Calls[node.Name] = Calls.GetValueOrDefault(node.Name) + 1;
                                return node.Definition.Compute(inputs);
                            },
                        },
                    }),
                ],
                model.Graph.Output,
                model.Graph.Costs);
        }

        public Dictionary<string, int> Calls { get; } = [];

        public override ModelSchema Schema => _model.Schema;

        public override ModelGraph Graph { get; }

        public override int? ContextLength => _model.ContextLength;

        public override int VocabularySize => _model.VocabularySize;

        public override Device Device => _model.Device;

        protected override void Dispose(bool disposing) => _model.Dispose();
    }
}
