using System.Runtime.CompilerServices;
using Interventions.ModelGraphs;
using TorchSharp;

namespace Interventions.Models.Tests.Families;

/// <summary>A model whose sizes its own <c>config.json</c> said at compile time.</summary>
[HookedModel("TrainNames/model/config.json")]
public sealed partial class NamesFromConfig;

/// <summary>What the generator reads from a <c>config.json</c> is what the run time reads from it.</summary>
public sealed class ConfiguredModelTests
{
    [Fact]
    public void A_configuration_that_was_read_at_compile_time_fits_its_checkpoint()
    {
        using var scope = torch.NewDisposeScope();
        using NamesFromConfig model = NamesFromConfig.Load(Path.Combine(Here(), "../../../examples/TrainNames/model"));

        Assert.Equal(model.Schema.Axes, NamesFromConfig.DeclaredSchema.Axes);
        Assert.Equal(Names(model.Schema), Names(NamesFromConfig.DeclaredSchema));
        Assert.Equal("blocks.*.attn.z", NamesFromConfig.Sites.Blocks.All.Attn.Z);
    }

    private static IEnumerable<string> Names(ModelSchema schema) => schema.Sites.Select(site => site.Path).Order(StringComparer.Ordinal);

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
