using System.Runtime.CompilerServices;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Testing.ToyModels;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Binding;

/// <summary>A path is parsed once, and carried as what it was resolved to.</summary>
public sealed class ParsedPathTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyModel _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Sites_of_one_text_hold_one_parsed_path()
    {
        const string Swept = "blocks.{layer}.z[head={head}; pos=end]";
        InterventionGraph graph = new()
        {
            Name = "Once",
            ModelFingerprint = "another",
            Writes = [BuiltInWrites.Zero(Swept), new("Other", "embed", [new Read.From("corrupted", Swept)], x => x[0])],
            Captures = [new("Z", Swept, [new Read.Value()], x => x[0])],
        };
        SitePaths paths = new();
        SitePath parsed = paths.Resolve(Swept, _model.Schema, prompts: null).Resolution!.Path;

        BoundIntervention bound = InterventionBinder.Bind(graph, _model.Schema, ToyPrompts.Random(1, 4), paths);

        BoundSite[] sites = [bound.Writes[0].Site, bound.Writes[1].Reads[0].OtherSite!, bound.Captures[0].Site];
        Assert.All(sites, site => Assert.Same(parsed, site.Resolution.Path));
        Assert.All(sites, site => Assert.Equal(["layer", "head"], site.Placeholders.AsEnumerable()));
        Assert.Same(bound.Writes[0].Site.Text, Swept);
    }

    [Fact]
    public void Paths_are_parsed_in_one_room()
    {
        string root = Path.GetFullPath(Path.Combine(Here(), "../../../src/Interventions"));
        string[] files = Directory.GetFiles(root, "*.cs", SearchOption.AllDirectories);
        Assert.True(files.Length > 100, "The walk should find the library.");
        IEnumerable<string> parsers = files
            .Where(file => File.ReadAllText(file) is var text && (text.Contains("SitePath.Parse(", StringComparison.Ordinal)
                || text.Contains("SitePath.TryParse(", StringComparison.Ordinal)
                || text.Contains("new SitePathParser(", StringComparison.Ordinal)))
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'));
        Assert.Equal(["Sites/SitePath.cs", "Sites/VocabularyResolver.cs"], parsers.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_spliced_model_reads_tokens_as_the_model_does()
    {
        using SpeakingModel model = new(_model);
        InterventionGraph graph = new InterventionGraph { Name = "Spliced" }.Splice("Sae", "blocks.0.resid", new Same());
        HookedModel spliced = SplicedModel.Of(model, graph, new SitePaths());
        Assert.NotSame(model, spliced);
        Assert.Equal("1 2", spliced.Decode([1, 2]));
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private sealed class SpeakingModel(HookedModel model) : HookedModel
    {
        public override ModelSchema Schema => model.Schema;

        public override ModelGraph Graph => model.Graph;

        public override string Decode(IEnumerable<long> tokens) => string.Join(' ', tokens);
    }

    private sealed class Same : ISplice
    {
        public int Features => ToyModel.Width;

        public Tensor Encode(Tensor x) => x;

        public Tensor Decode(Tensor features, Tensor x) => features;
    }
}
