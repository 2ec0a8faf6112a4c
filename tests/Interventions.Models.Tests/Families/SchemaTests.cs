using System.Reflection;
using System.Runtime.CompilerServices;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Families;

/// <summary>Declared names and loaded names are the same names.</summary>
public sealed class SchemaTests
{
    [Fact]
    public void Each_family_has_a_model_class_that_declares_its_sites()
    {
        foreach (DecoderFamily family in DecoderFamily.All)
        {
            foreach ((string name, DecoderConfig usual) in family.Classes)
            {
                Type type = typeof(DecoderModel).Assembly.GetType(name, throwOnError: true)!;
                Assert.Equal(DecoderSchema.Sites(usual), DeclaredSites(type));
                Assert.Equal(
                    DecoderSchema.Absent(usual),
                    type.GetCustomAttributes<AbsentSiteAttribute>().Select(site => new AbsentSite(site.Path, site.Reason)));
                Assert.Equal(name, family.ClassOf(usual));
                usual.Checked();
            }
        }
        Assert.Equal(DecoderSchema.Of(DecoderFamily.Named("gpt2").Usual, nameof(Gpt2Small)), Gpt2Small.DeclaredSchema);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Sites_are_declared_in_the_order_of_computation(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        DeclaredOrder.Check(model);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Every_site_is_a_node_with_the_declared_axes(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts();
        Dictionary<string, long> sizes = model.Schema.Axes.ToDictionary(axis => axis.Axis, axis => (long)axis.Size);
        (sizes["batch"], sizes["pos"], sizes["query"], sizes["key"], sizes["one"]) = (
            ids.shape[0], ids.shape[1], ids.shape[1], ids.shape[1], 1);
        foreach (SiteDefinition site in model.Schema.Sites)
        {
            string path = site.Path.Replace("{layer}", "2", StringComparison.Ordinal);
            Assert.Equal([.. site.Axes.Select(axis => sizes[axis])], SmallDecoders.Read(model, ids, path).shape);
        }
    }

    /// <summary>A site that another family has is there or absent with a reason, never just unknown.</summary>
    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void A_site_that_a_family_lacks_is_refused_with_the_reason(string family)
    {
        DecoderConfig config = SmallDecoders.Config(family);
        ModelSchema schema = DecoderSchema.Of(config, "Model");
        string[] absent = [.. schema.Absent.Select(site => site.Path)], sites = [.. schema.Sites.Select(site => site.Path)];
        IEnumerable<SiteDefinition> all = SmallDecoders.Names.SelectMany(name => DecoderSchema.Sites(SmallDecoders.Config(name)));
        Assert.Equal(all.Select(site => site.Path).Distinct().Order(), sites.Concat(absent).Order());
        foreach (AbsentSite site in schema.Absent)
        {
            string path = site.Path.Replace("{layer}", "1", StringComparison.Ordinal);
            SiteProblem problem = Assert.Single(SiteResolver.Resolve(path, schema, null).Problems);
            Assert.Equal((SiteProblemKind.UnknownSite, $"Model has no site '{path}': {site.Reason}"), (problem.Kind, problem.Message));
        }
    }

    [Fact]
    public void A_parallel_block_says_why_it_has_no_resid_mid()
    {
        ModelSchema schema = DecoderSchema.Of(SmallDecoders.Config("gptj"), "MyGptJ");
        foreach (string path in (string[])["blocks.1.resid_mid[pos=0]", "blocks.*.hook_resid_mid"])
        {
            SiteProblem problem = Assert.Single(SiteResolver.Resolve(path, schema, null).Problems);
            Assert.Equal(
                $"MyGptJ has no site '{path.Split('[')[0]}': GPT-J's block adds attention and feed-forward to the same stream",
                problem.Message);
        }
    }

    /// <summary>The document's table of families is the library's.</summary>
    [Fact]
    public void The_document_lists_each_family_with_its_sites()
    {
        (string Site, string Shown)[] groups =
        [
            ("embed_norm", "`embed_norm`"), ("pos_embed", "`pos_embed`"), ("ln1.scale", "`ln1`"), ("attn.rot_q", "`rot_q`, `rot_k`"),
            ("ln1_post.scale", "`ln1_post`"), ("resid_mid", "`resid_mid`"), ("ln2.scale", "`ln2`"), ("mlp.pre", "`mlp.pre`, `mlp.post`"),
            ("mlp.pre_linear", "`mlp.pre_linear`"), ("mlp.router_probs", "`mlp.router_…`, `mlp.experts.…`"),
            ("ln2_post.scale", "`ln2_post`"),
        ];
        string[] lines = File.ReadAllLines(Path.Combine(Here(), "../../../src/Interventions.Models/README.md"));
        foreach (DecoderFamily family in DecoderFamily.All)
        {
            foreach ((string name, DecoderConfig usual) in family.Classes)
            {
                HashSet<string> sites =
                    [.. DecoderSchema.Sites(usual).Select(site => site.Path.Replace("blocks.{layer}.", "", StringComparison.Ordinal))];
                string shown = string.Join(", ", groups.Where(group => sites.Contains(group.Site)).Select(group => group.Shown));
                Assert.Contains($"| {family.Title} | `{family.ModelType}` | `{name.Split('.')[^1]}` | {shown} |", lines);
            }
        }
    }

    [Fact]
    public void The_published_sizes_declare_their_axes_and_their_familys_sites()
    {
        Assert.Equal(EquatableArray.Of(
            new AxisSize("layer", 12), new AxisSize("head", 12), new AxisSize("kv_head", 12), new AxisSize("d_head", 64),
            new AxisSize("d_model", 768),
            new AxisSize("neuron", 3072), new AxisSize("vocab", 50257)), Gpt2Small.DeclaredSchema.Axes);
        DecoderConfig small = Gpt2Model.Configure(12, 12, 768, 50257, 1024);
        Assert.Empty(SchemaDifferences.Find(DecoderSchema.Of(small, "loaded"), Gpt2Small.DeclaredSchema));
        Assert.Empty(
            SchemaDifferences.Find(DecoderSchema.Of(Gpt2Model.Configure(24, 16, 1024, 50257, 1024), "loaded"), Gpt2Medium.DeclaredSchema));
        Assert.Empty(
            SchemaDifferences.Find(DecoderSchema.Of(Gpt2Model.Configure(36, 20, 1280, 50257, 1024), "loaded"), Gpt2Large.DeclaredSchema));
        Assert.Empty(
            SchemaDifferences.Find(DecoderSchema.Of(Gpt2Model.Configure(48, 25, 1600, 50257, 1024), "loaded"), Gpt2Xl.DeclaredSchema));
        Assert.Empty(SchemaDifferences.Find(
            DecoderSchema.Of(LlamaModel.Configure(30, 9, 3, 576, 1536, 49152, 2048), "loaded"), SmolLm2_135M.DeclaredSchema));
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static SiteDefinition[] DeclaredSites(Type type) =>
    [
        .. type.GetCustomAttributes<SiteAttribute>().Select(site =>
            new SiteDefinition(site.Path, site.Axes.ToEquatableArray())
            {
                SameStep = site.SameStep,
                Beside = site.Beside,
                WholeNumbers = site.WholeNumbers,
            }),
    ];

    [Fact]
    public void Loading_another_geometry_lists_every_difference()
    {
        using TemporaryFolder folder = new();
        using (DecoderModel model = DecoderModel.Random(Gpt2Model.Configure(2, 4, 768, 61, 16)))
            model.Save(folder.Path);
        string message = Assert.Throws<CheckpointException>(() => Gpt2Small.Load(folder.Path)).Message;
        string start = $"'{folder.Path}' is no Gpt2Small: it has 2 layers; Gpt2Small declares 12; it has 4 heads; Gpt2Small declares 12;";
        Assert.StartsWith(start, message, StringComparison.Ordinal);
        Assert.Contains("it has 61 tokens; Gpt2Small declares 50257.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loading_another_family_is_refused_and_leaks_nothing()
    {
        using TemporaryFolder folder = new();
        using (DecoderModel model = DecoderModel.Random(SmallDecoders.LlamaConfig))
            model.Save(folder.Path);
        long before = LiveTensors.Count();
        string message = Assert.Throws<CheckpointException>(() => Gpt2Small.Load(folder.Path)).Message;
        Assert.Equal($"'{folder.Path}' is a llama, not a gpt2.", message);
        Assert.Equal(before, Tensor.TotalCount);
    }
}
