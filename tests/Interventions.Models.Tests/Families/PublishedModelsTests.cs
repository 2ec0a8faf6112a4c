using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models.Tests.Families;

/// <summary>The classes of well-known checkpoints are written from one table.</summary>
public sealed class PublishedModelsTests
{
    private static readonly string s_folder = Path.Combine(Here(), "../../../src/Interventions.Models/Families");

    private static readonly IReadOnlyList<Published> s_table = [.. Read()];

    public static TheoryData<string> Classes => [.. s_table.Select(row => row.Class)];

    [Fact]
    public void The_classes_are_those_of_the_table()
    {
        string file = Path.Combine(s_folder, "PublishedModels.cs"), received = Path.Combine(s_folder, "published-models.received.txt");
        string text = Written(s_table);
        if (File.ReadAllText(file).ReplaceLineEndings("\n") == text)
        {
            File.Delete(received);
            return;
        }
        File.WriteAllText(received, text);
        Assert.Fail($"{file} is not what the table says.{Environment.NewLine}Compare {received}, and rename it if it is right.");
    }

    /// <summary>A digit that is wrong in the table makes another number of parameters.</summary>
    [Theory]
    [MemberData(nameof(Classes))]
    public void A_declared_model_is_of_its_family_and_has_the_published_size(string name)
    {
        Published row = s_table.Single(row => row.Class == name);
        Type type = typeof(DecoderModel).Assembly.GetType($"Interventions.Models.{name}", throwOnError: true)!;
        DecoderFamily family = DecoderFamily.All.Single(family => family.Classes.Any(known => known.Class == type.BaseType!.FullName));
        DecoderConfig config = row.Sized(family.Classes.Single(known => known.Class == type.BaseType!.FullName).Usual).Checked();
        ModelSchema declared = (ModelSchema)type.GetProperty("DeclaredSchema")!.GetValue(null)!;
        Assert.Equal(DecoderSchema.Of(config, name), declared);

        // Whether the unembedding is the embedding differs within a family.
        double[] counts = [.. new[] { true, false }.Select(tied => Parameters(config with { TiedUnembedding = tied }))];
        Assert.Contains(counts, count => Math.Abs(count - row.Size) <= row.SizeStep);
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public void A_published_model_says_where_and_loads_from_there(string name)
    {
        Published row = s_table.Single(row => row.Class == name);
        Type type = typeof(DecoderModel).Assembly.GetType($"Interventions.Models.{name}", throwOnError: true)!;
        MethodInfo load = type.GetMethod("Load", BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)!;
        ParameterInfo path = load.GetParameters()[0];
        if (row.HubId is null)
        {
            Assert.Null(type.GetField("HubId"));
            Assert.False(path.HasDefaultValue);
            return;
        }
        Assert.Equal(row.HubId, type.GetField("HubId")!.GetRawConstantValue());
        Assert.Equal(row.HubId, path.DefaultValue);
        Assert.Equal(row.HubId, type.GetCustomAttribute<HubIdAttribute>()!.Id);
    }

    private static double Parameters(DecoderConfig config) =>
        DecoderWeights.Shapes(config).Sum(weight => weight.Shape.Aggregate(1.0, (count, size) => count * size));

    /// <summary>The source file. Its text is the table's, so that a reader sees classes and documents as anywhere else.</summary>
    private static string Written(IReadOnlyList<Published> table)
    {
        StringBuilder text = new();
        text.Append("namespace Interventions.Models;\n\n")
            .Append("// Written from published-models.txt: change that table, and take the text that the failing test writes.\n");
        foreach (Published row in table)
        {
            string where = row.HubId is null ? "" : $": <c>{row.HubId}</c>";
            string[] id = row.HubId is null ? [] : [$"HubId(\"{row.HubId}\")"];
            string[] first = [.. id, .. row.Axes(["layer", "head", "kv_head", "d_head"])];
            text.Append($"""

                /// <summary>{char.ToUpperInvariant(row.Called[0])}{row.Called[1..]}, {row.SizeInWords} parameters{where}.</summary>
                [ModelSchema, {string.Join(", ", first)}]
                [{string.Join(", ", row.Axes(["d_model", "neuron", "expert", "choice", "vocab"]))}]
                public sealed partial class {row.Class} : {row.Family}Model;

                """.ReplaceLineEndings("\n"));
        }
        return text.ToString();
    }

    private static IEnumerable<Published> Read()
    {
        string[][] lines =
        [
            .. File.ReadLines(Path.Combine(s_folder, "published-models.txt")).Where(line => line.Length > 0 && line[0] != '#')
                .Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
        ];
        return lines.Skip(1).Select(line => new Published(lines[0].Zip(line).ToDictionary(cell => cell.First, cell => cell.Second)));
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    /// <summary>A row of the table: its cells by column.</summary>
    private sealed record Published(Dictionary<string, string> Cells)
    {
        public string Class => Cells["class"];

        public string Family => Cells["family"];

        public string Called => Cells["called"];

        public string? HubId => Cells["published as"] is "-" ? null : Cells["published as"];

        public double Size => Number * (Unit == "million" ? 1e6 : 1e9);

        /// <summary>How exact the size is: one of its last digit.</summary>
        public double SizeStep
        {
            get
            {
                int point = Digits.IndexOf('.', StringComparison.Ordinal);
                return Size / Number * Math.Pow(10, point < 0 ? 0 : point + 1 - Digits.Length);
            }
        }

        public string SizeInWords => $"{Digits} {Unit}";

        private string Digits => Cells["size"][..^1];

        private string Unit => Cells["size"][^1] == 'M' ? "million" : "billion";

        private double Number => double.Parse(Digits, CultureInfo.InvariantCulture);

        public IEnumerable<string> Axes(string[] names) =>
            names.Where(name => Cells[name] != "-").Select(name => $"Axis(\"{name}\", {Cells[name]})");

        public DecoderConfig Sized(DecoderConfig usual) => usual with
        {
            Layers = Length("layer"),
            Heads = Length("head"),
            KvHeads = Length("kv_head"),
            DHead = Length("d_head"),
            DModel = Length("d_model"),
            Neurons = Length("neuron"),
            VocabularySize = Length("vocab"),
            Experts = usual.Experts is { } experts ? experts with { Count = Length("expert"), Chosen = Length("choice") } : null,
        };

        private int Length(string axis) => int.Parse(Cells[axis], CultureInfo.InvariantCulture);
    }
}
