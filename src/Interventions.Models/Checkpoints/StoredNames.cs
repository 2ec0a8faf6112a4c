using Interventions.Models.Families;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>
/// Under which names files store a decoder's tensors: with or without the base model's prefix, and a tied unembedding as either twin.
/// </summary>
internal sealed class StoredNames(ITensorSource files, StoredLayout layout)
{
    private const string Embedding = "embed.weight";
    private string? _embedding;

    /// <summary>The name under which a part is stored, if it is there and has the right shape.</summary>
    /// <exception cref="CheckpointException">It is not there, or has another shape.</exception>
    public string Of(WeightSource source, WeightPart part, long[] shape)
    {
        string? twin = source.Weight == Embedding ? layout.Twin : null;
        string name = Find(part.Name) ?? (twin is null ? null : Find(twin))
            ?? throw Missing(part.Name);
        if (source.Weight == Embedding)
            _embedding = name;
        // A stack of matrices is stored as it is, or as its matrices.
        long[] whole = shape.Length == 3 && part.Rows is not null ? shape[1..] : shape;
        long[] rows = part.Shape ?? [(part.Rows ?? whole[0]) * part.Slot.Count, .. whole.AsSpan(1)];
        long[] expected = source.Transposed ? [.. rows.Reverse()] : rows;
        long[] actual = files.ShapeOf(name);
        if (!actual.AsSpan().SequenceEqual(expected))
        {
            throw new CheckpointException(files.FileOf(name),
                $"holds '{name}' of shape [{string.Join(", ", actual)}]; its configuration asks for [{string.Join(", ", expected)}].");
        }
        return name;
    }

    /// <summary>The unembedding's name where it is stored beside the embedding that it is tied to, and is the same.</summary>
    /// <exception cref="CheckpointException">It is not the same.</exception>
    public IEnumerable<string> CheckedTwins()
    {
        if (layout.Twin is null || Find(layout.Twin) is not { } twin || twin == _embedding)
            return [];
        using DisposeScope scope = NewDisposeScope();
        Tensor embedding = files.Read(_embedding!), unembedding = files.Read(twin);
        bool isSame = embedding.dtype == unembedding.dtype && embedding.shape.AsSpan().SequenceEqual(unembedding.shape)
            && embedding.eq(unembedding).all().cpu().item<bool>();
        return isSame ? [twin] : throw new CheckpointException(
            files.FileOf(twin),
            $"holds '{twin}', which is not '{_embedding}', although 'tie_word_embeddings' of its configuration is true. " +
            "Set that to false to unembed with it, or leave the tensor out.");
    }

    private CheckpointException Missing(string name)
    {
        string bare = name.StartsWith(layout.Prefix, StringComparison.Ordinal) ? name[layout.Prefix.Length..] : name;
        string? shard = files.ShardWithout(name) ?? files.ShardWithout(bare);
        return shard is not null
            ? new(shard, $"has no tensor '{name}', which the configuration asks for, and which '{files.Path}' says it holds.")
            : new(files.Path, $"has no tensor '{name}', which its configuration asks for.");
    }

    private string? Find(string name) => files.Names.Contains(name) ? name
        : name.StartsWith(layout.Prefix, StringComparison.Ordinal) && files.Names.Contains(name[layout.Prefix.Length..])
            ? name[layout.Prefix.Length..] : null;
}
