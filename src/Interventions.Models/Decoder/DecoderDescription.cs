using Interventions.Models.Checkpoints;
using Interventions.Models.Families;

namespace Interventions.Models.Decoder;

/// <summary>What a checkpoint says of its decoder, without its weights: nothing is allocated, and no torch is needed.</summary>
/// <param name="Path">The file or folder that it was read from.</param>
/// <param name="Family">The family.</param>
/// <param name="Config">What the decoder is made of.</param>
/// <param name="Unexplained">The keys of its configuration, and of sections in it, that nobody reads.</param>
internal sealed record DecoderDescription(string Path, DecoderFamily Family, DecoderConfig Config, IReadOnlyList<string> Unexplained)
{
    /// <summary>The names and sizes of the decoder.</summary>
    public ModelSchema Schema => DecoderSchema.Of(Config, Path);

    /// <summary>How many numbers the weights are.</summary>
    public long Parameters => DecoderWeights.Shapes(Config).Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>Reads the description of a checkpoint on this machine.</summary>
    /// <param name="path">A folder, a file of weights, or a hub id whose files are in the cache.</param>
    /// <exception cref="CheckpointException">There is none, it is malformed, or its family is not supported.</exception>
    public static DecoderDescription Read(string path)
    {
        (string folder, FileInfo? file) = DecoderCheckpoint.Locate(path);
        if (file?.Extension != GgufFile.Extension)
            return OfConfig(System.IO.Path.Combine(folder, DecoderCheckpoint.ConfigName)) with { Path = path };
        using GgufFile gguf = new(file.FullName);
        (DecoderFamily family, DecoderConfig decoder) = GgufConfig.Read(gguf);
        return new DecoderDescription(path, family, decoder, []);
    }

    /// <summary>Reads a <c>config.json</c> alone.</summary>
    /// <exception cref="CheckpointException">It is missing or malformed, or its family is not supported.</exception>
    public static DecoderDescription OfConfig(string file)
    {
        ConfigFile json = ConfigFile.Read(file);
        DecoderFamily family = DecoderFamily.Of(json);
        return new DecoderDescription(file, family, family.Read(json), [.. family.Unexplained(json), .. family.Unread(json)]);
    }
}
