using System.Collections.Immutable;

namespace Interventions.Features;

/// <summary>A pass over a corpus on its way: what every neuron did on the contexts so far.</summary>
internal sealed class ExamplePass
{
    private readonly ImmutableArray<Neuron> _neurons;
    private readonly MaxActivatingOptions _options;
    private readonly long? _bos;
    private readonly Tally[] _tallies;
    private readonly Random _random;
    private long _tokens;

    public ExamplePass(ImmutableArray<Neuron> neurons, MaxActivatingOptions options, long? bos)
    {
        (_neurons, _options, _bos) = (neurons, options, bos);
        _tallies = [.. neurons.Select(_ => new Tally(options))];
        _random = new Random(options.Seed);
    }

    /// <summary>How many contexts there were.</summary>
    public int Contexts { get; private set; }

    /// <summary>Takes a context.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="activations"><c>[pos, neuron]</c>.</param>
    /// <param name="textOf">The text of a token.</param>
    public void Add(IReadOnlyList<long> tokens, double[] activations, Func<long, string> textOf)
    {
        int context = Contexts++, first = tokens[0] == _bos ? 1 : 0, neurons = _neurons.Length;
        // One number a context is enough: of those on which a neuron fires, each is as likely to be among the largest numbers.
        double drawn = _random.NextDouble();
        int[] counted = [.. Enumerable.Range(0, tokens.Count).Where(position => tokens[position] != _bos)];
        if (counted.Length == 0)
            return;
        _tokens += counted.Length;
        ImmutableArray<long> ids = [.. tokens.Skip(first)];
        Lazy<ImmutableArray<string>> texts = new(() => [.. ids.Select(textOf)]);
        for (int neuron = 0; neuron < neurons; neuron++)
        {
            _tallies[neuron].Count(activations.AsSpan(neuron), neurons, counted, _options.Threshold);
            _tallies[neuron].EndContext(_options.Threshold, drawn, pivot => new NeuronExample(
                context, ids, texts.Value, [.. Enumerable.Range(first, ids.Length).Select(Activation)], pivot - first));

            double Activation(int position) => tokens[position] == _bos ? 0 : activations[(position * neurons) + neuron];
        }
    }

    /// <summary>What was found.</summary>
    public IEnumerable<NeuronExamples> Examples() => _neurons.Zip(_tallies, (neuron, tally) => new NeuronExamples
    {
        Neuron = neuron,
        Bos = _bos,
        Tokens = _tokens,
        Firing = tally.Firing,
        Mean = _tokens == 0 ? 0 : tally.Sum / _tokens,
        Histogram = tally.Histogram,
        Top = [.. tally.Top.Items],
        Sampled = [.. tally.Sampled.Items.OrderByDescending(example => example.Activation)],
        Silent = [.. tally.Silent.Items],
    });

    /// <summary>What is kept of one neuron.</summary>
    private sealed class Tally(MaxActivatingOptions options)
    {
        private double _largest;
        private int _pivot;

        public ActivationHistogram Histogram { get; } = new();

        public double Sum { get; private set; }

        public long Firing { get; private set; }

        public Best Top { get; } = new(options.Top);

        public Best Sampled { get; } = new(options.Sampled);

        public Best Silent { get; } = new(options.Silent);

        /// <summary>Counts the neuron's activations in a context: those at some positions, which lie so far from each other.</summary>
        public void Count(ReadOnlySpan<double> activations, int distance, int[] positions, double threshold)
        {
            (_largest, _pivot) = (double.NegativeInfinity, -1);
            foreach (int position in positions)
            {
                double activation = activations[position * distance];
                Histogram.Add(activation);
                Sum += activation;
                if (activation > threshold)
                    Firing++;
                if (activation > _largest)
                    (_largest, _pivot) = (activation, position);
            }
        }

        /// <summary>Keeps the context that was counted, where it is one of those that are kept.</summary>
        public void EndContext(double threshold, double drawn, Func<int, NeuronExample> example)
        {
            NeuronExample? made = null;
            bool isFiring = _largest > threshold;
            if (isFiring)
                Offer(Top, _largest);
            Offer(isFiring ? Sampled : Silent, drawn);

            void Offer(Best best, double priority)
            {
                if (best.Wants(priority))
                    best.Add(priority, made ??= example(_pivot));
            }
        }
    }

    /// <summary>The examples with the largest priorities, in order; of equal ones the earlier.</summary>
    private sealed class Best(int most)
    {
        private readonly List<(double Priority, NeuronExample Example)> _items = [];

        public IEnumerable<NeuronExample> Items => _items.Select(item => item.Example);

        public bool Wants(double priority) => _items.Count < most || (most > 0 && priority > _items[^1].Priority);

        public void Add(double priority, NeuronExample example)
        {
            int place = _items.FindIndex(item => item.Priority < priority);
            _items.Insert(place < 0 ? _items.Count : place, (priority, example));
            if (_items.Count > most)
                _items.RemoveAt(most);
        }
    }
}
