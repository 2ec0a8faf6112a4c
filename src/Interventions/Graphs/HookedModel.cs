using Interventions.Sites;
using TorchSharp;

namespace Interventions.Graphs;

/// <summary>A model that can be intervened on: its names, its forward pass as a graph, and the weights that the graph borrows.</summary>
public abstract class HookedModel : IDisposable
{
    /// <summary>The names of this very model, sizes included.</summary>
    public abstract ModelSchema Schema { get; }

    /// <summary>Its forward pass.</summary>
    public abstract ModelGraph Graph { get; }

    /// <summary>The most tokens that it can read; <see langword="null"/> when nothing limits it.</summary>
    public abstract int? ContextLength { get; }

    /// <summary>How many different tokens it knows.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The device that holds its weights.</summary>
    public abstract torch.Device Device { get; }

    /// <summary>Whether the weights are freed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>The text of tokens, without special tokens; <see langword="null"/> where the model has no tokenizer.</summary>
    /// <param name="tokens">Token ids.</param>
    public virtual string? Decode(IEnumerable<long> tokens) => null;

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        IsDisposed = true;
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the derived model owns.</summary>
    protected abstract void Dispose(bool disposing);
}
