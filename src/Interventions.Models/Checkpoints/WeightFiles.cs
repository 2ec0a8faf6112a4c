using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>Translates weights between the tensors that a family stores and the canonical ones.</summary>
internal static class WeightFiles
{
    /// <summary>A layer may have a tensor for each. No model has nearly as many.</summary>
    private const int MostExperts = 1 << 14;

    /// <summary>Reads all weights of a decoder, and refuses files with tensors that the decoder does not have.</summary>
    /// <param name="files">The files.</param>
    /// <param name="layout">Where they store the weights.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="how">What weights become, and which further tensors are left out.</param>
    /// <exception cref="CheckpointException">A tensor is missing, has the wrong shape, or is not part of the decoder.</exception>
    public static Dictionary<string, Tensor> Read(ITensorSource files, StoredLayout layout, DecoderConfig config, WeightReading how)
    {
        if (config.Layers > files.Names.Count)
        {
            throw new CheckpointException(files.Path,
                $"holds {files.Names.Count} tensors, too few for the {config.Layers} layers of its configuration.");
        }
        if (config.Experts is { Count: > MostExperts } experts)
            throw new CheckpointException(files.Path, $"has a configuration of {experts.Count} experts; {MostExperts} are possible.");
        Dictionary<string, long[]> shapes = DecoderWeights.Shapes(config).ToDictionary(weight => weight.Name, weight => weight.Shape);
        HashSet<string> unread = [.. files.Names];
        Dictionary<string, Tensor> weights = [];
        try
        {
            StoredNames stored = new(files, layout);
            foreach (WeightSource source in layout.Weights)
            {
                using DisposeScope scope = NewDisposeScope();
                long[] shape = shapes[source.Weight];
                string[] names = [.. source.Parts.Select(part => stored.Of(source, part, shape))];
                unread.ExceptWith(names);
                Tensor whole = Whole(files, source, names, shape, how.Dtype, how.Device);
                weights.Add(source.Weight, DecoderWeights.Own(whole, how.Dtype, how.Device));
            }
            unread.ExceptWith(stored.CheckedTwins());
            how.Ignored.Check(files.Path, layout.ModelType, unread.Where(name => !layout.Ignores(name)));
            return weights;
        }
        catch
        {
            foreach (Tensor weight in weights.Values)
                weight.Dispose();
            throw;
        }
    }

    /// <summary>The tensors as the family stores them: views where that is possible. The caller owns them.</summary>
    public static Dictionary<string, Tensor> Stored(
        DecoderFamily family, DecoderConfig config, IReadOnlyDictionary<string, Tensor> weights)
    {
        Dictionary<string, SortedList<int, Tensor>> slots = [];
        using DisposeScope scope = NewDisposeScope();
        foreach (WeightSource source in family.Weights(config))
        {
            Tensor weight = Rows(weights[source.Weight].detach());
            long begin = 0;
            foreach (WeightPart part in source.Parts)
            {
                long rows = part.Rows ?? weight.shape[0];
                Tensor value = weight.narrow(0, begin, rows);
                begin += rows;
                if (part.Order is { } order)
                    value = Reordered(value, order.Outer, order.Second, order.First);
                slots.TryAdd(part.Name, []);
                slots[part.Name].Add(part.Slot.Index, source.Transposed ? value.t() : value);
            }
        }
        return slots.ToDictionary(
            slot => slot.Key,
            slot => (slot.Value.Count == 1 ? slot.Value.Values[0] : cat([.. slot.Value.Values], 0)).alias().MoveToOuterDisposeScope());
    }

    private static bool IsProjection(string weight, long[] shape) =>
        shape.Length == 2 && weight is not "embed.weight" and not "pos_embed.weight";

    /// <summary>
    /// The weight of its parts: the only part itself where it can stay as it is, else a copy. A copied projection is laid out by input: its
    /// product with a few rows takes a quarter less time than laid out by output (measured; from 128 rows on there is no difference).
    /// </summary>
    private static Tensor Whole(
        ITensorSource files, WeightSource source, string[] names, long[] shape, ScalarType dtype, Device device)
    {
        bool isProjection = IsProjection(source.Weight, shape);
        if (source.Parts is [{ Order: null, Offset: 0, Shape: null } single] && (files.IsMapped || !isProjection))
        {
            Tensor only = InSlot(files.Read(names[0]), single);
            if (!isProjection || only.dtype == dtype)
                return source.Transposed ? only.t() : only;
        }
        Tensor whole = isProjection ? empty(shape[1], shape[0], dtype, device).t() : empty(shape, dtype, device);
        long begin = 0;
        Tensor all = Rows(whole);
        foreach ((WeightPart part, string name) in source.Parts.Zip(names))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor value = InSlot(files.Borrow(name), part);
            if (source.Transposed)
                value = value.t();
            value = value.reshape([-1, .. all.shape[1..]]);
            if (part.Order is { } order)
                value = Reordered(value, order.Outer, order.First, order.Second);
            if (part.Offset != 0)
                value = value.plus(part.Offset);
            all.narrow(0, begin, value.shape[0]).copy_(value);
            begin += value.shape[0];
        }
        return whole;
    }

    /// <summary>A stack of matrices as one matrix; any other weight as it is.</summary>
    private static Tensor Rows(Tensor weight) => weight.dim() == 3 ? weight.view(-1, weight.shape[2]) : weight;

    /// <summary>The rows of a stored tensor that are the part's.</summary>
    private static Tensor InSlot(Tensor stored, WeightPart part)
    {
        if (part.Slot.Count == 1)
            return stored;
        long rows = stored.shape[0] / part.Slot.Count;
        return stored.narrow(0, part.Slot.Index * rows, rows);
    }

    /// <summary>Rows that lie as <c>[outer, first, second, …]</c>, with the two in the middle in exchanged places.</summary>
    private static Tensor Reordered(Tensor rows, long outer, long first, long second)
    {
        long[] columns = rows.shape[1..];
        long inner = rows.shape[0] / (outer * first * second);
        return rows.reshape([outer, first, second, inner, .. columns]).transpose(1, 2).reshape(rows.shape);
    }
}
