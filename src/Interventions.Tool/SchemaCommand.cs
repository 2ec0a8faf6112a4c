using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;

namespace Interventions.Tool;

/// <summary><c>interventions schema</c>: the class that declares a model, so that the compiler checks its names.</summary>
internal static partial class SchemaCommand
{
    /// <summary>Writes the class.</summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="name">The class's name; <see langword="null"/> to make one of the model's.</param>
    /// <param name="space">Its namespace; <see langword="null"/> for none.</param>
    /// <exception cref="CheckpointException">There is no such model, or no class has its sites.</exception>
    /// <exception cref="ToolException">A name is none of C#.</exception>
    public static ToolAnswer Answer(string model, string? name, string? space)
    {
        DecoderDescription decoder = DecoderDescription.Read(LocalModel.Of(model));
        name ??= NameOf(model);
        if (!Identifier().IsMatch(name))
            throw new ToolException($"'{name}' is no name of a class: give one with --name.");
        if (space is not null && !space.Split('.').All(part => Identifier().IsMatch(part)))
            throw new ToolException($"'{space}' is no namespace.");
        string baseType = BaseOf(decoder);
        EquatableArray<AxisSize> axes = DecoderSchema.Axes(decoder.Config);
        string source = Source(Shown(model), name, space, baseType, axes);
        return new ToolAnswer(() => source, () => new JsonObject
        {
            ["name"] = name,
            ["namespace"] = space,
            ["base"] = baseType,
            ["axes"] = ToolAnswer.Object(axes, axis => (axis.Axis, axis.Size)),
            ["source"] = source,
        });
    }

    private static string Source(string model, string name, string? space, string baseType, EquatableArray<AxisSize> axes)
    {
        StringBuilder text = new("using Interventions;\nusing Interventions.Models;\n\n");
        if (space is not null)
            text.Append(CultureInfo.InvariantCulture, $"namespace {space};\n\n");
        text.Append(CultureInfo.InvariantCulture, $"/// <summary>{Escaped(model)}</summary>\n[ModelSchema]\n");
        foreach (AxisSize axis in axes)
            text.Append(CultureInfo.InvariantCulture, $"[Axis(\"{axis.Axis}\", {axis.Size})]\n");
        // A keyword of C# has small letters alone.
        string identifier = name.All(char.IsAsciiLetterLower) ? "@" + name : name;
        return $"{text}public sealed partial class {identifier} : {baseType.Split('.')[^1]};\n";
    }

    /// <summary>The class of the family that has the model's sites.</summary>
    private static string BaseOf(DecoderDescription decoder)
    {
        EquatableArray<SiteDefinition> sites = DecoderSchema.Sites(decoder.Config);
        return decoder.Family.Classes.FirstOrDefault(known => DecoderSchema.Sites(known.Usual) == sites).Class
            ?? throw new CheckpointException(
                decoder.Path, $"has other sites than any class of its family ({decoder.Family.Title}): load it as a DecoderModel.");
    }

    /// <summary>The last part of a path or id, as a name: <c>SmolLM2-135M</c> is <c>SmolLM2_135M</c>.</summary>
    private static string NameOf(string model)
    {
        string last = LastOf(model).Split('@')[0];
        foreach (string extension in (string[])[".gguf", ".safetensors", ".bin", ".pt", ".pth"])
            last = last.EndsWith(extension, StringComparison.Ordinal) ? last[..^extension.Length] : last;
        string name = string.Concat(Separators().Split(last).Where(word => word.Length > 0).Select((word, i) =>
            (i > 0 && char.IsAsciiDigit(word[0]) ? "_" : "") + char.ToUpperInvariant(word[0]) + word[1..]));
        return name.Length > 0 && char.IsAsciiDigit(name[0]) ? $"Model{name}" : name.Length == 0 ? "Model" : name;
    }

    /// <summary>A hub id as it is; of a path the last part, since others have other folders.</summary>
    private static string Shown(string model) => Path.Exists(model) ? LastOf(model) : model;

    private static string LastOf(string model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(model));

    private static string Escaped(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    [GeneratedRegex(@"^[A-Za-z_]\w*$")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"[^A-Za-z0-9]+")]
    private static partial Regex Separators();
}
