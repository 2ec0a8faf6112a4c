using System.Globalization;
using System.Text.Json;
using Interventions.Files;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>Writes tensors as Hugging Face tools do: one safetensors file, or several with an index.</summary>
internal static class ShardedFiles
{
    /// <summary>Writes the tensors, and removes the index or the single file that would be read in their place.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tensors">The tensors by name; each is copied to the CPU alone.</param>
    /// <param name="most">The most bytes of tensors in a file; a larger tensor has a file of its own.</param>
    public static void Save(string folder, IReadOnlyDictionary<string, Tensor> tensors, long most)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        Directory.CreateDirectory(folder);
        string single = Path.Combine(folder, TensorFolder.SingleFile), index = single + TensorFolder.Index;
        List<Dictionary<string, Tensor>> shards = Shards(tensors, most);
        if (shards is [{ } only])
        {
            SafeTensors.Save(single, only);
            File.Delete(index);
            return;
        }
        // Without its index, a folder in which only some of the files are new is not read.
        File.Delete(index);
        Dictionary<string, string> files = [];
        for (int i = 0; i < shards.Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors");
            SafeTensors.Save(Path.Combine(folder, name), shards[i]);
            foreach (string tensor in shards[i].Keys)
                files.Add(tensor, name);
        }
        CompleteFile.Replace(index, stream =>
        {
            using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", tensors.Values.Sum(Bytes));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach ((string tensor, string file) in files)
                json.WriteString(tensor, file);
            json.WriteEndObject();
            json.WriteEndObject();
        });
        File.Delete(single);
    }

    private static List<Dictionary<string, Tensor>> Shards(IReadOnlyDictionary<string, Tensor> tensors, long most)
    {
        List<Dictionary<string, Tensor>> shards = [[]];
        long size = 0;
        foreach ((string name, Tensor tensor) in tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal))
        {
            if (shards[^1].Count > 0 && size + Bytes(tensor) > most)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(name, tensor);
            size += Bytes(tensor);
        }
        return shards;
    }

    private static long Bytes(Tensor tensor) => tensor.numel() * tensor.ElementSize;
}
