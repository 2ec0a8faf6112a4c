using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>The weights of a compiled program: predicates, tables, and copies of coordinates.</summary>
/// <param name="model">The model, of the layout's configuration.</param>
/// <param name="program">The program.</param>
/// <param name="layout">Where it is in the model.</param>
/// <param name="strength">What a predicate that holds adds to a score.</param>
internal sealed class ProgramWeights(DecoderModel model, AttentionProgram program, ProgramLayout layout, double strength)
{
    /// <summary>The logit of a token that is the answer with certainty.</summary>
    public const double Certain = 10;

    /// <summary>Writes all of them.</summary>
    public void Write(ProgramVariable answer)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        foreach (Tensor weight in model.Weights.Values)
            weight.zero_();
        Set("W_E", Coordinates(program.Tokens, [.. Enumerable.Range(0, program.Tokens.Size)]));
        Set("W_pos", Coordinates(program.Positions, [.. Enumerable.Range(program.Front, program.Positions.Size)]));
        foreach ((ProgramVariable variable, Component component) in layout.Components)
            if (variable.Step is AttentionStep step)
                SetHead($"blocks.{component.Layer}.attn", component.Head, step, layout.PlaceOf(variable));
        for (int layer = 0; layer < layout.Layers && model.Config.HasMlp; layer++)
            SetNeurons($"blocks.{layer}.mlp", layout.Neurons(layer));
        double[,] unembedding = new double[layout.Width, model.Config.VocabularySize];
        if (answer is ProgramVariable<string> { Values: var words })
            foreach ((int value, string token) in words.Index())
                unembedding[layout.PlaceOf(answer) + value, program.Tokens.Values.IndexOf(token)] = Certain;
        Set("W_U", unembedding);
    }

    private void SetHead(string attn, int head, AttentionStep step, int place)
    {
        int d_head = model.Config.DHead;
        double[,] values = new double[layout.Width, d_head], outputs = new double[d_head, layout.Width];
        for (int value = 0; value < step.Values.Size; value++)
            (values[layout.PlaceOf(step.Values) + value, value], outputs[value, place + value]) = (1, 1);
        Set($"{attn}.W_V", values, head);
        Set($"{attn}.W_O", outputs, head);

        double[,] queries = new double[layout.Width, d_head], always = new double[1, d_head], keys = new double[layout.Width, d_head];
        int first = 0;
        foreach (SelectorTerm term in step.Selector.Terms)
        {
            AddTerm(term, first, queries, always, keys);
            first += term.Width;
        }
        if (step.StartScore is double start)
            AddStart(start, step.Selector, first, queries, always, keys);
        Set($"{attn}.W_Q", queries, head);
        Set($"{attn}.b_Q", always, head);
        Set($"{attn}.W_K", keys, head);
    }

    /// <summary>Coordinates of queries and keys whose product is a term's score: one side is the table, the other a copy.</summary>
    private void AddTerm(SelectorTerm term, int first, double[,] queries, double[,] always, double[,] keys)
    {
        int key = layout.PlaceOf(term.Keys);
        double scale = strength / model.Config.ScoreScale;
        for (int q = 0; q < term.Scores.GetLength(0); q++)
        {
            for (int k = 0; k < term.Keys.Size; k++)
            {
                if (term.CopiesKeys)
                    queries[layout.PlaceOf(term.Queries!) + q, first + k] = scale * term.Scores[q, k];
                else
                    keys[key + k, first + q] = term.Scores[q, k];
            }
        }
        for (int i = 0; i < term.Width; i++)
        {
            if (term.CopiesKeys)
                keys[key + i, first + i] = 1;
            else if (term.Queries is null)
                always[0, first + i] = scale;
            else
                queries[layout.PlaceOf(term.Queries) + i, first + i] = scale;
        }
    }

    /// <summary>
    /// A coordinate with the start token's score. The start itself looks at nothing else, so that nothing is known there that other
    /// positions could read.
    /// </summary>
    private void AddStart(double score, Selector selector, int coordinate, double[,] queries, double[,] always, double[,] keys)
    {
        int start = layout.PlaceOf(program.StartToken!);
        double scale = strength / model.Config.ScoreScale, most = selector.Terms.Sum(term => term.Scores.Cast<double>().Max(Math.Abs));
        keys[start, coordinate] = 1;
        always[0, coordinate] = scale * score;
        queries[start, coordinate] = scale * (most + 1 - score);
    }

    private void SetNeurons(string mlp, IEnumerable<(ProgramVariable Variable, ProgramNeuron Neuron)> all)
    {
        int neurons = model.Config.Neurons;
        double[,] inputs = new double[layout.Width, neurons], biases = new double[1, neurons], outputs = new double[neurons, layout.Width];
        foreach ((int at, (ProgramVariable variable, ProgramNeuron neuron)) in all.Index())
        {
            foreach ((ProgramVariable input, int coordinate, double weight) in neuron.Reads)
                inputs[layout.PlaceOf(input) + coordinate, at] += weight;
            if (program.StartToken is { } start)
                inputs[layout.PlaceOf(start), at] += neuron.AtStart;
            biases[0, at] = neuron.Bias;
            foreach ((int coordinate, double weight) in neuron.Writes)
                outputs[at, layout.PlaceOf(variable) + coordinate] += weight;
        }
        Set($"{mlp}.W_in", inputs);
        Set($"{mlp}.b_in", biases);
        Set($"{mlp}.W_out", outputs);
    }

    /// <summary>
    /// A row for each token or position of the model: 1 at its coordinate; of the start token, which is the last, at its own.
    /// </summary>
    private double[,] Coordinates(ProgramVariable variable, int[] rows)
    {
        double[,] all = new double[variable.Size + program.Front, layout.Width];
        foreach ((int value, int row) in rows.Index())
            all[row, layout.PlaceOf(variable) + value] = 1;
        if (variable == program.Tokens && program.StartToken is { } start)
            all[program.StartId, layout.PlaceOf(start)] = 1;
        return all;
    }

    private void Set(string name, double[,] values, int? head = null)
    {
        Tensor all = model.Weights[name], weight = head is { } one ? all.select(0, one) : all;
        weight.copy_(tensor(values).view(weight.shape));
    }
}
