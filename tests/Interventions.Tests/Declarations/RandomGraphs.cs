using System.Collections.Immutable;
using System.Reflection;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Runtime;
using Interventions.Torch;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Random graphs on <see cref="ToyModel"/>: every kind of write and read, awkward names and numbers.</summary>
internal static class RandomGraphs
{
    private static readonly Tensor s_first = arange(1, ToyModel.Width + 1, dtype: float64).DetachFromDisposeScope();
    private static readonly Tensor s_second = ones(1, dtype: float64).DetachFromDisposeScope();

    private static readonly Gen<string> s_name = Gen.Elements(
        "Patch", "x", "Ünï", "a\"b", "back\\slash", "{brace}", "S1+1 <b>&#`;", "line\nbreak", "");
    private static readonly Gen<string?> s_run = Gen.Elements<string?>(null, "clean", "corrupted");
    private static readonly Gen<string> s_site = Gen.Elements(
        "embed", "embed[pos=mid,end]", "blocks.{layer}.z[head={head}; pos=end]", "blocks.*.z", "logits");
    private static readonly Gen<double> s_number = Gen.Elements(
        0, -0.0, 0.1, -2, 1e300, double.Epsilon, 1.0 / 3, double.NaN, double.PositiveInfinity, double.NegativeInfinity);
    private static readonly Gen<Tensor> s_tensor = Gen.Elements(s_first, s_second);

    /// <summary>A value of every type that kinds and reads are made of.</summary>
    private static readonly Dictionary<Type, Gen<object?>> s_values = new()
    {
        [typeof(string)] = s_run.Select(run => (object?)run),
        [typeof(int)] = Gen.Choose(int.MinValue, int.MaxValue).Select(number => (object?)number),
        [typeof(bool)] = Gen.Elements(true, false).Select(truth => (object?)truth),
        [typeof(double)] = s_number.Select(number => (object?)number),
        [typeof(EquatableArray<string>)] = Some(s_name).Select(names => (object?)new EquatableArray<string>(names)),
        [typeof(IPromptSet)] = Gen.Elements<object?>(null, ToyPrompts.Random(1, 3), ToyPrompts.Random(2, 3)),
        [typeof(Tensor)] = s_tensor.Select(tensor => (object?)tensor),
        [typeof(SharedNode)] = s_name.Select(name => (object?)new SharedNode(
            name, new([new Read.Of("embed"), new Read.From("clean", "blocks.0.out")]), Body())),
        // What a mask mixes in.
        [typeof(WriteKind)] = Gen.Elements<object?>(
            new WriteKind.Zero(), new WriteKind.Copy("clean"), new WriteKind.Mean(null, Pooled: true), new WriteKind.Resample("clean", 3)),
    };

    /// <summary>Any kind that there is: a new one is here by itself.</summary>
    public static Gen<WriteKind> Kind { get; } = Gen.OneOf(Concrete<WriteKind>().Select(Any<WriteKind>));

    /// <summary>Any read that there is.</summary>
    public static Gen<Read> Read { get; } = Gen.OneOf(Concrete<Read>().Select(Any<Read>));

    private static readonly Gen<ImmutableArray<Read>> s_reads = Gen.Choose(0, 3).SelectMany(count => Gen.ArrayOf(Read, count)).Select(
        reads => reads.ToImmutableArray());

    private static readonly Gen<WriteNode> s_single = Gen.OneOf(
        from name in s_name
        from site in s_site
        from kind in Kind
        from run in Gen.Elements<string?>(
            null, "direct")
        select new WriteNode(name, site, kind, run),
        from name in s_name
        from site in s_site
        from reads in s_reads
        from promises in Gen.Choose(0, 3)
        select new WriteNode(name, site, reads, Body(), "direct") { Pointwise = promises > 1, AcrossBatch = promises % 2 == 1 },
        from name in s_name
        from site in s_site
        from reads in s_reads
        from shape in Some(s_name)
        select new WriteNode(
            name, site, reads, Body())
        { Shape = shape });

    private static readonly Gen<WriteNode> s_write = Gen.OneOf(
        s_single,
        from first in s_single
        from second in s_single
        from body in Gen.Elements(true, false)
        select WriteNode.Fuse(
            first, second.Kind is { } kind ? new WriteNode(
                second.Name, first.Site, kind, first.Run) : new WriteNode(second.Name, first.Site, second.Reads, second.Body, first.Run)));

