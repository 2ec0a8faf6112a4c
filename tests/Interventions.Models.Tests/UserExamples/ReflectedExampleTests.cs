extern alias Consumer;
extern alias Papers;

using Papers::Interventions.Examples.Papers;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.UserExamples;

/// <summary>The examples of papers, and a consumer's declarations, are read by reflection as the generator reads them.</summary>
public sealed class ReflectedExampleTests
{
    [Theory]
    [InlineData(typeof(ActivationPatching), 10)]
    [InlineData(typeof(Consumer::Consumer.WholeLanguage), 8)]
    public void Every_declaration_has_the_graph_that_the_generator_makes(Type one, int least)
    {
        using DisposeScope scope = NewDisposeScope();
        List<string> read = [.. ReflectedDeclarations.In(one.Assembly).Select(declared =>
        {
            Assert.Equal(declared.Generated.ToJson(), Intervention.Of(declared.Object).ToJson());
            return declared.Generated.Name;
        })];
        Assert.Contains(one.Name, read);
        Assert.True(read.Count >= least, string.Join(", ", read));
    }

    [Fact]
    public void Papers_find_the_same_bit_for_bit()
    {
        using NamesModel model = NamesModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        IoiPrompts prompts = IoiPrompts.OthersIn(model, 4, seed: 1);
        using DisposeScope scope = NewDisposeScope();
        Same(new ActivationPatching(), new ActivationPatching().Graph);
        Same(new AttributionPatching(), new AttributionPatching().Graph);
        Same(new PathToNameMovers(), new PathToNameMovers().Graph);
        Same(new MeanKnockout(), new MeanKnockout().Graph);
        Same(new DirectEffect(), new DirectEffect().Graph);

        void Same(object declaration, InterventionGraph graph)
        {
            using RunResult expected = graph.Run(model, prompts), run = Intervention.Of(declaration).Run(model, prompts);
            string[] kept = [.. graph.Metrics.Select(metric => metric.Name), .. graph.Gradients.Select(gradient => gradient.Name)];
            Assert.All(kept, name => Assert.True(expected[name].Values.eq(run[name].Values).all().item<bool>(), $"{graph.Name}.{name}"));
        }
    }
}
