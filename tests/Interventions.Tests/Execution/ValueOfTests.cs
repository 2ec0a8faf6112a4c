using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Patches that read another site of the run that they write, against passes written out by hand.</summary>
public sealed class ValueOfTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<bool> Executors => [true, false];

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void It_is_what_earlier_writes_left(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 4, 4, 4);
        Tensor embed = Evaluate(prompts, 0, [])["embed"] * 3;
        Tensor expected = Evaluate(prompts, 0, new() { ["embed"] = _ => embed, ["blocks.1.out"] = x => x + (embed * 2) })["logits"];
        using RunResult run = Run(naive, prompts, BuiltInWrites.Scale("embed", 3), new(
            "AddEmbedding", "blocks.1.out", [new Read.Value(), new Read.Of("embed")], x => x[0] + (x[1] * 2)));
        Close(expected, run.Changed("Logits").Values);
        Close(Evaluate(prompts, 0, [])["logits"], run.Run("clean")["Logits"]);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_derived_run_reads_its_own(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 5, 5);
        Tensor embed = Evaluate(prompts, 1, [])["embed"];
        Tensor derived = Evaluate(prompts, 1, new() { ["blocks.0.out"] = x => x - embed })["blocks.1.resid"];
        Tensor expected = Evaluate(prompts, 0, new() { ["blocks.1.resid"] = _ => derived })["logits"];
        WriteNode minus = new("Minus", "blocks.0.out", [new Read.Value(), new Read.Of("embed")], x => x[0] - x[1], "other");
        InterventionGraph graph = Graph(minus, BuiltInWrites.Freeze("blocks.1.resid", "other")) with { Runs = [new("other", "corrupted")] };
        using RunResult run = InterventionRunner.Run(graph, _model, prompts, new() { Naive = naive });
        Close(expected, run.Changed("Logits").Values);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void It_may_be_a_later_position_and_a_swept_layer(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 3, 6, 4);
        InterventionGraph graph = Graph(new WriteNode(
            "FromEnd", "blocks.{layer}.out[pos=0]", [new Read.Of("blocks.{layer}.z[pos=end; head=1]")],
            x => x[0].sum([2L, 3L]).unsqueeze(-1).expand(-1, -1, ToyModel.Width)));
        using RunResult run = InterventionRunner.Run(graph, _model, prompts, new() { Naive = naive });
        for (int row = 0; row < 3; row++)
        {
            ToyPrompts one = prompts.Only(row);
            for (int layer = 0; layer < ToyModel.Layers; layer++)
            {
                Tensor z = Evaluate(one, 0, [])[$"blocks.{layer}.z"].select(2, 1);
                Tensor atEnd = z.narrow(1, z.shape[1] - 1, 1).sum([2L], keepdim: true).expand(-1, -1, ToyModel.Width);
                Tensor expected = Evaluate(
                    one, 0, new() { [$"blocks.{layer}.out"] = x => cat([atEnd, x.narrow(1, 1, x.shape[1] - 1)], 1) })["logits"];
                Close(expected[0], run.Changed("Logits").Values[layer, row].narrow(0, 0, z.shape[1]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Gradients_flow_through_it(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4, 4);
        Tensor embed = Evaluate(prompts, 0, [])["embed"].detach().requires_grad_();
        Tensor logits = Evaluate(prompts, 0, new() { ["embed"] = _ => embed, ["blocks.1.out"] = x => x * embed.tanh() })["logits"];
        Tensor expected = autograd.grad([logits.select(1, -1).pow(2).sum()], [embed])[0];
        InterventionGraph graph = Graph(
            new WriteNode("Gate", "blocks.1.out", [new Read.Value(), new Read.Of("embed")], x => x[0] * x[1].tanh())) with
        {
            Metrics = [new("Square", [new Read.Logits("end")], x => x[0].pow(2).sum(-1))],
            Gradients = [new("Embedding", "embed", [new Read.Gradient()], x => x[0])],
        };
        using RunResult run = InterventionRunner.Run(graph, _model, prompts, new() { Naive = naive });
        Close(expected, run.Changed("Embedding").Values);
    }

    [Theory]
    [InlineData("blocks.0.out", "blocks.1.out")]
    [InlineData("blocks.1.out", "blocks.1.out")]
    [InlineData("blocks.{layer}.out", "blocks.0.resid")]
    [InlineData("blocks.*.out", "blocks.1.z")]
    public void What_is_not_there_yet_is_refused(string written, string read)
    {
        string message = Assert.Throws<InterventionException>(() => Run(
            naive: false, ToyPrompts.Random(5, 4), new WriteNode("Later", written, [new Read.Of(read)], x => x[0]))).Message;
        Assert.Equal($"ValueOf.Later: '{written}' is written before '{read}', which it reads, exists in the same run.", message);
    }

    private static InterventionGraph Graph(params WriteNode[] writes) => new()
    {
        Name = "ValueOf",
        Writes = [.. writes],
        Captures = [new("Logits", "logits", [new Read.Value()], x => x[0])],
    };

    private RunResult Run(bool naive, ToyPrompts prompts, params WriteNode[] writes) =>
        InterventionRunner.Run(Graph(writes), _model, prompts, new() { Naive = naive });

    private Dictionary<string,
    Tensor> Evaluate(ToyPrompts prompts, int run, Dictionary<string, Func<Tensor, Tensor>> writes) => GraphEvaluator.Evaluate(
        _model.Graph, tensor(prompts.Prompts.SelectMany(prompt => prompt.Runs[run].Ids).ToArray()).view(prompts.Prompts.Count, -1),
        ["embed", "logits", "blocks.0.z", "blocks.1.z", "blocks.1.resid"], writes);

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() <= 1e-9 * Math.Max(1, expected.abs().max().item<double>()));
    }
}
