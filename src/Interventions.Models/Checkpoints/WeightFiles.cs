using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>Translates weights between the tensors that a family stores and the canonical ones.</summary>
internal static class WeightFiles
{
    /// <summary>Reads all weights of a decoder, and refuses files with tensors that the decoder does not have.</summary>
    /// <exception cref="CheckpointException">A tensor is missing, has the wrong shape, or is not part of the decoder.</exception>
    public static Dictionary<string, Tensor> Read(
        ITensorSource files, StoredLayout layout, DecoderConfig config, ScalarType dtype, Device device)
    {
        if (config.Layers > files.Names.Count)
        {
            throw new CheckpointException(files.Path,
                $"holds {files.Names.Count} tensors, too few for the {config.Layers} layers of its configuration.");
        }
        Dictionary<string, long[]> shapes = DecoderWeights.Shapes(config).ToDictionary(weight => weight.Name, weight => weight.Shape);
        HashSet<string> unread = [.. files.Names];
        Dictionary<string, Tensor> weights = [];
        try
        {
            foreach (WeightSource source in layout.Weights)
            {
                using DisposeScope scope = NewDisposeScope();
                long[] shape = shapes[source.Weight];
                string[] names = [.. source.Parts.Select(part => NameOf(files, layout.Prefix, part, shape, source.Transposed))];
                unread.ExceptWith(names);
                Tensor whole = Whole(files, source, names, shape, dtype, device);
                weights.Add(source.Weight, DecoderWeights.Own(whole, dtype, device));
            }
            string[] strange = [.. unread.Where(name => !layout.Ignores(name)).Order(StringComparer.Ordinal)];
            string some = string.Join(", ", strange.Take(5)) + (strange.Length > 5 ? ", …" : "");
            if (strange.Length > 0)
            {
                throw new CheckpointException(files.Path,
                    $"holds {strange.Length} tensors that a {layout.ModelType} of this configuration does not have: {some}.");
            }
            return weights;
        }
        catch
        {
            foreach (Tensor weight in weights.Values)
                weight.Dispose();
            throw;
        }
    }

    /// <summary>The tensors as the family stores them. The caller owns them.</summary>
    public static Dictionary<string, Tensor> Stored(
        DecoderFamily family, DecoderConfig config, IReadOnlyDictionary<string, Tensor> weights)
    {
        Dictionary<string, Tensor> stored = [];
        foreach (WeightSource source in family.Weights(config))
        {
            using DisposeScope scope = NewDisposeScope();
            long begin = 0;
            foreach (WeightPart part in source.Parts)
            {
                Tensor weight = weights[source.Weight].detach();
                long rows = part.Rows ?? weight.shape[0];
                Tensor value = weight.narrow(0, begin, rows);
                begin += rows;
                stored.Add(part.Name, (source.Transposed ? value.t() : value).contiguous().alias().MoveToOuterDisposeScope());
            }
        }
        return stored;
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
        if (source.Parts is [{ PairedHeads: null }] && (files.IsMapped || !isProjection))
        {
            Tensor only = files.Read(names[0]);
            if (!isProjection || only.dtype == dtype)
                return source.Transposed ? only.t() : only;
        }
        Tensor whole = isProjection ? empty(shape[1], shape[0], dtype, device).t() : empty(shape, dtype, device);
        long begin = 0;
        foreach ((WeightPart part, string name) in source.Parts.Zip(names))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor value = files.Borrow(name);
            if (source.Transposed)
                value = value.t();
            Put(value, whole.narrow(0, begin, value.shape[0]), part.PairedHeads);
            begin += value.shape[0];
        }
        return whole;
    }

    /// <summary>Copies a part to its rows; those that are stored in pairs go half a head apart, see <see cref="WeightPart"/>.</summary>
    private static void Put(Tensor value, Tensor rows, int? pairedHeads)
    {
        if (pairedHeads is { } heads)
        {
            long pairs = value.shape[0] / heads / 2;
            long[] columns = value.shape[1..];
            value = value.view([heads, pairs, 2, .. columns]).transpose(1, 2);
            rows = rows.view([heads, 2, pairs, .. columns]);
        }
        rows.copy_(value);
    }

    /// <summary>The name under which a part is stored, if it is there and has the right shape.</summary>
    private static string NameOf(ITensorSource files, string prefix, WeightPart part, long[] whole, bool transposed)
    {
        string bare = part.Name.StartsWith(prefix, StringComparison.Ordinal) ? part.Name[prefix.Length..] : part.Name;
        string name = files.Names.Contains(part.Name) ? part.Name : files.Names.Contains(bare) ? bare
            : throw new CheckpointException(files.Path, $"has no tensor '{part.Name}', which its configuration asks for.");
        long[] rows = [part.Rows ?? whole[0], .. whole.AsSpan(1)];
        long[] expected = transposed ? [.. rows.Reverse()] : rows;
        long[] actual = files.ShapeOf(name);
        if (!actual.AsSpan().SequenceEqual(expected))
        {
            throw new CheckpointException(files.FileOf(name),
                $"holds '{name}' of shape [{string.Join(", ", actual)}]; its configuration asks for [{string.Join(", ", expected)}].");
        }
        return name;
    }
}
