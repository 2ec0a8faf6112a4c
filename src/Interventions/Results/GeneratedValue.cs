using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>What a capture or metric kept in a generation; owned by the result.</summary>
public sealed class GeneratedValue
{
    private readonly string _name;
    private readonly Tensor? _prompt, _steps;

    internal GeneratedValue(string name, Tensor? prompt, Tensor? steps)
    {
        _name = name;
        _prompt = prompt;
        _steps = steps;
    }

    /// <summary>What was kept of the prompts, as a run keeps it: <c>[batch, …]</c>.</summary>
    /// <exception cref="InvalidOperationException">It selects nothing of the prompts.</exception>
    public Tensor Prompt => _prompt ?? throw new InvalidOperationException($"'{_name}' selects nothing of the prompts, only new tokens.");

    /// <summary>
    /// What was kept at each step: <c>[step, batch, …]</c>. Step k is of the new token k, at position prompt length + k. The last token that is generated is not read any more, so
    /// that n tokens have n − 1 steps. Zero behind a prompt's end.
    /// </summary>
    /// <exception cref="InvalidOperationException">It selects no new token, or there was no step.</exception>
    public Tensor Steps => _steps ?? throw new InvalidOperationException($"'{_name}' selects no new token that was read: say pos=new, and generate more than one token.");

    internal IEnumerable<Tensor> Tensors => new[] { _prompt, _steps }.OfType<Tensor>();
}
