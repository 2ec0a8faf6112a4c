using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Fills the folder of a store. Contexts are computed in batches that always begin at the same ones; a file of rows gets its name when it
/// is complete, and counts when the index lists it. So work that is stopped at any moment loses the file on the way alone, and that file
/// comes out the same.
/// </summary>
internal sealed class StoreWriter
{
    public const string Input = "input", Target = "target";

    private const string LockName = "lock";

    private readonly string _folder;
    private readonly ActivationReader _reader;
    private readonly StoreOptions _options;
    private readonly ContextCursor _contexts;
    private StoreIndex _index;

    private StoreWriter(string folder, ActivationReader reader, StoreOptions options, StoreIndex index, ContextCursor contexts) =>
        (_folder, _reader, _options, _index, _contexts) = (folder, reader, options, index, contexts);

    /// <summary>Goes on until there are as many rows as are wanted, or the corpus ends.</summary>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    /// <param name="reader">Takes the rows.</param>
    /// <param name="origin">The index of a store without rows.</param>
    /// <param name="options">How many, and how they are stored.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The folder has a store of something else, or another process fills it.</exception>
    public static void Fill(
        string folder, ActivationReader reader, StoreIndex origin, StoreOptions options, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        using FileStream held = Lock(folder);
        foreach (string unfinished in Directory.EnumerateFiles(folder, "*.tmp"))
            File.Delete(unfinished);
        StoreIndex? begun = StoreIndex.Read(folder);
        // What was begun and got nowhere binds nobody.
        if (begun is null or { Contexts: 0, IsWhole: false })
            (begun = origin).Write(folder);
        else
            origin.Check(begun, folder);
        using ContextCursor contexts = new(reader.Corpus);
        StoreWriter writer = new(folder, reader, options, begun, contexts);
        writer.GoOn();
        while (writer.IsWanting)
            writer.Add(cancellationToken);
    }

    private bool IsWanting => !_index.IsWhole && (_options.Rows is not long wanted || _index.Rows < wanted);

    /// <summary>Reads the contexts whose rows are there, which must be those that were read then.</summary>
    private void GoOn()
    {
        while (_contexts.Read < _index.Contexts
            && _contexts.Take((int)Math.Min(_index.Contexts - _contexts.Read, _options.BatchSize)).Length > 0)
        {
        }
        if (_index.Contexts > 0 && (_contexts.Read < _index.Contexts || _contexts.Tokens != _index.Tokens))
            throw StoreIndex.Other(_folder, "with another corpus");
        if (_index.IsWhole && _contexts.Take(1).Length > 0)
            throw StoreIndex.Other(_folder, "with another corpus, which ended before");
    }

    /// <summary>Computes and writes a file of rows.</summary>
    private void Add(CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        List<ActivationBatch> parts = [];
        long rows = 0, most = 1;
        bool isWhole = false;
        while (rows < most && !isWhole && (_options.Rows is not long wanted || _index.Rows + rows < wanted))
        {
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<long>[] contexts = _contexts.Take(_options.BatchSize);
            isWhole = contexts.Length < _options.BatchSize;
            if (_reader.CountOf(contexts) > 0)
            {
                ActivationBatch part = Stored(_reader.Rows(contexts, cancellationToken));
                parts.Add(part);
                rows += part.Input.shape[0];
                most = Math.Max(1, _options.ShardBytes / BytesOfRow(part));
            }
            _options.Progress?.Report(new StoreProgress(_contexts.Read, _index.Rows + rows, _options.Rows));
        }
        if (rows > 0)
            Write(parts, rows);
        _index = _index with
        {
            Shards = rows > 0 ? _index.Shards.Add(rows) : _index.Shards,
            Contexts = _contexts.Read,
            Tokens = _contexts.Tokens,
            IsWhole = isWhole,
        };
        _index.Write(_folder);
    }

    private void Write(List<ActivationBatch> parts, long rows)
    {
        Permutation order = new(rows, _options.Seed, _index.Shards.Length);
        long[] places = new long[rows];
        for (long place = 0; place < rows; place++)
            places[place] = order[place];
        Tensor index = tensor(places);
        Dictionary<string, Tensor> tensors = new() { [Input] = Joined(part => part.Input) };
        if (_options.Target is not null)
            tensors[Target] = Joined(part => part.Target);
        SafeTensors.Save(Path.Combine(_folder, StoreIndex.ShardName(_index.Shards.Length)), tensors);

        Tensor Joined(Func<ActivationBatch, Tensor> of) => cat([.. parts.Select(of)]).index_select(0, index);
    }

    /// <summary>Rows in the type in which they are stored.</summary>
    private ActivationBatch Stored(ActivationBatch rows)
    {
        Tensor input = Of(rows.Input);
        return new ActivationBatch(input, _options.Target is null ? input : Of(rows.Target));

        Tensor Of(Tensor values)
        {
            Tensor stored = values.cpu().to_type(_options.Type);
            return stored.dtype != ScalarType.Float16 || stored.isfinite().all().item<bool>() ? stored : throw new InterventionException(
                $"'{_reader.Site}' has values beyond the range of {ScalarType.Float16}: store them as {ScalarType.BFloat16}.");
        }
    }

    private static long BytesOfRow(ActivationBatch rows)
    {
        long input = rows.Input.shape[1] * rows.Input.ElementSize;
        return ReferenceEquals(rows.Input, rows.Target) ? input : input + (rows.Target.shape[1] * rows.Target.ElementSize);
    }

    /// <summary>Lets one process write at a time; a killed process leaves no lock behind.</summary>
    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken)
        {
            throw new InterventionException($"Another process is filling the store '{folder}'.", taken);
        }
    }
}
