using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>An axis of a kept value, with what stands along it.</summary>
/// <param name="Name">The name in the result: no two axes of a value share one.</param>
/// <param name="Kind">What it counts.</param>
/// <param name="Labels">What stands along it, in order; empty for indices from 0.</param>
internal sealed record ResultAxis(string Name, ResultAxisKind Kind, ImmutableArray<string> Labels)
{
    /// <summary>Whether it counts tokens of the prompts.</summary>
    public bool IsPositional { get; init; }

    /// <summary>What stands at an index.</summary>
    public string Label(int index) => Labels.IsEmpty ? index.ToString(CultureInfo.InvariantCulture) : Labels[index];
}

/// <summary>What an axis of a kept value counts.</summary>
internal enum ResultAxisKind
{
    /// <summary>Coordinates of a placeholder.</summary>
    Sweep,

    /// <summary>The layers that a capture stacks.</summary>
    Layer,

    /// <summary>The prompts.</summary>
    Batch,

    /// <summary>Something of the value itself.</summary>
    Own,
}

/// <summary>A kept value as its printing and its computations need it: the tensor, its axes, and the result that owns it.</summary>
/// <param name="Name">Its name, for titles.</param>
/// <param name="Key">Its name among the result's tensors.</param>
/// <param name="Values">The tensor.</param>
/// <param name="Axes">Its axes, outermost first.</param>
/// <param name="Owner">The result's tensors.</param>
internal sealed record KeptContent(string Name, string Key, Tensor Values, ImmutableArray<ResultAxis> Axes, ResultTensors Owner)
{
    /// <summary>The coordinates of the sweep's axes, which come first.</summary>
    public ImmutableArray<SweepAxis> Sweep { get; init; } = [];

    /// <summary>The layers of the axis that stacks them; empty where none does.</summary>
    public ImmutableArray<int> Layers { get; init; } = [];

    /// <summary>The real entries of the axes from that of prompts on; <see langword="null"/> where all are.</summary>
    public Tensor? Mask { get; init; }

    /// <summary>
    /// The values in the unchanged run: of the same axes, or without the sweep's. <see langword="null"/> for a change, whose measure is 0.
    /// </summary>
    public Tensor? Baseline { get; init; }

    /// <summary>The run that changes are measured from, if nothing was kept of it; else <see langword="null"/>.</summary>
    public string? UnkeptBase { get; init; }

    /// <summary>The prompts in the run, for the tokens at positions.</summary>
    public ImmutableArray<PromptPlaces> Prompts { get; init; } = [];

    /// <summary>The place of the axis of prompts; −1 where they were averaged.</summary>
    public int BatchAxis => Axes.ToList().FindIndex(axis => axis.Kind == ResultAxisKind.Batch);

    /// <summary>How many axes come before those that every prompt has: the sweep's and that of layers.</summary>
    public int LeadingAxes => Axes.Count(axis => axis.Kind is ResultAxisKind.Sweep or ResultAxisKind.Layer);

    /// <summary>The values less those of the unchanged run.</summary>
    /// <exception cref="InvalidOperationException">Nothing was kept of that run.</exception>
    public KeptContent Change() => UnkeptBase is null ? Changed() : throw new InvalidOperationException(
        $"There is no change of '{Name}': nothing was kept of run '{UnkeptBase}', which {nameof(RunOptions)}.{nameof(RunOptions.KeptRuns)} "
        + "did not name.");

    private KeptContent Changed() => this with
    {
        Name = $"{Name}.Change",
        Key = $"{Key}.change",
        Baseline = null,
        Values = Owner.Derived(
            $"{Key}.change", () => Baseline is null ? Values.alias() : Arithmetic(Values).sub(Arithmetic(Baseline)).to(Kept(Values))),
    };

    /// <summary>The mean over prompts; at places that only longer prompts have, over those.</summary>
    public KeptContent Mean()
    {
        int batch = BatchAxis;
        if (batch < 0)
            return this;
        return this with
        {
            Name = $"{Name}.Mean()",
            Key = $"{Key}.mean",
            Axes = Axes.RemoveAt(batch),
            Prompts = Prompts.Length == 1 ? Prompts : [],
            Values = Owner.Derived($"{Key}.mean", () => Over(Values, batch)),
            Mask = Mask is null ? null : Owner.Derived($"{Key}.mean.mask", () => Mask.any(0)),
            // A baseline that has no point of the sweep lacks the sweep's axes.
            Baseline = Baseline is null ? null : Owner.Derived(
                $"{Key}.mean.baseline",
                () => Over(Baseline, Baseline.shape.Length == Values.shape.Length ? batch : batch - Sweep.Length)),
        };

        Tensor Over(Tensor values, int axis)
        {
            Tensor sum = Arithmetic(values).sum(axis);
            Tensor mean = Mask is null
                ? sum.over(values.shape[axis])
                : sum.div(Mask.sum(0L, type: ScalarType.Int64).at_least(1L));
            return mean.to(Kept(values));
        }
    }

    /// <summary>
    /// Means without padding, of everything but some axes: its zeros add nothing to a sum, and the count leaves them out. Float64.
    /// </summary>
    /// <param name="values">These values, or their absolute ones.</param>
    /// <param name="kept">The axes that are kept, in order.</param>
    public double[] Means(Tensor values, params int[] kept)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] others = [.. Enumerable.Range(0, Axes.Length).Where(axis => !kept.Contains(axis)).Select(axis => (long)axis)];
        long[] shape = Values.shape;
        Tensor sum = others.Length == 0 ? values.to(ScalarType.Float64) : values.sum(others, type: ScalarType.Float64);
        Tensor real = Mask is null || others.Length == 0
            ? tensor((double)others.Aggregate(1L, (product, axis) => product * shape[axis]), device: values.device)
            : Mask.expand(shape).sum(others, type: ScalarType.Float64);
        return [.. sum.div(real).flatten().cpu().data<double>()];
    }

    /// <summary>Values that can be added up without loss: half precision and truth values as float32, whole numbers as float64.</summary>
    private static Tensor Arithmetic(Tensor values) => values.dtype switch
    {
        ScalarType.Float32 or ScalarType.Float64 => values,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Bool => values.to(ScalarType.Float32),
        _ => values.to(ScalarType.Float64),
    };

    /// <summary>The type of differences and means: the values' own, where it has fractions.</summary>
    private static ScalarType Kept(Tensor values) =>
        values.is_floating_point() ? values.dtype : values.dtype == ScalarType.Bool ? ScalarType.Float32 : ScalarType.Float64;
}
