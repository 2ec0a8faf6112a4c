using System.Collections.Immutable;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// What a run kept, by name: in the changed run (with the sweep's axes in front) and in every unchanged run. Owns its tensors.
/// </summary>
/// <remarks>
/// Results are for reading: where nothing was written, the changed run's tensor and the unchanged run's may be one memory. Clone before
/// writing into one.
/// </remarks>
public sealed class RunOutput : IDisposable
{
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;

    /// <summary>Takes tensors over, which are in no dispose scope: one for each of the layout's names.</summary>
    internal RunOutput(ResultLayout layout, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Layout = layout;
        Effects = [.. layout.Writes.Select(write => write.Effect)];
        Warnings = [.. layout.Warnings, .. layout.Notes];
        _tensors = tensors;
    }

    /// <summary>Which prompts of the set lie along the axis of prompts, by number: all of them, or those of a batch.</summary>
    public ImmutableArray<int> Prompts => Layout.Prompts;

    /// <summary>What each declared write did, in the order of the writes.</summary>
    public ImmutableArray<WriteEffect> Effects { get; }

    /// <summary>
    /// Writes without effect: those that changed nothing, those that nothing reads, and copies of values that some prompts have already.
    /// </summary>
    public ImmutableArray<string> Warnings { get; }

    internal ResultLayout Layout { get; }

    /// <summary>The tensor of one of the layout's names.</summary>
    internal Tensor this[string tensor] => _tensors[tensor];

    /// <summary>The values in the changed run.</summary>
    /// <exception cref="KeyNotFoundException">Nothing is kept under that name.</exception>
    public SweptTensor Changed(string name)
    {
        KeptLayout kept = Layout.Kept.FirstOrDefault(kept => kept.Name == name) ?? throw new KeyNotFoundException($"Nothing is kept under '{name}'.");
        return new SweptTensor(
            Layout.Sweep,
            _tensors[name],
            kept.IsMasked ? _tensors[ResultLayout.MaskOf(name)] : null,
            _tensors[ResultLayout.Of(Layout.BaseRun, name)]);
    }

    /// <summary>The values in an unchanged run, by name.</summary>
    /// <exception cref="KeyNotFoundException">There is no such run.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(string run) => Layout.Runs.Contains(run)
        ? Layout.Kept.ToDictionary(kept => kept.Name, kept => _tensors[ResultLayout.Of(run, kept.Name)])
        : throw new KeyNotFoundException($"There is no run '{run}'.");

    /// <summary>
    /// The metric's gradient with respect to a parameter in the changed run, summed over the prompts and the sweep's points.
    /// </summary>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public Tensor Gradient(string parameter) => _tensors[ResultLayout.GradientOf(parameter)];

    /// <summary>
    /// Writes everything to a file of the safetensors format, which any of its readers can read: <c>LogitDifference</c> of the changed run,
    /// <c>clean/LogitDifference</c> of an unchanged one, <c>Residual.mask</c>, <c>Direction.gradient</c>; axes and coordinates of the sweep
    /// as JSON in the metadata <c>interventions.result</c>.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path) => Save(path, []);

    /// <summary>The same with further metadata.</summary>
    internal void Save(string path, IEnumerable<KeyValuePair<string, string>> metadata) => SafeTensors.Save(
        path, _tensors, new Dictionary<string, string>([new("format", "pt"), new(SavedLayout.Key, SavedLayout.Write(Layout)), .. metadata]));

    /// <summary>Reads what <see cref="Save(string)"/> wrote, memory-mapped, on the CPU.</summary>
    /// <param name="path">The file. Replace it if need be, but do not write into it, as long as the result lives.</param>
    /// <exception cref="CheckpointException">The file is missing, malformed, or no result of a run.</exception>
    public static RunOutput Load(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        ResultLayout layout = SavedLayout.Of(file);
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = layout.Tensors.ToDictionary(name => name, file.Read);
        foreach (Tensor tensor in tensors.Values)
            tensor.DetachFromDisposeScope();
        return new RunOutput(layout, tensors);
    }

    /// <summary>Reads the result of one declaration.</summary>
    /// <param name="path">The file.</param>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="kept">The names of what it keeps and measures.</param>
    /// <param name="placeholders">Its placeholders, in order.</param>
    /// <exception cref="CheckpointException">The file is missing, malformed, or no result of a run.</exception>
    /// <exception cref="InterventionException">It is the result of another declaration, or of another state of this one.</exception>
    public static RunOutput Load(string path, string declaration, IEnumerable<string> kept, IEnumerable<string> placeholders)
    {
        RunOutput output = Load(path);
        ResultLayout layout = output.Layout;
        string[] saved = [.. layout.Kept.Select(one => one.Name)], axes = [.. layout.Sweep.Select(axis => axis.Name)];
        string? difference =
            layout.Declaration != declaration ? $"is a result of '{layout.Declaration}', not of '{declaration}'"
            : !saved.ToHashSet().SetEquals(kept) ? $"kept {List(saved)}, and '{declaration}' keeps {List(kept)} by now"
            : !axes.SequenceEqual(placeholders) ? $"was swept over {List(axes)}, and '{declaration}' is swept over {List(placeholders)} by now"
            : null;
        if (difference is null)
            return output;
        output.Dispose();
        throw new InterventionException($"'{path}' {difference}.");

        static string List(IEnumerable<string> names) => names.DefaultIfEmpty("nothing").Aggregate((list, name) => $"{list}, {name}");
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values)
            tensor.Dispose();
    }
}
