using System.Collections.Concurrent;

namespace Interventions.Generators.Infrastructure;

/// <summary>What was worked out once, by the type of what it is, or of what worked it out.</summary>
internal sealed class Memo
{
    private readonly ConcurrentDictionary<Type, object?> _values = new();

    /// <summary>The value of a key, worked out when it is first asked for. What is cancelled throws, and is not kept.</summary>
    public T Get<T>(Type key, Func<T> find)
        where T : class? =>
        (T)(_values.TryGetValue(key, out object? value) ? value : _values.GetOrAdd(key, find()))!;
}
