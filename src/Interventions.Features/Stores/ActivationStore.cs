using System.Collections.Immutable;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Rows of a model's values at the positions of a corpus, in memory-mapped files of a folder: what dictionaries are trained on. The files
/// are safetensors (<c>input</c>, and of a transcoder <c>target</c>: <c>[row, d]</c>); <c>index.json</c> says what they were made from.
/// </summary>
/// <example><code>
/// using ActivationStore store = ActivationStore.Fill(model, corpus, "blocks.6.resid_post", "activations", new() { Rows = 1_000_000 });
/// foreach (ActivationBatch batch in store.Batches(4096, seed: 1).From(step: 0).Take(1000))
///     using (batch)
///         Train(batch.Input);
/// </code></example>
public sealed class ActivationStore : IDisposable
{
    private readonly StoreIndex _index;
    private readonly ImmutableArray<Tensor> _inputs, _targets;
    private readonly long[] _ends;

    /// <summary>Reads hold it shared, so that no file is unmapped under one.</summary>
    private readonly ReaderWriterLockSlim _use = new();
    private bool _isDisposed;

    private ActivationStore(string folder, StoreIndex index)
    {
        (Folder, _index) = (folder, index);
        long end = 0;
        _ends = [.. index.Shards.Select(rows => end += rows)];
        List<Tensor> inputs = [], targets = [];
        try
        {
            for (int i = 0; i < index.Shards.Length; i++)
            {
                using SafeTensorFile file = SafeTensorFile.Open(Path.Combine(folder, StoreIndex.ShardName(i)));
                inputs.Add(Mapped(file, StoreWriter.Input, index.Shards[i]));
                if (Target is not null)
                    targets.Add(Mapped(file, StoreWriter.Target, index.Shards[i]));
            }
        }
        catch
        {
            inputs.Concat(targets).ToList().ForEach(tensor => tensor.Dispose());
            throw;
        }
        (_inputs, _targets) = ([.. inputs], [.. targets]);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The site of the rows that are encoded.</summary>
    public string Site => _index["site"];

    /// <summary>The site of the rows that a transcoder reconstructs; null where it is the same.</summary>
    public string? Target => _index["target"] is "none" ? null : _index["target"];

    /// <summary>How many rows there are.</summary>
    public long Count => _index.Rows;

    /// <summary>The width of what is encoded, d_in.</summary>
    public int InputWidth => (int)_inputs[0].shape[1];

    /// <summary>The width of what is reconstructed, d_out.</summary>
    public int OutputWidth => _targets.IsEmpty ? InputWidth : (int)_targets[0].shape[1];

    /// <summary>The type of the stored numbers.</summary>
    public ScalarType Type => _inputs[0].dtype;

    /// <summary>
    /// Fills a store, and opens it. Where the work was stopped, for any reason, the next call with the same arguments goes on; where all
    /// rows are there, it only opens them. No row is missing or there twice, and the files are the same, byte by byte.
    /// </summary>
    /// <remarks>
    /// The corpus is read once, and each context goes through the model up to the last site that is needed. Whether the same work goes on
    /// is seen from the model's names and weights, the sites, the options, and the tokens of the contexts that were read already, which are
    /// made anew; not from how many threads compute.
    /// </remarks>
    /// <param name="model">The model. It must say its <see cref="HookedModel.WeightsFingerprint"/>.</param>
    /// <param name="corpus">The contexts.</param>
    /// <param name="site">
    /// One site, perhaps of some heads or neurons: <c>blocks.6.resid_post</c>, <c>blocks.6.attn.z[head=3]</c>. What it has at a position is
    /// one row.
    /// </param>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    /// <param name="options">How many rows, which positions are left out, and how rows are stored.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; files that are complete stay.</param>
    /// <exception cref="InterventionException">
    /// The model lacks the site, the folder has a store of something else, or no position of the corpus is taken.
    /// </exception>
    public static ActivationStore Fill(
        HookedModel model, Corpus corpus, string site, string folder, StoreOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new();
        ActivationReader reader = new(model, corpus, site, options);
        StoreWriter.Fill(folder, reader, StoreIndex.Of(reader, model, options), options, cancellationToken);
        return Open(folder);
    }

    /// <summary>Opens a store with the rows that it has so far.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="InterventionException">There is no store in it, it is malformed, or it has no rows.</exception>
    public static ActivationStore Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        StoreIndex index = StoreIndex.Read(folder) ?? throw new InterventionException(
            $"There is no store in '{folder}': {nameof(ActivationStore)}.{nameof(Fill)} makes one.");
        if (index.Rows > 0)
            return new ActivationStore(folder, index);
        string why = (index.IsWhole, index.Contexts) switch
        {
            (false, _) => " yet.",
            (_, 0) => ": its corpus has no text.",
            _ => $": all positions of its corpus are left out, {index["left out"]} (see {nameof(ActivationOptions)}."
                + $"{nameof(ActivationOptions.LeftOut)}).",
        };
        throw new InterventionException($"The store '{folder}' has no rows{why}");
    }

