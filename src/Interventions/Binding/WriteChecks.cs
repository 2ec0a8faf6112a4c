using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>Refuses writes that read a value of their own run before it exists.</summary>
internal static class CausalityChecks
{
    /// <exception cref="InterventionException">What a write reads is not computed before what it writes.</exception>
    public static void Check(BoundIntervention intervention, ModelGraph graph)
    {
        Dictionary<string, int> order = graph.Nodes.Select((node, i) => (node.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i);
        foreach (BoundWrite write in intervention.Writes.SelectMany(write => write.Declared))
            foreach (BoundRead.Of of in write.Reads.OfType<BoundRead.Of>())
                foreach (SweepPoint point in intervention.Points())
                    if (order[of.Site.Names(point).Single()] >= write.Site.Names(point).Min(node => order[node]))
                    {
                        string later = Sentences.Of(Sentences.ExistsLater, of.Site.Text);
                        throw new InterventionException(
                            $"{write.Site.Where}: {Sentences.Of(Sentences.LaterValue, write.Site.Text, later)}.");
                    }
    }
}

/// <summary>
/// Measures the tensors of a declaration's properties: a written tensor broadcasts to its site, and each has the shape that is declared.
/// </summary>
/// <param name="graph">What the declaration says.</param>
/// <param name="intervention">The same, bound.</param>
/// <param name="prompts">The prompts.</param>
/// <param name="isOneBatch">Whether all prompts are run together.</param>
/// <param name="newTokens">How many tokens are generated; <see langword="null"/> for a run.</param>
internal sealed class TensorChecks(
    InterventionGraph graph, BoundIntervention intervention, IPromptSet prompts, bool isOneBatch, int? newTokens)
{
    private readonly SweepPoint _point = intervention.Points().First();

    /// <summary>The prompts at every pass: once; and again at each step, the last generated token excepted, which is not read.</summary>
    private readonly PromptBatch[] _passes =
    [
        PromptBatch.All(prompts),
        .. Enumerable.Range(0, (newTokens ?? 1) - 1).Select(step => PromptBatch.All(prompts).At(step)),
    ];

    /// <exception cref="InterventionException">A tensor does not fit.</exception>
    public void Check(ModelSchema schema)
    {
        Dictionary<Tensor, Length[]> written = new(ReferenceEqualityComparer.Instance);
        foreach (BoundWrite write in intervention.Writes.SelectMany(write => write.Declared))
        {
            string where = $"{graph.Name}.{write.Node.Name}";
            if (!write.Node.Shape.IsDefault
                && DeclaredShape.NotBroadcast(write.Node.Shape, write.Site.Definition.Axes, write.Site.Text) is { } wrong)
                throw new InterventionException($"{where}: {wrong}.");
            foreach (Tensor tensor in write.Node.Kind?.Tensors ?? [])
            {
                if (tensor is null)
                    throw new InterventionException($"{where} is null; it must be a tensor.");
                written[tensor] = CheckWritten(tensor, write, Lengths(write), where);
            }
        }
        foreach (ShapedTensor shaped in graph.Shapes)
            if (shaped.Value is null)
                throw new InterventionException($"{graph.Name}.{shaped.Name} is null; it must be a tensor.");
            else
                CheckDeclared(shaped, written.GetValueOrDefault(shaped.Value), schema, $"{graph.Name}.{shaped.Name}");
    }

    /// <summary>Looks at the numbers of written tensors. Infinite ones may be meant: in attention scores they mask.</summary>
    /// <exception cref="InterventionException">A tensor holds what is no number, or is a direction without length.</exception>
    public static void CheckNumbers(BoundIntervention intervention)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (BoundWrite write in intervention.Writes.SelectMany(write => write.Declared))
        {
            string where = $"{intervention.Name}.{write.Node.Name}";
            foreach (Tensor tensor in write.Node.Kind?.Tensors ?? [])
            {
                if (tensor is null || tensor.device_type == DeviceType.META)
                    continue;
                if (tensor.detach().isnan().any().item<bool>())
                    throw new InterventionException($"{where} holds NaN, which is no number: look at what it was computed from.");
                bool isDirection = write.Node.Kind is WriteKind.ProjectOut or WriteKind.ProjectOnto;
                if (isDirection && tensor.shape.Length > 0 && !tensor.detach().to_type(ScalarType.Bool).any(-1).all().item<bool>())
                    throw new InterventionException(
                        $"{where} is zero, so it has no direction along which '{write.Site.Text}' could be projected: "
                        + "give it another value, or leave the write out.");
            }
        }
    }

