extern alias Tour;

using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Interventions.Models.Tests.Reference;
using TorchSharp;
using Tour::Interventions.Examples.Tour;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.UserExamples;

/// <summary>The tasks of the tour are short, and find what the naive run finds; on SmolLM2 also what is stored beside it.</summary>
public sealed partial class TourTests(SmolLm2Tests.Loaded loaded) : IClassFixture<SmolLm2Tests.Loaded>
{
    private const string SmolLm2 = "reference/SmolLM2-135M/reference.safetensors";

    public static TheoryData<string> Tasks => [.. Tour::Interventions.Examples.Tour.Tour.Tasks<NamesModel>().Keys];

    [Theory]
    [MemberData(nameof(Tasks))]
    public void A_task_finds_what_the_naive_run_finds(string task)
    {
        using NamesModel model = NamesModel.Load(Path.Combine(AppContext.BaseDirectory, "model"), ScalarType.Float64);
        IoiPrompts prompts = IoiPrompts.Random(model, 4, seed: 1);
        Same(Tour::Interventions.Examples.Tour.Tour.Tasks<NamesModel>()[task], model, prompts, 1e-9);
    }

    [Theory]
    [MemberData(nameof(Tasks))]
    public void A_task_is_short(string task)
    {
        Assert.InRange(Lines(task), 5, 25);
    }

    [Fact]
    public void Most_tasks_have_twelve_lines_and_all_print_less_than_80_columns()
    {
        int[] lines = [.. Tour::Interventions.Examples.Tour.Tour.Tasks<NamesModel>().Keys.Select(Lines)];
        Assert.Equal(16, lines.Length);
        Assert.True(lines.Count(count => count <= 12) > 8, string.Join(' ', lines));

        using NamesModel model = NamesModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        using StringWriter text = new();
        Tour::Interventions.Examples.Tour.Tour.Run(model, IoiPrompts.Random(model, 8, seed: 1), [], text);
        Assert.All(text.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.Throws<ArgumentException>(() => Tour::Interventions.Examples.Tour.Tour.Run(model, null!, ["Lense"], text));
    }

    /// <summary>Naively a sweep over SmolLM2's heads is 270 passes, so there are two prompts.</summary>
    [SharedTheory(SmolLm2), Trait("Duration", "long")]
    [MemberData(nameof(Tasks))]
    public void A_task_finds_the_same_on_SmolLM2(string task) => Same(
        Tour::Interventions.Examples.Tour.Tour.Tasks<SmolLm2_135M>()[task], loaded.Model, IoiPrompts.Random(loaded.Model, 2, seed: 1),
        2e-3);

    [SharedFact(SmolLm2), Trait("Duration", "long")]
    public void Heads_of_SmolLM2_have_the_stored_effects_and_attention()
    {
        using DisposeScope scope = NewDisposeScope();
        IoiPrompts prompts = IoiPrompts.FromTokens(loaded.Pairs().Prompts);
        using Report report = new(TextWriter.Null);
        Noising<SmolLm2_135M>.Study(loaded.Model, prompts, report);
        AttentionFromEnd<SmolLm2_135M>.Study(loaded.Model, prompts, report);
        using Report clean = new(TextWriter.Null);
        Lens<SmolLm2_135M>.Study(loaded.Model, prompts, clean);

        Tensor effects = report.Found["one head from the corrupted prompt"].mean([2L]) - clean.Found["IO - S after each layer"][-1];
        Assert.True(Distance.Largest(effects, loaded.Values.Read("ioi.head_effect_end")) < 1e-3);
        Tensor attention = stack([.. new[] { "IO", "S1", "S2" }.Select(name => report.Found[$"from the end to {name}"])], -1);
        Assert.True(Distance.Largest(attention, loaded.Values.Read("ioi.attention_end")) < 1e-3);
    }

    private static void Same<TModel>(Action<TModel, IoiPrompts, Report> task, TModel model, IoiPrompts prompts, double tolerance)
        where TModel : Interventions.ModelGraphs.HookedModel
    {
        using Report planned = new(TextWriter.Null), naive = new(TextWriter.Null, new RunOptions { Naive = true });
        task(model, prompts, planned);
        task(model, prompts, naive);
        Assert.NotEmpty(planned.Found);
        Assert.Equal(planned.Found.Keys, naive.Found.Keys);
        Assert.All(planned.Found, found =>
        {
            double size = Math.Max(1, found.Value.to(ScalarType.Float64).abs().max().item<double>());
            double error = Distance.Largest(found.Value, naive.Found[found.Key]);
            Assert.True(error <= tolerance * size, $"{found.Key}: off by {error:0.0e+0} of {size:0.0e+0}");
        });
    }

    private static int Lines(string task) =>
        File.ReadLines(Path.Combine(Folder(), task + ".cs")).Count(line => !Filler().IsMatch(line));

    /// <summary>Comments, using directives, the namespace, braces and empty lines.</summary>
    [GeneratedRegex(@"^\s*(//.*|using [A-Z][\w.]*;|using static .*|namespace .*|[{}])?$")]
    private static partial Regex Filler();

    private static string Folder([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../examples/Tour"));
}
