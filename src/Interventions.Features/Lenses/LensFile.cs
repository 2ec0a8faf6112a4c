using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Interventions.Files;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>The file of a lens that is being fitted: tensors, and what they are made from. Only work on the same is gone on with.</summary>
internal sealed class LensFile
{
    private const string Work = "interventions.work", Model = "interventions.weights", Text = "interventions.text";

    private readonly string? _path;
    private readonly Dictionary<string, string> _origin = [];

    /// <summary>What a lens is made from.</summary>
    /// <param name="path">The file; none where nothing is saved.</param>
    /// <param name="model">The model.</param>
    /// <param name="contexts">The text; it is gone through once where there is a file.</param>
    /// <param name="work">The method and its options, in words.</param>
    public LensFile(string? path, DecoderModel model, IEnumerable<IReadOnlyList<long>> contexts, string work)
    {
        _path = path;
        if (path is null)
            return;
        _origin[Work] = work;
        _origin[Model] = model.WeightsFingerprint() ?? "";
        _origin[Text] = HashOf(contexts);
    }

    /// <summary>The tensors of the file, in the current scope; null where there is no file.</summary>
    /// <exception cref="InterventionException">The file was begun with something else.</exception>
    /// <exception cref="CheckpointException">It is malformed.</exception>
    public Dictionary<string, Tensor>? Read()
    {
        if (_path is null || !File.Exists(_path))
            return null;
        using SafeTensorFile file = SafeTensorFile.Open(_path);
        foreach ((string key, string value) in _origin)
            if (file.Metadata.GetValueOrDefault(key) != value)
                throw new InterventionException(key switch
                {
                    Work => $"'{_path}' was begun as {file.Metadata.GetValueOrDefault(key, "something else")}, and this is {value}: ",
                    Model => $"'{_path}' was begun with other weights: ",
                    _ => $"'{_path}' was begun with other text: ",
                } + "go on with the same, give another path, or delete it.");
        // Tensors of the file are mapped; they are written into, and the file is replaced.
        return file.Entries.Keys.ToDictionary(name => name, name => file.Read(name).clone());
    }

    /// <summary>Writes tensors with what they are made from.</summary>
    public void Write(IReadOnlyDictionary<string, Tensor> tensors) =>
        SafeTensors.Save(_path!, tensors, new Dictionary<string, string>(_origin) { ["format"] = "pt" });

    private static string HashOf(IEnumerable<IReadOnlyList<long>> contexts)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (IReadOnlyList<long> context in contexts)
        {
            long[] numbers = [context.Count, .. context];
            hash.AppendData(MemoryMarshal.AsBytes(numbers.AsSpan()));
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
