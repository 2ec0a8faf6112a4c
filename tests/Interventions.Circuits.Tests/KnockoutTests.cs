using System.Text.Json;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

public sealed class KnockoutTests
{
    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Knockouts_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        using JsonDocument json = circuit.Json("knockouts");
        Component[][] sets = [.. json.RootElement.GetProperty("sets").EnumerateArray()
            .Select(set => Golden.Texts(set).Select(Component.Parse).ToArray())];
        string[] positions = Golden.Texts(json.RootElement.GetProperty("positions"));
        string[] kinds = Golden.Texts(json.RootElement.GetProperty("kinds"));
        foreach ((int k, string kind) in kinds.Index())
        {
            CircuitOptions options = Golden.Options(circuit, kind);
            foreach (InterventionGraph metric in (InterventionGraph[])[Golden.LogitDifference, Golden.KullbackLeibler])
            {
                Knockout[] knockouts =
                    [.. positions.SelectMany(at => sets.Select(set => new Knockout(set, at == "all" ? null : at)))];
                KnockoutEffects effects = Knockouts.Of(circuit.Model, circuit, metric, knockouts, options);
                Tensor stored = circuit["knockouts", metric.Name.ToLowerInvariant()];                       // [set, position, kind, prompt]
                foreach ((int i, Knockout knockout) in knockouts.Index())
                    Golden.Close(
                        tensor(effects.ValuesOfPrompts(knockout).ToArray()), stored[i % sets.Length][i / sets.Length][k],
                        $"{knockout}, {kind}, {metric.Name}");
            }
        }
    }

    [Fact]
    public void A_knockout_is_read_and_printed()
    {
        foreach (string text in (string[])["embed", "a9.h6", "a9.h6, a9.h9@end", "a0.h1, m1@1,3", "m0@S1+1"])
            Assert.Equal(text, $"{Knockout.Parse(text)}");
        Assert.Equal(new Knockout([Component.OfHead(0, 1)], "end"), Knockout.Parse("a0.h1@end"));
        foreach ((string text, string reason) in ((string, string)[])
            [
                ("a0.h1,a0.h1", "'a0.h1' is there twice"), ("logits", "write nothing"), ("x", "'x' is no component"),
                ("", "'' is no component"),
            ])
            Assert.Contains(reason, Assert.Throws<FormatException>(() => Knockout.Parse(text)).Message);
        Assert.Throws<ArgumentException>(() => new Knockout([]));
    }

    [Fact]
    public void Knockouts_are_a_table_and_a_file()
    {
        using TemporaryFolder folder = new();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        KnockoutEffects effects = Knockouts.OfEach(
            model, prompts, Golden.LogitDifference, at: "end", new() { Ablation = Ablation.Mean, AcrossTemplates = true });
        Assert.Equal(15, effects.Knockouts.Length);
        Knockout first = Knockout.Parse("a1.h2@end");
        Assert.Equal(effects.ValuesOfPrompts(first).Average() - effects.Clean.Average(), effects[first], 1e-12);
        string printed = $"{effects}";
        Assert.Contains("A mean is taken over 2 of the 3 prompts of ToyPrompts at position 5", printed);
        Assert.All(printed.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains("was not measured", Assert.Throws<ArgumentException>(() => effects[Component.OfMlp(0)]).Message);
        string path = Path.Combine(folder.Path, "knockouts.csv");
        effects.SaveCsv(path);
        string[] lines = File.ReadAllLines(path);
        Assert.Equal("knockout,prompt,clean,changed", lines[0]);
        Assert.Equal(1 + (15 * 3), lines.Length);
        Assert.StartsWith("a0.h0@end,0,", lines[1], StringComparison.Ordinal);
    }

    /// <summary>A sweep over single components, a sweep over sets, and an included intervention measure the same.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gemma2")]
    public void All_ways_to_knock_out_agree(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        foreach (CircuitOptions options in (CircuitOptions[])
            [new(), new() { Ablation = Ablation.Zero }, new() { Ablation = Ablation.Mean, AcrossTemplates = true, From = "clean" }])
        {
            KnockoutEffects each = Knockouts.OfEach(model, prompts, Golden.LogitDifference, options: options);
            KnockoutEffects naive = Knockouts.OfEach(
                model, prompts, Golden.LogitDifference, options: options with { Run = new() { Naive = true } });
            foreach (Knockout knockout in each.Knockouts)
            {
                Assert.All(
                    each.ValuesOfPrompts(knockout).Zip(naive.ValuesOfPrompts(knockout)),
                    pair => Assert.Equal(pair.First, pair.Second, Golden.Tolerance));
                using RunResult run = Intervention.On(model).Include("out", Knockouts.ToIntervention(model, knockout, options))
                    .LogitDifference("correct", "wrong").Run(prompts);
                Assert.Equal(
                    each.ValuesOfPrompts(knockout).Average(), run["LogitDifference"].Values.mean().item<double>(), Golden.Tolerance);
            }
            Knockout[] sets = [.. ((string[])["a0.h1, a0.h2, m1", "a0.h2, a2.h0", "m0, m2"]).Select(Knockout.Parse)];
            KnockoutEffects together = Knockouts.Of(model, prompts, Golden.LogitDifference, sets, options);
            foreach (Knockout knockout in sets)
                Assert.Equal(
                    Knockouts.Of(model, prompts, Golden.LogitDifference, [knockout], options)[knockout], together[knockout],
                    Golden.Tolerance);
        }
    }

    [Fact]
    public void What_is_not_there_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("toy");
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        Assert.Contains("head 4", Refused("a0.h4"));
        Assert.Contains("mlp_out", Refused("m0"));
        Assert.Contains("did you mean 'mid'", Refused("a0.h0@mod"));
        Assert.Throws<ArgumentException>(() => Knockouts.Of(model, prompts, Golden.LogitDifference, []));

        string Refused(string knockout) => Assert.Throws<InterventionException>(() =>
            Knockouts.Of(model, prompts, Golden.LogitDifference, [Knockout.Parse(knockout)])).Message;
    }
}
