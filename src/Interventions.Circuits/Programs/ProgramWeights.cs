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
    public void Write(ProgramVariable<string> answer)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        foreach (Tensor weight in model.Weights.Values)
            weight.zero_();
        Set("W_E", Coordinates(program.Tokens));
        Set("W_pos", Coordinates(program.Positions));
        foreach ((ProgramVariable variable, Component component) in layout.Components)
            if (variable.Step is AttentionStep step)
                SetHead($"blocks.{component.Layer}.attn", component.Head, step, layout.PlaceOf(variable));
        for (int layer = 0; layer < layout.Layers && model.Config.HasMlp; layer++)
            SetTables($"blocks.{layer}.mlp", layout.Tables(layer));
        double[,] unembedding = new double[layout.Width, program.Tokens.Size];
        foreach ((int value, string token) in answer.Values.Index())
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

    private void SetTables(string mlp, IEnumerable<(ProgramVariable Variable, TableStep Step)> tables)
    {
        (int neurons, int neuron) = (model.Config.Neurons, 0);
        double[,] inputs = new double[layout.Width, neurons], thresholds = new double[1, neurons];
        double[,] outputs = new double[neurons, layout.Width];
        foreach ((ProgramVariable variable, TableStep step) in tables)
        {
            for (int combination = 0; combination < step.Results.Length; combination++, neuron++)
            {
                foreach ((ProgramVariable input, int value) in step.Inputs.Zip(step.ValuesOf(combination)))
                    inputs[layout.PlaceOf(input) + value, neuron] += 2;
                thresholds[0, neuron] = -step.Threshold;
                outputs[neuron, layout.PlaceOf(variable) + step.Results[combination]] = 1;
            }
        }
        Set($"{mlp}.W_in", inputs);
        Set($"{mlp}.b_in", thresholds);
        Set($"{mlp}.W_out", outputs);
    }

    /// <summary>A row for each value of a variable: 1 at its coordinate.</summary>
    private double[,] Coordinates(ProgramVariable variable)
    {
        double[,] rows = new double[variable.Size, layout.Width];
        for (int value = 0; value < variable.Size; value++)
            rows[value, layout.PlaceOf(variable) + value] = 1;
        return rows;
    }

    private void Set(string name, double[,] values, int? head = null)
    {
        Tensor all = model.Weights[name], weight = head is { } one ? all.select(0, one) : all;
        weight.copy_(tensor(values).view(weight.shape));
    }
}