    /// <summary>How long the axes of a selection are: one length, the lengths of several prompts or passes, or unknown (none).</summary>
    private Length[] Lengths(BoundWrite write)
    {
        BoundSite site = write.Site;
        int run = intervention.TokensOf(write);
        PromptBatch[] passes = [.. _passes.Where(pass => site.AppliesAt(pass.Step, _point))];
        return [.. site.Definition.Axes.Select((name, axis) => new Length(name, SizesOf(axis)))];

        // Prompts that are run in several batches, or length by length, have no tensor for all of them.
        ImmutableArray<int> SizesOf(int axis) =>
            axis == 0
                ? [isOneBatch && passes.All(pass => pass.RowGroups(write.Selected).Count() == 1) ? prompts.Prompts.Count : 1]
            : site.IsPositional(axis)
                ? [.. passes.SelectMany(pass => pass.Rows.Select(row => pass.Positions(site, axis, _point, run, row).Count)).Distinct()]
            : site.Sizes[axis] is int size ? [site.FixedIndices(axis, _point, size).Count]
            : [];
    }

    /// <summary>Checks a tensor that is written, and returns the lengths of the axes that it may have.</summary>
    private static Length[] CheckWritten(Tensor tensor, BoundWrite write, Length[] lengths, string where)
    {
        if (write.Node.Kind is WriteKind.Mix { Axes.Count: > 0 } mix)
        {
            if (write.Site.IsStacked)
                lengths = [new Length(MaskAxes.Layer, [write.Site.Names(SweepPoint.None).Count()]), .. lengths];
            Length[] selected = [.. mix.Axes.Select(name => lengths.First(length => length.Axis == name))];
            if (!mix.Mask.shape.Zip(selected, (size, length) => length.Allows(size)).All(fits => fits))
                throw new InterventionException(
                    $"{where} is {Shapes.Describe(mix.Mask)}, and along its axes '{write.Site.Text}' selects {List(selected)}.");
            return lengths;
        }
        long[] shape = tensor.shape;
        bool isDirection = write.Node.Kind is WriteKind.ProjectOut or WriteKind.ProjectOnto;
        bool fits = shape.Length <= lengths.Length && Enumerable.Range(1, shape.Length).All(i =>
            (shape[^i] == 1 && !(isDirection && i == 1)) || lengths[^i].Allows(shape[^i]));
        if (!fits || (isDirection && shape.Length == 0))
            throw new InterventionException(
                $"{where} is {Shapes.Describe(tensor)}, which does not {(isDirection ? "lie along the last axis of" : "broadcast to")} " +
                $"the values that '{write.Site.Text}' selects, {List(lengths)}.");
        return lengths;
    }

    private static void CheckDeclared(ShapedTensor shaped, Length[]? written, ModelSchema schema, string where)
    {
        if (DeclaredShape.Unknown(shaped.Axes, schema) is { } unknown)
            throw new InterventionException($"{where}: {unknown}.");
        Length[] declared = [.. shaped.Axes.Select(axis =>
            axis == DeclaredShape.Repeated ? new Length(axis, [1])
            : written?.LastOrDefault(length => length.Axis == axis) ?? new Length(axis, schema.SizeOf(axis) is int size ? [size] : []))];
        long[] shape = shaped.Value.shape;
        if (shape.Length != declared.Length || !shape.Zip(declared, (size, length) => length.Allows(size)).All(fits => fits))
            throw new InterventionException($"{where} is {Shapes.Describe(shaped.Value)}, and its [Shape] says {List(declared)}.");
    }

    private static string List(IEnumerable<Length> lengths) => DeclaredShape.List(lengths.Select(length => length.ToString()));

    /// <summary>An axis and its length: one, several (of several prompts, so that no tensor fits), or none where it is not known.</summary>
    private sealed record Length(string Axis, ImmutableArray<int> Sizes)
    {
        public bool Allows(long size) => Sizes.IsEmpty || (Sizes is [int only] && only == size);

        public override string ToString() =>
            Sizes.IsEmpty || Axis == DeclaredShape.Repeated ? Axis : $"{Axis}={string.Join('|', Sizes.Order())}";
    }
}
