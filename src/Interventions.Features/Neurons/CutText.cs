namespace Interventions.Features;

/// <summary>An example on its way into a graph: the end of its text that the neuron needs.</summary>
/// <param name="neuron">What the neuron did.</param>
/// <param name="column">Its place among the activations that are read.</param>
/// <param name="example">The example.</param>
internal sealed class CutText(NeuronExamples neuron, int column, NeuronExample example)
{
    /// <summary>The most tokens that are tried.</summary>
    public const int Longest = 30;

    /// <summary>What the neuron did.</summary>
    public NeuronExamples Neuron => neuron;

    /// <summary>The neuron's place among the activations that are read.</summary>
    public int Column => column;

    /// <summary>The example.</summary>
    public NeuronExample Example => example;

    /// <summary>How many tokens stand in front that are none of the example: a beginning of sentence, or nothing.</summary>
    public int Front { get; } = neuron.Bos is null ? 0 : 1;

    /// <summary>The place of the first token; -1 until it is known.</summary>
    public int Start { get; private set; } = -1;

    /// <summary>The tokens, once the start is known.</summary>
    public long[] Tokens { get; private set; } = [];

    /// <summary>The same texts with one token more each, of the first few lengths.</summary>
    /// <param name="longest">The most tokens.</param>
    public IEnumerable<long[]> Ends(int longest) => Enumerable.Range(1, Math.Min(longest, example.Pivot + 1)).Select(End);

    /// <summary>Takes the shortest end that is enough; where all were tried and none is, the longest.</summary>
    /// <param name="longest">The most tokens that were tried.</param>
    /// <param name="isEnough">Whether a text is.</param>
    public void Choose(int longest, Func<long[], bool> isEnough)
    {
        int most = Math.Min(Longest, example.Pivot + 1), tried = Math.Min(longest, most);
        int length = Enumerable.Range(1, tried).FirstOrDefault(count => isEnough(End(count)));
        if (length == 0 && tried < most)
            return;
        length = length == 0 ? most : length;
        (Start, Tokens) = (example.Pivot + 1 - length, End(length));
    }

    private long[] End(int length)
    {
        ReadOnlySpan<long> end = example.Tokens.AsSpan().Slice(example.Pivot + 1 - length, length);
        return neuron.Bos is { } bos ? [bos, .. end] : [.. end];
    }
}
