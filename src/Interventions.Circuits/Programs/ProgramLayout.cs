using Interventions.Models;
using Interventions.Models.Decoder;

namespace Interventions.Circuits;

/// <summary>
/// Where a program is in a transformer: the head or feed-forward block of each step, the coordinates of each variable, and so all edges
/// that carry something.
/// </summary>
internal sealed class ProgramLayout
{
    private readonly AttentionProgram _program;
    private readonly Dictionary<ProgramVariable, int> _places = [];
    private readonly Dictionary<ProgramVariable, Component> _components = [];

    public ProgramLayout(AttentionProgram program)
    {
        _program = program;
        foreach (ProgramVariable variable in program.Variables)
        {
            _places.Add(variable, Width);
            Width += variable.Size;
            if (variable.Step is { } step)
                _components.Add(variable, Place(step));
        }
        Layers = _components.Values.Select(component => component.Layer + 1).DefaultIfEmpty(1).Max();
        Heads = _components.Values.Select(component => component.Head + 1).DefaultIfEmpty(1).Max();
    }

    /// <summary>The width of the residual stream.</summary>
    public int Width { get; }

    public int Layers { get; }

    /// <summary>The most heads of a layer; other layers have some that write nothing.</summary>
    public int Heads { get; }

    /// <summary>The component that computes each variable, in the order of the program.</summary>
    public IReadOnlyDictionary<ProgramVariable, Component> Components => _components;

    /// <summary>The neurons of a layer's feed-forward block, with the variables that they write.</summary>
    public IEnumerable<(ProgramVariable Variable, ProgramNeuron Neuron)> Neurons(int layer) =>
        from variable in _program.Variables
        where variable.Step is MlpStep && _components[variable].Layer == layer
        from neuron in ((MlpStep)variable.Step!).Neurons
        select (variable, neuron);

    /// <summary>A variable's first coordinate.</summary>
    public int PlaceOf(ProgramVariable variable) => _places[variable];

    /// <summary>A decoder without norms, with feed-forward blocks if there are functions.</summary>
    public DecoderConfig Config()
    {
        (int vocabulary, int length) = (_program.Tokens.Size + _program.Front, _program.Positions.Size + _program.Front);
        int neurons = Enumerable.Range(0, Layers).Max(layer => Neurons(layer).Count());
        int d_head = _program.Variables.Select(variable => variable.Step).OfType<AttentionStep>()
            .Select(step => step.Width).DefaultIfEmpty(1).Max();
        DecoderConfig config = neurons == 0
            ? AttentionOnlyModel.Configure(Layers, Heads, Width, vocabulary, length)
            : NormFreeModel.Configure(Layers, Heads, Width, neurons, vocabulary, length) with { Activation = Activation.Relu };
        return (config with { DHead = d_head, ScoreScale = 1 / Math.Sqrt(d_head), LooksAhead = _program.LooksAhead }).Checked();
    }

    /// <summary>The edges over which the answer comes about.</summary>
    public Circuit CircuitOf(ProgramVariable answer)
    {
        HashSet<Edge> edges = [];
        HashSet<ProgramVariable> followed = [];
        Follow(answer, new Port(Component.Logits));
        return new Circuit(new CircuitGraph(Layers, Heads, hasMlps: Config().HasMlp), edges);

        void Follow(ProgramVariable variable, Port reader)
        {
            if (variable == _program.Positions || variable == _program.StartToken)
                return; // the same in every prompt, and on no edge
            Component source = variable.Step is null ? Component.Embed : _components[variable];
            edges.Add(new Edge(source, reader));
            if (variable.Step is { } step && followed.Add(variable))
                foreach ((ProgramVariable read, PortInput input) in step.Reads)
                    Follow(read, new Port(source, input));
        }
    }

    /// <summary>The first component that comes after all that a step reads.</summary>
    private Component Place(ProgramStep step)
    {
        // Heads of layer 0, its feed-forward block, heads of layer 1, …: 0, 1, 2, …
        int last = step.Reads.Select(read => _components.TryGetValue(read.Variable, out Component component)
            ? (2 * component.Layer) + (component.Kind == ComponentKind.Mlp ? 1 : 0)
            : -1).Max();
        if (step is MlpStep)
            return Component.OfMlp((last + 1) / 2);
        int layer = (last + 2) / 2;
        return Component.OfHead(layer, _components.Values.Count(other => other.Kind == ComponentKind.Head && other.Layer == layer));
    }
}
