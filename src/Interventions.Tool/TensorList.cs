using System.Globalization;
using System.Text.Json.Nodes;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Tool;

/// <summary>A tensor of a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its numbers are stored, as the format writes it.</param>
/// <param name="Shape">Its shape, rows first.</param>
/// <param name="Bytes">How much of the file it takes.</param>
internal sealed record TensorLine(string Name, string Type, long[] Shape, long Bytes);

/// <summary>The tensors of a file, those that differ in numbers of their names alone as one line.</summary>
internal sealed class TensorList(IReadOnlyList<TensorLine> tensors)
{
    /// <summary>A table, and the sums. What several names begin with, up to the numbers of layers, stands above them.</summary>
    public string Text()
    {
        TextTable table = new(new("tensor"), new("type"), new("shape"), new("count", IsNumber: true), new("each", IsNumber: true));
        IReadOnlyList<Folded<TensorLine>> lines = Folding.Fold(
            tensors, tensor => tensor.Name, tensor => (tensor.Type, ShortText.Shape(tensor.Shape)));
        foreach (IGrouping<string, Folded<TensorLine>> group in lines.GroupBy(line => Layers(line.Name)))
        {
            bool isBlock = group.Skip(1).Any();
            if (isBlock)
                table.Add(group.Key, "", "", "", "");
            foreach ((string name, TensorLine first, int count) in group)
                table.Add(
                    isBlock ? $"  {name[(group.Key.Length + 1)..]}" : name, first.Type, ShortText.Shape(first.Shape),
                    count.ToString(CultureInfo.InvariantCulture), ShortText.Bytes(first.Bytes));
        }
        long numbers = tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));
        return "\n" + table.Print() + "\n" + ShortText.Line(
            $"{TextTable.Count(tensors.Count, "tensor")}, {ShortText.Number(numbers)} numbers, "
            + ShortText.Bytes(tensors.Sum(tensor => (double)tensor.Bytes)));
    }

    /// <summary>What a name begins with, up to the first numbers that it was folded over; the whole where there are none.</summary>
    private static string Layers(string name) =>
        name.IndexOf("].", StringComparison.Ordinal) is >= 0 and int end ? name[..(end + 1)] : name;

    /// <summary>The list, each tensor alone.</summary>
    public JsonArray Json() => ToolAnswer.List(tensors, tensor => new JsonObject
    {
        ["name"] = tensor.Name,
        ["type"] = tensor.Type,
        ["shape"] = ToolAnswer.List(tensor.Shape, size => size),
        ["bytes"] = tensor.Bytes,
    });
}

/// <summary>What a file says of itself by key.</summary>
internal static class Notes
{
    /// <summary>A table; nothing where there are none.</summary>
    public static string Text(IReadOnlyList<(string Key, object Value)> notes)
    {
        if (notes.Count == 0)
            return "";
        TextTable table = new(new("key"), new("value"));
        foreach ((string key, object value) in notes)
            table.Add(key, Shown(value));
        return "\n" + table.Print();
    }

    /// <summary>The value in a document; long lists by their length alone.</summary>
    public static JsonNode? Json(object value) => value switch
    {
        string text => text,
        bool truth => truth,
        long number => number,
        double number => double.IsFinite(number) ? number : number.ToString(CultureInfo.InvariantCulture),
        Array array => new JsonObject { ["length"] = array.Length },
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    private static string Shown(object value) => value switch
    {
        Array array => $"{TextTable.Count(array.Length, "value")}: {string.Join(", ", array.Cast<object>().Take(4).Select(Shown))}"
            + (array.Length > 4 ? ", …" : ""),
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}

/// <summary>What a result file is a result of.</summary>
internal static class InspectedResult
{
    /// <summary>The declaration, and what was kept.</summary>
    public static string Text(ResultLayout result)
    {
        TextTable table = new(new("kept"), new("axes"));
        foreach (KeptLayout kept in result.Kept)
            table.Add(kept.Name, $"[{string.Join(", ", Axes(result, kept).Select(axis => $"{axis.Name} {axis.Size}"))}]");
        foreach (string parameter in result.Parameters)
            table.Add(ResultLayout.GradientOf(parameter), "");
        return ShortText.Line(
            $"result of {result.Declaration}: {TextTable.Count(result.Prompts.Length, "prompt")}; "
            + $"runs {string.Join(", ", result.Runs)}, of which {result.BaseRun} is changed") + "\n" + table.Print()
            + string.Concat(result.Warnings.Concat(result.Notes).Select(warning => ShortText.Line($"warning: {warning}")));
    }

    /// <summary>The same as a document.</summary>
    public static JsonObject Json(ResultLayout result) => new()
    {
        ["declaration"] = result.Declaration,
        ["prompts"] = result.Prompts.Length,
        ["runs"] = ToolAnswer.List(result.Runs, run => run),
        ["changed"] = result.BaseRun,
        ["kept"] = ToolAnswer.List(result.Kept, kept => new JsonObject
        {
            ["name"] = kept.Name,
            ["axes"] = ToolAnswer.List(Axes(result, kept), axis => new JsonObject { ["name"] = axis.Name, ["size"] = axis.Size }),
        }),
        ["parameters"] = ToolAnswer.List(result.Parameters, parameter => parameter),
        ["warnings"] = ToolAnswer.List(result.Warnings.Concat(result.Notes), warning => warning),
    };

    private static IEnumerable<(string Name, int Size)> Axes(ResultLayout result, KeptLayout kept) =>
        result.Axes(kept, isChanged: true).Select(axis => (axis.Name, axis.Labels.Length));
}
