using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Files;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// The values that a run kept, by name: in the changed run, at every point of the sweep, and in every unchanged run. The generated result
/// types derive from it. A result owns its tensors until it is disposed; the end of a dispose scope does not free them.
/// </summary>
/// <remarks>
/// Results are for reading. Where nothing was written, the changed run's tensor and an unchanged run's may share their memory: clone before
/// writing into one.
/// </remarks>
public class RunResult : IDisposable
{
    private readonly ResultTensors _tensors;

    /// <summary>Kept values with their axes, by the names of their tensors: made when they are asked for.</summary>
    private readonly ConcurrentDictionary<string, KeptContent> _contents = [];

    /// <summary>Takes over tensors that are in no dispose scope: one for each of the layout's names.</summary>
    internal RunResult(ResultLayout layout, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Layout = layout;
        Warnings = [.. layout.Warnings, .. layout.Notes];
        _tensors = new ResultTensors(tensors);
    }

    /// <summary>Takes over another result's tensors. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected RunResult(RunResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        (Layout, Warnings, _tensors) = (result.Layout, result.Warnings, result._tensors);
    }

    /// <summary>The numbers of the prompts along the axis of prompts: all of the set's, or those of a batch.</summary>
    public ImmutableArray<int> Prompts => Layout.Prompts;

    /// <summary>
    /// The effect of each declared write, over all prompts and points of the sweep: first the writes of includes, then the class's, then
    /// its members'.
    /// </summary>
    public ImmutableArray<WriteEffect> Effects => Layout.Effects;

    /// <summary>
    /// Writes without effect: those that changed nothing on any prompt and point of the sweep, and those that nothing reads. A freeze may
    /// change nothing, and so may a copy of another run at positions up to which both runs' tokens agree; but prompts of which a copy
    /// selects such positions alone are reported by number. Methods that make infinite values from finite ones are reported by name, and
    /// so are answers that lack the space which the tokenizer has in front of words, and captures that took more memory than
    /// <see cref="RunOptions.MemoryBudget"/>, which is for what is computed. Of writes without effect, a strict run
    /// (<see cref="RunOptions.Strict"/>) throws instead.
    /// </summary>
    public ImmutableArray<string> Warnings { get; }

    /// <summary>What was done to the model's weights: its <see cref="ModelGraphs.HookedModel.WeightsNote"/>.</summary>
    public string? WeightsNote => Layout.WeightsNote;

    internal ResultLayout Layout { get; }

    /// <summary>A kept value in the changed run, by its name, with the sweep's axes in front; owned by the result.</summary>
    /// <exception cref="KeyNotFoundException">Nothing is kept under that name.</exception>
    public SweptTensor this[string name] => Changed(name);

    /// <summary>The tensor of one of the layout's names.</summary>
    internal Tensor Saved(string tensor) => _tensors.Kept[tensor];

    /// <summary>The tensor of a kept value in an unchanged run.</summary>
    /// <exception cref="KeyNotFoundException">There is no such run, or nothing was kept of it.</exception>
    internal Tensor Saved(string name, string run) => Saved(ResultLayout.Of(KeptRun(run), name));

    /// <summary>A kept value in the changed run, with the sweep's axes in front; owned by the result.</summary>
    /// <exception cref="KeyNotFoundException">Nothing is kept under that name.</exception>
    public SweptTensor Changed(string name) => new(Content(Find(name), run: null));

    /// <summary>The kept values in an unchanged run, by name; owned by the result.</summary>
    /// <exception cref="KeyNotFoundException">There is no such run.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(string run)
    {
        string of = KeptRun(run);
        return Layout.Kept.ToDictionary(kept => kept.Name, kept => Saved(kept.Name, of));
    }

    /// <summary>A value that was kept at several layers, by their numbers; owned by the result.</summary>
    /// <param name="name">The capture's or gradient's name.</param>
    /// <param name="run">The unchanged run; <see langword="null"/> for the changed one, of a declaration without a sweep.</param>
    /// <exception cref="KeyNotFoundException">Nothing is kept under that name, or there is no such run.</exception>
    /// <exception cref="InvalidOperationException">It was not kept at several layers, or at several points of a sweep.</exception>
    public LayerStack Layers(string name, string? run = null)
    {
        KeptLayout kept = Find(name);
        KeptContent content = Content(kept, run is null ? null : KeptRun(run));
        return kept.IsStacked && content.Sweep.IsEmpty
            ? new LayerStack(content)
            : throw new InvalidOperationException(kept.IsStacked
                ? $"'{name}' was kept at every point of the sweep: ask for Changed(\"{name}\")."
                : $"'{name}' was not kept at several layers.");
    }

    /// <summary>
    /// The metric's gradient with respect to a parameter, summed over the prompts and the sweep's points; owned by the result.
    /// </summary>
    /// <exception cref="KeyNotFoundException">There is no such parameter.</exception>
    public Tensor Gradient(string parameter) => Saved(ResultLayout.GradientOf(parameter));

    /// <summary>
    /// Writes everything to a file of the safetensors format: <c>LogitDifference</c> of the changed run, <c>clean/LogitDifference</c> of an
    /// unchanged one, <c>Residual.mask</c>, <c>Direction.gradient</c>; as JSON in the metadata the names of each tensor's axes
    /// (<c>interventions.axes</c>), and what stands along them, with the prompts' tokens (<c>interventions.result</c>).
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path) => Save(path, []);

    /// <summary>The same with further metadata.</summary>
    internal void Save(string path, IEnumerable<KeyValuePair<string, string>> metadata) => SafeTensors.Save(
        path, _tensors.Kept, new Dictionary<string, string>(
        [
            new("format", "pt"), new(ResultLayout.Key, Layout.ToJson()), new(ResultLayout.AxesKey, Layout.AxesToJson()), .. metadata,
        ]));

    /// <summary>
    /// Writes kept values to a file of comma-separated values, in long form: a row a number, with the columns <c>kept</c> (its name),
    /// <c>run</c>, one for each axis (<c>layer</c>, <c>head</c>, <c>prompt</c>, …), <c>value</c>, and in the changed run <c>change</c>,
    /// that less the unchanged value. An axis of positions has three: <c>pos</c> (the token's index in the prompt), <c>pos_name</c> and
    /// <c>pos_token</c>. Padding has no rows; a cell is empty where a value has no such axis.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    /// <param name="kept">The names of what is written. Default: everything, with the gradients of parameters.</param>
    /// <exception cref="KeyNotFoundException">Nothing is kept under a name.</exception>
    public void SaveCsv(string path, params string[] kept) => CsvFile.Write(path, LongFormat.Of(this, kept));

    /// <summary>Reads a file that <see cref="Save(string)"/> wrote, memory-mapped, on the CPU.</summary>
    /// <param name="path">The file. While the result lives, the file may be replaced, but not written into.</param>
    /// <exception cref="ResultFileException">
    /// The file is missing, malformed, no result of a run, or one of another version of the format.
    /// </exception>
    public static RunResult Load(string path)
    {
        using SafeTensorFile file = ResultFileException.Open(path);
        ResultLayout layout = ResultLayout.Of(file);
        using DisposeScope scope = NewDisposeScope();
        return new RunResult(layout, Detached(layout.Tensors.ToDictionary(name => name, file.Read)));
    }

    /// <summary>Reads the result of one declaration. Called by generated code.</summary>
    /// <param name="path">The file.</param>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="kept">The names of its captures, gradients and metrics.</param>
    /// <param name="placeholders">Its placeholders, in order.</param>
    /// <exception cref="ResultFileException">
    /// The file is missing, malformed, no result of a run, or one of another version of the format.
    /// </exception>
    /// <exception cref="InterventionException">It is the result of another declaration, or of another state of this one.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static RunResult Load(string path, string declaration, IEnumerable<string> kept, IEnumerable<string> placeholders)
    {
        RunResult result = Load(path);
        ResultLayout layout = result.Layout;
        string[] saved = [.. layout.Kept.Select(one => one.Name)], axes = [.. layout.Sweep.SelectMany(axis => axis.Placeholders)];
        string? difference =
            layout.Declaration != declaration ? $"is a result of '{layout.Declaration}', not of '{declaration}'"
            : !saved.ToHashSet().SetEquals(kept) ? $"kept {List(saved)}, and '{declaration}' keeps {List(kept)} by now"
            : axes.SequenceEqual(placeholders) ? null
            : $"was swept over {List(axes)}, and '{declaration}' is swept over {List(placeholders)} by now";
        if (difference is null)
            return result;
        result.Dispose();
        throw new InterventionException($"'{path}' {difference}.");

        static string List(IEnumerable<string> names) => names.DefaultIfEmpty("nothing").Aggregate((list, name) => $"{list}, {name}");
    }

    /// <summary>The result of one run over all prompts, from the results of its batches, which their owners dispose.</summary>
    internal static RunResult Join(IReadOnlyList<RunResult> batches)
    {
        ResultLayout layout = ResultLayout.Join([.. batches.Select(batch => batch.Layout)]);
        using DisposeScope scope = NewDisposeScope();
        // A model that looks ahead has batches of prompts of one length, which are not neighbours in the set.
        ImmutableArray<int> prompts = [.. batches.SelectMany(batch => batch.Prompts)];
        int[] rows = [.. Enumerable.Range(0, prompts.Length).OrderBy(row => prompts[row])];
        Dictionary<string, Tensor> tensors = [];
        foreach (KeptLayout kept in layout.Kept)
        {
            int axis = layout.BatchAxis(kept, isChanged: true);
            tensors[kept.Name] = Join(batches, kept.Name, axis, rows);
            foreach (string name in layout.KeptRuns.Select(run => ResultLayout.Of(run, kept.Name)))
                tensors[name] = Join(batches, name, layout.BatchAxis(kept, isChanged: false), rows);
            if (!kept.IsMasked)
                continue;
            string mask = ResultLayout.MaskOf(kept.Name);
            long[][] extents = [.. batches.SelectMany(
                batch => RaggedMask.Extents(batch.Saved(mask), batch.Saved(kept.Name).shape.AsSpan(axis)))];
            tensors[mask] = RaggedMask.Of([.. rows.Select(row => extents[row])], batches[0].Saved(kept.Name).device);
        }
        foreach (string gradient in layout.Parameters.Select(ResultLayout.GradientOf))
            tensors[gradient] = batches.Skip(1)
                .Aggregate(batches[0].Saved(gradient).clone(), (sum, batch) => sum.plus_(batch.Saved(gradient)));
        return new RunResult(layout, Detached(tensors));
    }

    /// <summary>Frees the tensors, also those of changes and means.</summary>
    public void Dispose()
    {
        _tensors.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// What was kept, with its axes and its mean in every run, what the writes did, and the warnings: tables of at most 80 columns.
    /// </summary>
    public override string ToString() =>
        _tensors.IsDisposed ? $"{Layout.Declaration}: a result that is disposed" : KeptTable.OfRun(this);

    /// <summary>The value kept under a name, of a declaration without a sweep; owned by the result. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected Tensor Get(string name) => Changed(name).Values;

    /// <summary>The value kept under a name, with the sweep's axes. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected SweptTensor GetSwept(string name) => Changed(name);

    /// <summary>The value kept under a name at several layers, of a declaration without a sweep. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected LayerStack GetStack(string name) => Layers(name);

    /// <summary>
    /// The mask of the real entries of a captured value or gradient, see <see cref="KeptTensor.Mask"/>; owned by the result. Called by
    /// generated code.
    /// </summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected Tensor GetMask(string name) => Changed(name).Mask
        ?? throw new KeyNotFoundException($"'{name}' is a metric: it has one number a prompt, and no mask.");

    /// <inheritdoc cref="Gradient"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected Tensor GetGradient(string parameter) => Gradient(parameter);

    /// <summary>The values in an unchanged run. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected TRun Of<TRun>(string run)
        where TRun : UnchangedRun, new() => new() { Result = this, Name = run };

    /// <summary>A kept value with its axes.</summary>
    /// <param name="kept">The kept value.</param>
    /// <param name="run">The unchanged run; <see langword="null"/> for the changed one.</param>
    internal KeptContent Content(KeptLayout kept, string? run) =>
        _contents.GetOrAdd(run is null ? kept.Name : ResultLayout.Of(run, kept.Name), key =>
        {
            int tokens = Layout.Runs.IndexOf(run is null ? Layout.BaseRun : KeptRun(run));
            return new KeptContent(kept.Name, key, Saved(key), Layout.Axes(kept, isChanged: run is null), _tensors)
            {
                Sweep = run is null || kept.IsSwept ? Layout.Sweep : [],
                Layers = kept.Layers,
                Mask = kept.IsMasked ? Saved(ResultLayout.MaskOf(kept.Name)) : null,
                Baseline = Layout.KeptRuns.Contains(Layout.BaseRun) ? Saved(ResultLayout.Of(Layout.BaseRun, kept.Name)) : null,
                UnkeptBase = Layout.KeptRuns.Contains(Layout.BaseRun) ? null : Layout.BaseRun,
                Prompts = [.. Layout.Tokens.Select(prompt => new PromptPlaces(prompt.Runs[tokens], Layout.Positions))],
            };
        });

    /// <summary>The layout of a kept value.</summary>
    /// <exception cref="KeyNotFoundException">Nothing is kept under that name.</exception>
    internal KeptLayout Find(string name) => Layout.Kept.FirstOrDefault(kept => kept.Name == name)
        ?? throw new KeyNotFoundException($"Nothing is kept under '{name}'; there is {Names()}.");

    private string Names() => string.Join(", ", Layout.Kept.Select(kept => kept.Name).DefaultIfEmpty("nothing"));

    /// <summary>A run of which values were kept.</summary>
    private string KeptRun(string run) => Layout.KeptRuns.Contains(run) ? run : throw new KeyNotFoundException(Layout.Runs.Contains(run)
        ? $"Nothing was kept of run '{run}': {nameof(RunOptions)}.{nameof(RunOptions.KeptRuns)} did not name it."
        : $"There is no run '{run}'; there is {string.Join(", ", Layout.KeptRuns)}.");

    /// <summary>The tensors, out of every dispose scope.</summary>
    private static Dictionary<string, Tensor> Detached(Dictionary<string, Tensor> tensors)
    {
        foreach (Tensor tensor in tensors.Values)
            tensor.DetachFromDisposeScope();
        return tensors;
    }

    /// <summary>Joins along the axis of prompts, in the order of <paramref name="rows"/>; shorter batches are padded with zeros.</summary>
    private static Tensor Join(IReadOnlyList<RunResult> batches, string name, int axis, int[] rows)
    {
        Tensor[] parts = [.. batches.Select(batch => batch.Saved(name))];
        for (int other = axis + 1; other < parts[0].shape.Length; other++)
        {
            long longest = parts.Max(part => part.shape[other]);
            parts = [.. parts.Select(part => RaggedBatch.PadAfter(part, other, longest))];
        }
        return rows.SequenceEqual(Enumerable.Range(0, rows.Length))
            ? cat(parts, axis)
            : cat(parts, axis).index_select(axis, tensor(rows.Select(row => (long)row).ToArray(), device: parts[0].device));
    }
}
