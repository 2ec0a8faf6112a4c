using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Models.Tokenization;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>A trained model, loaded as its declared type, against a float64 forward pass written from the definition.</summary>
public sealed class Stories260KTests(ITestOutputHelper output)
{
    private const string Folder = "models/stories260K";
    private const string Values = "reference/stories260K/reference.safetensors";

    [SharedTheory(Values)]
    [InlineData(ScalarType.Float32, 1e-4)]
    [InlineData(ScalarType.Float64, 1e-9)]
    public void Logits_and_sites_agree(ScalarType dtype, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafeTensorFile reference = SafeTensorFile.Open(SharedData.Path(Values));
        using Stories260K model = Stories260K.Load(SharedData.Path(Folder), dtype);
        double worst = 0;
        for (int prompt = 0; prompt < 10; prompt++)
        {
            string prefix = $"prompt.{prompt}.";
            string[] stored = [.. reference.Entries.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];
            string[] names = [.. stored.Select(name => name[prefix.Length..]).Where(name => name != "input_ids")];
            Dictionary<string,
            Tensor> values = GraphEvaluator.Evaluate(model.Graph, reference.Read($"{prefix}input_ids").unsqueeze(0), names);
            worst = names.Select(name => Distance.Largest(values[name].squeeze(0), reference.Read(prefix + name))).Append(worst).Max();
        }
        output.WriteLine($"stories260K: {dtype}: worst error {worst:0.0e+0} (tolerance {tolerance:0.0e+0})");
        Assert.True(worst <= tolerance, $"off by {worst}");
    }

    [SharedFact(Folder)]
    public void Tells_the_same_story()
    {
        using DisposeScope scope = NewDisposeScope();
        using SafeTensorFile reference = SafeTensorFile.Open(SharedData.Path(Values));
        using Stories260K model = Stories260K.Load(SharedData.Path($"{Folder}/model.safetensors"));
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(SharedData.Path($"{Folder}/tokenizer.json"));
        long[] expected = reference.Read("greedy.ids").data<long>().ToArray();
        Tensor prompt = reference.Read("prompt.0.input_ids").unsqueeze(0);
        long[] story = cat([prompt, model.Generate(prompt, expected.Length - (int)prompt.shape[1])], 1).data<long>().ToArray();
        Assert.Equal(expected, story);
        string text = tokenizer.Decode(story.Select(id => (int)id), skipSpecialTokens: true);
        Assert.Equal(File.ReadAllText(SharedData.Path($"{Folder}/greedy.txt")).TrimEnd(), text.TrimEnd());
    }
}
