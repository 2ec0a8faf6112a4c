using System.ComponentModel;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>The base of generated types that hold the values kept in one unchanged run.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class UnchangedRun
{
    internal IReadOnlyDictionary<string, Tensor> Values { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>The value kept under a name; owned by the whole result.</summary>
    protected Tensor Get(string name) => Values[name];
}
