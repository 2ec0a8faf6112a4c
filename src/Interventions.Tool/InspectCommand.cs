using System.Globalization;
using System.Text.Json.Nodes;
using Interventions.Files;
using Interventions.Models.Checkpoints;
using Interventions.Results;

namespace Interventions.Tool;

/// <summary><c>interventions inspect</c>: what is in a file. What it is, is read off its content, not off its name.</summary>
internal static class InspectCommand
{
    /// <summary>Describes a file.</summary>
    /// <exception cref="CheckpointException">It is missing, malformed, or of no kind that is known.</exception>
    /// <exception cref="ToolException">It is a folder.</exception>
    public static ToolAnswer Answer(string path)
    {
        if (Directory.Exists(path))
        {
            string[] names = [.. Directory.GetFiles(path).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];
            throw new ToolException(
                $"'{path}' is a folder: inspect one of its files ({string.Join(", ", names.Take(6))}{(names.Length > 6 ? ", …" : "")}).");
        }
        byte[] begin = Begin(path);
        return begin switch
        {
            [(byte)'G', (byte)'G', (byte)'U', (byte)'F', ..] => Gguf(path),
            [(byte)'P', (byte)'K', ..] => Pickle(path),
            // The header's length, whose last byte is 0 in a file of any size, and the header.
            [_, _, _, _, _, _, _, 0, (byte)'{', ..] => SafeTensors(path),
            _ when begin.SkipWhile(one => one <= ' ').FirstOrDefault() == '{' => InspectedJson.Answer(path),
            _ => throw new CheckpointException(
                path, "is neither safetensors nor GGUF, no zipped PyTorch file, and no JSON object: nothing else is read."),
        };
    }

    private static byte[] Begin(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "does not exist.");
        using FileStream stream = File.OpenRead(path);
        byte[] begin = new byte[64];
        return begin[..stream.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false)];
    }

    private static ToolAnswer SafeTensors(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        TensorList tensors = new([.. file.Entries.Values.OrderBy(entry => entry.Begin).Select(entry =>
            new TensorLine(entry.Name, TensorDtype.NameOf(entry.Dtype), [.. entry.Shape], entry.End - entry.Begin))]);
        ResultLayout? result = file.Metadata.ContainsKey(ResultLayout.Key) ? ResultLayout.Of(file) : null;
        // What a result says in its metadata is shown as what it is.
        (string Key, object Value)[] notes = [.. file.Metadata.Select(pair => (pair.Key, (object)pair.Value))
            .Where(note => result is null || note.Key is not (ResultLayout.Key or ResultLayout.AxesKey))];
        return new(
            () => $"safetensors, {ShortText.Bytes(new FileInfo(path).Length)}\n" + (result is null ? "" : InspectedResult.Text(result))
                + Notes.Text(notes) + tensors.Text(),
            () =>
            {
                JsonObject json = Json(path, result is null ? "safetensors" : "result", notes, tensors);
                if (result is not null)
                    json["result"] = InspectedResult.Json(result);
                return json;
            });
    }

    private static ToolAnswer Gguf(string path)
    {
        GgufHeader header = GgufHeader.Read(path);
        TensorList tensors = new([.. header.Tensors.Values.Select(tensor =>
            new TensorLine(tensor.Name, tensor.Type.Name, tensor.Shape, tensor.Bytes))]);
        (string, object)[] notes = [.. header.Values.Select(pair => (pair.Key, pair.Value))];
        return new(
            () => $"GGUF, {ShortText.Bytes(new FileInfo(path).Length)}\n" + Notes.Text(notes) + tensors.Text(),
            () => Json(path, "gguf", notes, tensors));
    }

    private static ToolAnswer Pickle(string path)
    {
        using PickleFile file = PickleFile.Open(path);
        TensorList tensors = new([.. file.Tensors.Select(pair => new TensorLine(
            pair.Key, TensorDtype.NameOf(pair.Value.Type), pair.Value.Shape,
            pair.Value.Shape.Aggregate((long)TensorDtype.SizeOf(pair.Value.Type), (bytes, size) => bytes * size)))]);
        return new(
            () => $"PyTorch state dict, {ShortText.Bytes(new FileInfo(path).Length)}\n" + tensors.Text(),
            () => Json(path, "pytorch", [], tensors));
    }

    private static JsonObject Json(string path, string kind, (string Key, object Value)[] notes, TensorList tensors) => new()
    {
        ["file"] = path,
        ["kind"] = kind,
        ["bytes"] = new FileInfo(path).Length,
        ["metadata"] = ToolAnswer.Object(notes, note => (note.Key, Notes.Json(note.Value))),
        ["tensors"] = tensors.Json(),
    };
}
