using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Runs token sequences through a model as far as some neurons, and gives their activations.</summary>
internal sealed class NeuronReader
{
    private readonly HookedModel _model;
    private readonly ImmutableArray<(string Name, NeuronSite Site)> _kept;
    private readonly InterventionGraph _graph;
    private readonly RunOptions _options;

    public NeuronReader(HookedModel model, IEnumerable<NeuronSite> sites, RunOptions options)
    {
        _model = model;
        _options = options with { Progress = null };
        _kept = [.. sites.Select((site, i) => ($"Neurons{i}", site))];
        Neurons = [.. _kept.SelectMany(kept => kept.Site.In(model))];
        _graph = _kept.Aggregate(
            Intervention.On(model, nameof(NeuronReader)), (all, kept) => kept.Site.Captured(all, kept.Name)).Graph;
    }

    /// <summary>The neurons, in the order of the activations.</summary>
    public ImmutableArray<Neuron> Neurons { get; }

    /// <summary>How many sequences were run.</summary>
    public int Rows { get; private set; }

    /// <summary>How many tokens these had, without padding.</summary>
    public long Tokens { get; private set; }

    /// <summary>Runs sequences as one batch.</summary>
    /// <param name="rows">The sequences; of about one length, since shorter ones are padded.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>Of each row its activations, <c>[pos, neuron]</c>, the neurons fastest.</returns>
    /// <exception cref="InterventionException">A row does not fit the model, or an activation is no number.</exception>
    public double[][] Read(IReadOnlyList<IReadOnlyList<long>> rows, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = _graph.Run(_model, new TokenRows(rows), _options with { BatchSize = rows.Count }, cancellationToken);
        IReadOnlyDictionary<string, Tensor> values = run.Run(TokenRows.Run);
        (Rows, Tokens) = (Rows + rows.Count, Tokens + rows.Sum(row => row.Count));
        return [.. rows.Select((row, i) => Activations(values, i, row.Count))];
    }

    private double[] Activations(IReadOnlyDictionary<string, Tensor> values, int row, int length)
    {
        using DisposeScope scope = NewDisposeScope();
        // Row by row: those of a whole batch as float64 may be many.
        Tensor all = cat([.. _kept.Select(kept => values[kept.Name].select(0, row).narrow(0, 0, length).to_type(ScalarType.Float64))], -1);
        double[] numbers = all.cpu().contiguous().data<double>().ToArray();
        for (int i = 0; i < numbers.Length; i++)
            if (!double.IsFinite(numbers[i]))
                throw new InterventionException(
                    $"{Neurons[i % Neurons.Length]} is {numbers[i]} at position {i / Neurons.Length} of a text, which no other activation "
                    + "is compared with.");
        return numbers;
    }
}

/// <summary>Token sequences as prompts.</summary>
internal sealed class TokenRows(IReadOnlyList<IReadOnlyList<long>> rows) : IPromptSet
{
    /// <summary>The name of their one run.</summary>
    public const string Run = "clean";

    private static readonly PromptVocabulary s_names =
        new(nameof(TokenRows), EquatableArray.Of(Run), EquatableArray.Of("end"), EquatableArray.Of<string>());

    public PromptVocabulary Vocabulary => s_names;

    public IReadOnlyList<PromptTokens> Prompts { get; } =
        [.. rows.Select(row => new PromptTokens([new RunTokens(row, [row.Count - 1])], []))];
}

/// <summary>
/// Activations of many short sequences, each of which is run once: truncations, masks and substitutes of one text are often the same as
/// those of another.
/// </summary>
/// <param name="reader">The neurons.</param>
internal sealed class RowActivations(NeuronReader reader)
{
    /// <summary>Tokens that are run together, padding included: enough for full matrix products.</summary>
    private const int TokensInBatch = 4096;

    private readonly Dictionary<long[], double[]> _rows = new(SameTokens.Instance);

    /// <summary>Runs those rows that were not run before, in few batches of about one length each.</summary>
    public void Run(IEnumerable<long[]> rows, CancellationToken cancellationToken)
    {
        long[][] missing = [.. rows.Where(row => !_rows.ContainsKey(row)).Distinct(SameTokens.Instance).OrderBy(row => row.Length)];
        for (int first = 0, count; first < missing.Length; first += count)
        {
            count = 1;
            while (first + count < missing.Length && (count + 1) * missing[first + count].Length <= TokensInBatch)
                count++;
            long[][] batch = missing[first..(first + count)];
            foreach ((long[] row, double[] values) in batch.Zip(reader.Read(batch, cancellationToken)))
                _rows.Add(row, values);
        }
    }

    /// <summary>A neuron's activation at a position of a row that was run.</summary>
    public double At(long[] row, int position, int neuron) => _rows[row][(position * reader.Neurons.Length) + neuron];

    /// <summary>Sequences are equal where their tokens are.</summary>
    private sealed class SameTokens : IEqualityComparer<long[]>
    {
        public static SameTokens Instance { get; } = new();

        public bool Equals(long[]? x, long[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(long[] row)
        {
            HashCode hash = default;
            foreach (long token in row)
                hash.Add(token);
            return hash.ToHashCode();
        }
    }
}
