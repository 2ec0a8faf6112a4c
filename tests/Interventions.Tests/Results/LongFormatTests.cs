using System.Globalization;
using Interventions.Files;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tests.Execution;
using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>Results as rows: every kept number once, with its place by name.</summary>
public sealed class LongFormatTests : ToyTest
{
    private readonly TemporaryFolder _folder = new();

    public override void Dispose()
    {
        _folder.Dispose();
        base.Dispose();
    }

    [Fact]
    public void Every_kept_number_is_a_row_with_its_place()
    {
        ToyPrompts prompts = LongStudy.Prompts();
        using RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), Model, prompts);
        string path = _folder["long.csv"];
        run.SaveCsv(path);
        Dictionary<string, string>[] rows = Read(path);
        Assert.Equal(
            "kept,run,layer,p,p_token,alpha,kept_layer,prompt,pos,pos_name,pos_token,axis1,value,change",
            string.Join(',', File.ReadLines(path).First().Split(',').Where(name => name is not ("head" or "d_head" or "d_model"))));

        // A metric at every point and prompt.
        SweptTensor metric = run.Changed("LogitDifference");
        Dictionary<string, string>[] measured = [.. rows.Where(row => row["kept"] == "LogitDifference" && row["run"] == "changed")];
        Assert.Equal(metric.Values.numel(), measured.Length);
        foreach (Dictionary<string, string> row in measured)
        {
            int prompt = int.Parse(row["prompt"], CultureInfo.InvariantCulture);
            Tensor at = metric.At(int.Parse(row["layer"], CultureInfo.InvariantCulture), row["p"], Number(row["alpha"]));
            Assert.Equal(at[prompt].item<double>(), Number(row["value"]));
            Assert.Equal(
                (at[prompt] - run.Run("clean")["LogitDifference"][prompt]).item<double>(), Number(row["change"]), 12);
            RunTokens tokens = prompts.Prompts[prompt].Runs[0];
            Assert.Equal($"#{tokens.Ids[tokens.Positions[row["p"] == "mid" ? 0 : 1]]}", row["p_token"]);
        }

        // Of ragged captures the padding is left out; positions have their tokens, of the run that the row is of.
        int real = prompts.Prompts.Sum(prompt => prompt.Runs[0].Ids.Count);
        Dictionary<string, string>[] residual = [.. rows.Where(row => row["kept"] == "Residual" && row["run"] == "corrupted")];
        Assert.Equal(ToyModel.Layers * real * ToyModel.Width, residual.Length);
        foreach (Dictionary<string, string> row in residual)
        {
            int[] at = [.. new[] { "kept_layer", "prompt", "pos", "d_model" }.Select(axis => Place(row, axis))];
            Assert.Equal(run.Run("corrupted")["Residual"][at[0], at[1], at[2], at[3]].item<double>(), Number(row["value"]));
            Assert.Equal($"#{prompts.Prompts[at[1]].Runs[1].Ids[at[2]]}", row["pos_token"]);
            Assert.Equal(("", ""), (row["change"], row["p"]));
        }
        Assert.All(rows.Where(row => row["kept"] == "Head"), row => Assert.Equal("end", row["pos_name"]));
        Assert.Equal(ToyModel.Width, rows.Count(row => row["kept"] == "Direction.gradient"));

        static int Place(Dictionary<string, string> row, string axis) =>
            int.Parse(row[axis].Length == 0 ? row["layer"] : row[axis], CultureInfo.InvariantCulture);
    }

    [Fact]
    public void A_loaded_result_gives_the_same_file_as_the_run()
    {
        using RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), Model, LongStudy.Prompts());
        run.Save(_folder["run.safetensors"]);
        run.SaveCsv(_folder["run.csv"]);
        using RunResult loaded = RunResult.Load(_folder["run.safetensors"]);
        loaded.SaveCsv(_folder["loaded.csv"]);
        Assert.Equal(File.ReadAllBytes(_folder["run.csv"]), File.ReadAllBytes(_folder["loaded.csv"]));
    }

    [Fact]
    public void Names_choose_what_is_written_and_a_wrong_one_leaves_no_file()
    {
        using RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), Model, LongStudy.Prompts(1));
        string path = _folder["some.csv"];
        Assert.Contains(
            "there is Residual, Head, Attribution, LogitDifference",
            Assert.Throws<KeyNotFoundException>(() => run.SaveCsv(path, "Logits")).Message);
        Assert.False(File.Exists(path));
        run.SaveCsv(path, "LogitDifference");
        Assert.All(Read(path), row => Assert.Equal("LogitDifference", row["kept"]));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Tokens_with_commas_and_quotes_come_back_and_single_precision_has_few_digits()
    {
        string[] words = ["a,b", "say \"x\"", "line\nbreak"];
        ToyPrompts prompts = new(new PromptTokens([Tokens([1, 2, 3]), Tokens([1, 2, 3])], [1, 2]));
        InterventionGraph graph = new()
        {
            Name = "Quotes",
            Captures = [new CaptureNode("Tenth", "blocks.1.resid", [Value], x => (x[0].sum(-1) * 0 + 0.1).to(float32))],
        };
        using RunResult run = Run(graph, prompts);
        run.SaveCsv(_folder["quotes.csv"]);
        string text = File.ReadAllText(_folder["quotes.csv"]);
        Assert.StartsWith("kept,run,prompt,pos,pos_name,pos_token,value,change\nTenth,changed,0,0,,\"a,b\",0.1,0\n", text);
        Assert.Contains("Tenth,clean,0,1,,\"say \"\"x\"\"\",0.1,\n", text);
        Assert.Contains(",\"line\nbreak\",0.1", text);

        RunTokens Tokens(long[] ids) => new(ids, [0, 2]) { Texts = words };
    }

    [Fact]
    public void A_saved_result_names_the_axes_of_every_tensor()
    {
        using RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), Model, LongStudy.Prompts());
        run.Save(_folder["run.safetensors"]);
        using SafeTensorFile file = SafeTensorFile.Open(_folder["run.safetensors"]);
        string axes = file.Metadata["interventions.axes"];
        Assert.Contains("\"LogitDifference\":[\"layer\",\"p\",\"alpha\",\"batch\"]", axes);
        Assert.Contains("\"clean/LogitDifference\":[\"batch\"]", axes);
        Assert.Contains("\"corrupted/Residual\":[\"layer\",\"batch\",\"pos\",\"d_model\"]", axes);
        Assert.Contains("\"Residual\":[\"layer\",\"p\",\"alpha\",\"kept_layer\",\"batch\",\"pos\",\"d_model\"]", axes);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static Dictionary<string, string>[] Read(string path)
    {
        string[][] lines = [.. File.ReadLines(path).Select(line => line.Split(','))];
        return [.. lines[1..].Select(line => lines[0].Zip(line).ToDictionary(pair => pair.First, pair => pair.Second))];
    }
}
