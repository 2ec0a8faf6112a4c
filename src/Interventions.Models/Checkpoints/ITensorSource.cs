using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>The tensors of a checkpoint, as its files store them.</summary>
internal interface ITensorSource
{
    /// <summary>The file or the index that was opened, for messages.</summary>
    string Path { get; }

    /// <summary>The tensors' names.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>Whether <see cref="Read"/> gives views of a mapped file, and not copies.</summary>
    bool IsMapped { get; }

    /// <summary>The shape of a tensor.</summary>
    long[] ShapeOf(string name);

    /// <summary>The file that holds a tensor.</summary>
    string FileOf(string name);

    /// <summary>The shard that holds a tensor by its index, and in truth does not; null if no index says so.</summary>
    string? ShardWithout(string name) => null;

    /// <summary>A tensor, on the CPU. The caller owns it.</summary>
    Tensor Read(string name);

    /// <summary>A tensor to copy from, on the CPU, that is valid until the next call.</summary>
    Tensor Borrow(string name);
}
