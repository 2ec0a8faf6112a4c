using System.ComponentModel;
using Interventions.Results;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>The base of generated types that hold the values kept in one unchanged run.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class UnchangedRun
{
    internal RunResult Result { get; init; } = null!;

    internal string Name { get; init; } = "";

    /// <summary>The value kept under a name; owned by the whole result.</summary>
    protected Tensor Get(string name) => Result.Saved(name, Name);

    /// <summary>The value kept under a name at several layers; owned by the whole result.</summary>
    protected LayerStack GetStack(string name) => Result.Layers(name, Name);

    /// <summary>The value kept under a name of which the sweep's point decides what is kept; owned by the whole result.</summary>
    protected SweptTensor GetSwept(string name) => new(Result.Content(Result.Find(name), Name));

    /// <summary>What was kept in this run, with its axes and its mean: a table of at most 80 columns.</summary>
    public override string ToString() => KeptTable.OfUnchanged(Result, Name);
}