    /// <summary>Any graph.</summary>
    public static Gen<InterventionGraph> Graph { get; } =
        from name in s_name
        from model in s_run
        from changes in s_run
        from writes in Some(s_write)
        from captures in Some(
            from name in s_name
            from site in s_site
            from reads in s_reads
            from before in Gen.Elements(
                true,
                false)
            from across in Gen.Elements(
                    true, false)
            select new CaptureNode(name, site, reads, Body(), before) { AcrossBatch = across })
        from gradients in Some(
            from name in s_name
            from site in s_site
            from reads in s_reads
            from metric in s_run
            select new GradientNode(
                name, site, reads, Body(), metric)
            { AcrossBatch = metric is null })
        from metrics in Some(
            from name in s_name
            from reads in s_reads
            from across in Gen.Elements(
                true, false)
            select new MetricNode(name, reads, Body()) { AcrossBatch = across })
        from parameters in Some(
            from name in s_name from tensor in s_tensor from metric in s_run select new ParameterNode(name, tensor, metric))
        from sweeps in Some(Gen.OneOf(
            from name in s_name from values in Some(s_number) select SweepAxis.OfNumbers(name, [.. values]),
            from name in s_name from values in Some(s_name) select SweepAxis.OfRuns(name, [.. values]),
            from numbers in Some(s_number)
            from texts in Some(Gen.Elements("mid", "S1+1", "corrupted"))
            select new SweepAxis(
                "a, b", [.. numbers.Zip(texts, (number, text) => SweepCoordinate.OfPoint([number, text]))])))
        from splices in Some(
            from name in s_name
            from site in s_site
            from both in Gen.Elements(true, false)
            from reads in s_run
            from features in Gen.Elements<int?>(null, 7)
            from before in Gen.Choose(0, 3)
            select new SpliceNode(name, site, both ? [new Same(), new Same()] : [new Same()], reads, both, features, before))
        from shapes in Some(
            from name in s_name from tensor in s_tensor from axes in Some(s_name) select new ShapedTensor(name, tensor, axes))
        from runs in Some(from name in s_name from of in s_run select new DerivedRun(name, of))
        select new InterventionGraph
        {
            Name = name,
            ModelFingerprint = model,
            PromptFingerprint = changes,
            Changes = changes,
            Splices = splices,
            Sweeps = sweeps,
            Runs = [.. runs.Append(new DerivedRun("direct", changes)).DistinctBy(run => run.Name)],
            Writes = writes,
            Captures = captures,
            Gradients = gradients,
            Metrics = metrics,
            Parameters = parameters,
            Shapes = shapes,
        };

    /// <summary>Every sealed type of a hierarchy.</summary>
    public static IEnumerable<Type> Concrete<T>() =>
        typeof(T).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(T)) && !type.IsAbstract);

    private static Gen<ImmutableArray<T>> Some<T>(Gen<T> one) =>
        Gen.Choose(0, 3).SelectMany(count => Gen.ArrayOf(one, count)).Select(all => all.ToImmutableArray());

    private static Gen<T> Any<T>(Type type)
    {
        ConstructorInfo constructor = type.GetConstructors().Single();
        Gen<object?>[] arguments = [.. constructor.GetParameters().Select(Argument)];
        return Gen.CollectToArray(arguments).Select(values => (T)constructor.Invoke(values));

        // What is no nullable text is always there.
        static Gen<object?> Argument(ParameterInfo parameter) =>
            parameter.ParameterType == typeof(string)
                && new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.NotNull
                ? s_name.Select(name => (object?)name)
                : s_values[parameter.ParameterType];
    }

    private sealed class Same : ISplice
    {
        public int Features => ToyModel.Width;

        public Tensor Encode(Tensor x) => x;

        public Tensor Decode(Tensor features, Tensor x) => features;
    }

    /// <summary>A method of its own: no two are equal.</summary>
    private static Interventions.Runtime.MethodBody Body()
    {
        object own = new();
        return x => own is null ? x[0] : x[^1];
    }
}
