namespace Interventions.PackageTests;

/// <summary><c>dotnet new intervention --model FOLDER</c>: the user's own model in place of that which comes along.</summary>
[Collection(nameof(Packages))]
public sealed class TemplateTests(Packages packages, TemplateTests.Installed template) : IClassFixture<TemplateTests.Installed>
{
    private const string Heads = "attn.z[head={head}";

    /// <summary>Of the keys' heads there are fewer than of the queries', and of another name.</summary>
    [Fact]
    public void A_model_with_grouped_queries_is_intervened_on_by_its_own_names()
    {
        string folder = template.New("Grouped", Llama());
        Assert.False(Directory.Exists(Path.Combine(folder, "model")));
        Edit(folder, Heads, "attn.k[kv_head={kv_head}");
        (int code, string output) = Packages.Dotnet(folder, "run", "-p:TreatWarningsAsErrors=true");
        Assert.True(code == 0, output);
        Assert.Contains("clean logit difference", output);
        Assert.Contains("layer=1 kv_head=1: ", output);
        Assert.DoesNotContain("kv_head=2", output);

        Edit(folder, "kv_head={kv_head}", "kv_head=2");
        (code, output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("is out of range: GroupedModel has 2 kv_heads (0 to 1)", output);
    }

    /// <summary>A GGUF folder has none, and says its sizes to the tool alone.</summary>
    [Fact]
    public void A_folder_without_a_configuration_is_one_error()
    {
        string folder = template.New("Absent", "../nowhere");
        (int code, string output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("error : '../nowhere', the ModelFolder of Absent.csproj, has no config.json", output);
        Assert.Contains("run 'interventions schema ../nowhere --name AbsentModel > Model.cs' here, and delete [HookedModel]", output);
        Assert.Contains("1 Error(s)", output);
        Assert.DoesNotContain("INV", output);

        // What it says to do builds.
        File.WriteAllText(Path.Combine(folder, "Model.cs"), """
            using Interventions;
            using Interventions.Models;

            [ModelSchema]
            [Axis("layer", 4), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24), Axis("d_model", 96), Axis("neuron", 384)]
            [Axis("vocab", 347)]
            public sealed partial class AbsentModel : Gpt2Model;
            """);
        Edit(folder, "[HookedModel(\"config.json\")]\nsealed partial class AbsentModel;\n", "");
        (code, output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.True(code == 0, output);
    }

    /// <summary>An untrained Llama that knows the small model's words.</summary>
    private string Llama()
    {
        string checkpoint = Path.Combine(template.Folder, "llama");
        (int code, string output) = Packages.Dotnet(packages.NewFolder("llama", """
            using Interventions.Models;
            using Interventions.Models.Decoder;

            DecoderConfig config = LlamaModel.Configure(
                layers: 2, heads: 4, kv_heads: 2, d_model: 32, neurons: 64, vocabularySize: 347, contextLength: 64);
            using DecoderModel model = DecoderModel.Random(config, seed: 1);
            model.Save(args[0]);
            """), "run", "--", checkpoint);
        Assert.True(code == 0, output);
        File.Copy(Path.Combine(Packages.Model, "tokenizer.json"), Path.Combine(checkpoint, "tokenizer.json"));
        return checkpoint;
    }

    private static void Edit(string folder, string old, string replacement)
    {
        string file = Path.Combine(folder, "Program.cs"), text = File.ReadAllText(file);
        Assert.Contains(old, text);
        File.WriteAllText(file, text.Replace(old, replacement));
    }

    /// <summary>The template, installed for these tests and not on the machine.</summary>
    public sealed class Installed
    {
        private readonly string _hive;

        public Installed(Packages packages)
        {
            Folder = packages.NewFolder("templates");
            _hive = Path.Combine(Folder, "hive");
            Sdk("install", $"Interventions.Templates@{packages.Version}");
        }

        public string Folder { get; }

        /// <summary>The folder of a new application.</summary>
        public string New(string name, string model)
        {
            Sdk("intervention", "--name", name, "--model", model);
            return Path.Combine(Folder, name);
        }

        private void Sdk(params string[] arguments)
        {
            (int code, string output) = Packages.Dotnet(Folder, ["new", .. arguments, "--debug:custom-hive", _hive]);
            Assert.True(code == 0, output);
        }
    }
}
