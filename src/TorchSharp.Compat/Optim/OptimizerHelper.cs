namespace TorchSharp.Modules;

/// <summary>What Adam, AdamW and SGD share: groups, one state a parameter, and steps that neither track gradients nor leak.</summary>
public abstract class OptimizerHelper : torch.optim.Optimizer
{
    private readonly Dictionary<Parameter, torch.Tensor?[]> _states = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Parameter, long> _steps = new(ReferenceEqualityComparer.Instance);

    public override IEnumerable<Parameter> parameters() => base.parameters();
    public override void zero_grad() => base.zero_grad();
    public override void add_param_group(ParamGroup param_group) => base.add_param_group(param_group);

    /// <summary>Runs the loss if there is one, then updates every parameter that has a gradient.</summary>
    private protected torch.Tensor? Step(Func<torch.Tensor>? closure, Action<ParamGroup, Parameter, torch.Tensor> update)
    {
        torch.Tensor? loss = null;
        if (closure is not null)
        {
            using var tracked = torch.enable_grad();
            loss = closure();
        }
        using var untracked = torch.no_grad();
        foreach (var group in _groups)
            foreach (var parameter in group.Parameters)
            {
                using var scope = torch.NewDisposeScope();
                if (parameter.grad is { } gradient) update(group, parameter, gradient);
            }
        return loss;
    }

    private protected long Count(Parameter parameter) => _steps[parameter] = _steps.GetValueOrDefault(parameter) + 1;

    /// <summary>A tensor that stays with the parameter; <paramref name="make"/> says what it starts as.</summary>
    private protected torch.Tensor Kept(Parameter parameter, int slot, Func<torch.Tensor> make)
    {
        if (!_states.TryGetValue(parameter, out var state)) _states[parameter] = state = new torch.Tensor?[3];
        return state[slot] ??= make().DetachFromDisposeScope();
    }

    private protected void DisposeStates()
    {
        foreach (var tensor in _states.Values.SelectMany(static state => state)) tensor?.Dispose();
        _states.Clear();
    }
}
