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

    /// <summary>One step of Adam; with decoupled weight decay, of AdamW.</summary>
    private protected void AdamStep(Parameter parameter, torch.Tensor gradient, AdamSettings settings, bool decoupled)
    {
        var (rate, beta1, beta2, eps, decay, amsgrad, maximize) = settings;
        var step = Count(parameter);

        if (maximize) gradient = gradient.neg();
        if (decay != 0 && decoupled) parameter.mul_(1 - rate * decay);
        if (decay != 0 && !decoupled) gradient = gradient.add(parameter, decay);
        var mean = Kept(parameter, 0, () => torch.zeros_like(parameter)).mul_(beta1).add_(gradient, 1 - beta1);
        var square = Kept(parameter, 1, () => torch.zeros_like(parameter)).mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
        if (amsgrad)
        {
            var largest = Kept(parameter, 2, () => torch.zeros_like(parameter));
            square = largest.copy_(largest.maximum(square));
        }
        var scale = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, step))).add_(eps);
        parameter.addcdiv_(mean, scale, -rate / (1 - Math.Pow(beta1, step)));
    }

    private protected void DisposeStates()
    {
        foreach (var tensor in _states.Values.SelectMany(static state => state)) tensor?.Dispose();
        _states.Clear();
    }
}