    /// <summary>
    /// Batches of all rows in an order that the seed draws anew for each time through the store; a batch may begin in one and end in the
    /// next. They do not end: take as many as are needed. Two threads may go through them at once.
    /// </summary>
    /// <remarks>They are read on a thread of their own, two ahead. Half precision comes as float32.</remarks>
    /// <param name="size">How many rows a batch has.</param>
    /// <param name="seed">The same seed gives the same batches.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is less than one, or more than there are rows.</exception>
    public IActivationBatches Batches(int size, long seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Count);
        return new ShuffledBatches(this, size, seed);
    }

    /// <summary>Some rows, in any order.</summary>
    /// <param name="numbers">Their numbers, from 0, in the order of the files.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="ObjectDisposedException">The store is disposed of.</exception>
    public ActivationBatch Read(IReadOnlyList<long> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        _use.EnterReadLock();
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            ILookup<int, (int Place, long Row)> byShard = numbers.Select((number, place) => (place, number))
                .ToLookup(row => ShardOf(row.number), row => (row.place, row.number));
            Tensor input = Rows(_inputs, byShard, numbers.Count);
            return new ActivationBatch(input, _targets.IsEmpty ? input : Rows(_targets, byShard, numbers.Count));
        }
        finally
        {
            _use.ExitReadLock();
        }
    }

    /// <summary>Of what the rows are, and how many there are.</summary>
    public override string ToString() => new TextTable(new("store", false), new(Folder, false))
        .Add("rows", $"{Count}, {InputWidth} wide{(Target is null ? "" : $" to {OutputWidth}")}, {Type}")
        .Add("of", Target is null ? Site : $"{Site} to {Target}")
        .Add("model", _index["model"])
        .Add("corpus", $"{TextTable.Count(_index.Contexts, "context")}{(_index.IsWhole ? ", all that there are" : "")}")
        .Add("left out", _index["left out"])
        .Print();

    /// <summary>Unmaps the files.</summary>
    public void Dispose()
    {
        _use.EnterWriteLock();
        try
        {
            _isDisposed = true;
            foreach (Tensor rows in _inputs.Concat(_targets))
                rows.Dispose();
        }
        finally
        {
            _use.ExitWriteLock();
        }
    }

    private int ShardOf(long row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Count);
        int found = Array.BinarySearch(_ends, row);
        return found >= 0 ? found + 1 : ~found;
    }

    private Tensor Rows(ImmutableArray<Tensor> shards, ILookup<int, (int Place, long Row)> byShard, int count)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = Type is ScalarType.Float64 ? Type : ScalarType.Float32;
        Tensor rows = empty([count, shards[0].shape[1]], type);
        foreach (IGrouping<int, (int Place, long Row)> some in byShard)
        {
            long first = some.Key == 0 ? 0 : _ends[some.Key - 1];
            Tensor picked = shards[some.Key].index_select(0, tensor(some.Select(row => row.Row - first).ToArray()));
            rows.index_copy_(0, tensor(some.Select(row => (long)row.Place).ToArray()), picked.to_type(type));
        }
        return rows.MoveToOuterDisposeScope();
    }

    private static Tensor Mapped(SafeTensorFile file, string name, long rows)
    {
        Tensor tensor = file.Read(name).DetachFromDisposeScope();
        if (tensor.dim() == 2 && tensor.shape[0] == rows)
            return tensor;
        using (tensor)
            throw new CheckpointException(
                file.Path, $"has {name} of shape [{string.Join(", ", tensor.shape)}], and the index says {rows} rows.");
    }

    private sealed class ShuffledBatches(ActivationStore store, int size, long seed) : IActivationBatches
    {
        public IEnumerable<ActivationBatch> From(long step)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(step);
            return Prefetch.Of(Batches(step));
        }

        private IEnumerable<ActivationBatch> Batches(long step)
        {
            (long count, Permutation? order, long turn) = (store.Count, null, -1);
            for (long first = checked(step * size); ; first += size)
            {
                long[] numbers = new long[size];
                for (int i = 0; i < size; i++)
                {
                    (long turnOf, long place) = Math.DivRem(first + i, count);
                    if (turnOf != turn)
                        (order, turn) = (new Permutation(count, seed, turnOf), turnOf);
                    numbers[i] = order![place];
                }
                yield return store.Read(numbers);
            }
        }
    }
}
