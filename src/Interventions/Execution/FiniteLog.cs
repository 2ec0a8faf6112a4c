using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Finds users' methods that make infinite values, or values that are no numbers, from finite ones. On the processor one sum over the
/// returned values tells that nothing is wrong; arguments are read only where that sum is not finite. On another device the answer stays a
/// tensor until the end, so that no call waits for it; a strict run looks at once.
/// </summary>
/// <param name="isStrict">Whether such a method is an error.</param>
/// <param name="owner">The scope of the whole run.</param>
internal sealed class FiniteLog(bool isStrict, DisposeScope owner)
{
    private readonly Dictionary<string, Tensor> _found = [];

    /// <summary>What a result says of methods that did.</summary>
    public IEnumerable<string> Warnings =>
        _found.Where(method => method.Value.item<bool>()).Select(method => Message(method.Key)).Order(StringComparer.Ordinal);

    /// <summary>Looks at what a method returned, and remembers whether it made non-finite values from finite ones.</summary>
    /// <exception cref="InterventionException">It did, in a strict run.</exception>
    public void Look(string method, IReadOnlyList<Tensor> arguments, Tensor result)
    {
        // An argument that is returned has no new values.
        if (arguments.Any(argument => ReferenceEquals(argument, result)))
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (HasFiniteSum(result) || AreFinite([result]) is not { } after || AreFinite(arguments) is not { } before)
            return;
        Tensor made = before.logical_and(after.logical_not());
        if (isStrict && made.item<bool>())
            throw new InterventionException(Message(method));
        if (_found.TryGetValue(method, out Tensor? earlier))
        {
            made = made.logical_or(earlier);
            earlier.Dispose();
        }
        _found[method] = made.moved_to(owner);
    }

    /// <summary>Whether one sum tells that all entries are finite. A sum that overflows tells nothing.</summary>
    private static bool HasFiniteSum(Tensor value) => value.device_type == DeviceType.CPU && value.is_floating_point()
        && double.IsFinite(value.detach().sum().to(ScalarType.Float64).item<double>());

    /// <summary>Whether all entries are finite; null on the meta device, whose tensors have no numbers.</summary>
    private static Tensor? AreFinite(IReadOnlyList<Tensor> values)
    {
        Tensor[] floating = [.. values.Where(value => value.is_floating_point())];
        if (floating.Length == 0 || floating[0].device_type == DeviceType.META)
            return null;
        return floating.Select(value => value.isfinite().all()).Aggregate((all, one) => all.logical_and(one));
    }

    private static string Message(string method) =>
        $"{method} returned values that are infinite or no numbers, though all that it read is finite.";
}
