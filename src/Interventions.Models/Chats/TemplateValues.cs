namespace Interventions.Models.Chats;

// A value of a template is null (none), a bool, a long, a double, a TracedText, or one of the types in this file.

/// <summary>What a name, an attribute or an item without a value gives. It prints nothing, and is an error where one is needed.</summary>
/// <param name="What">What is missing: "'tools' is not defined".</param>
internal sealed record Undefined(string What);

/// <summary>A value that has parts. How deep they go is bounded, so that walking through them is safe.</summary>
internal abstract class Nested(IEnumerable<object?> parts)
{
    private const int Deepest = 100;

    private readonly int _depth = 1 + parts.Select(part => (part as Nested)?._depth ?? 0).DefaultIfEmpty().Max() is var depth
        && depth <= Deepest ? depth : throw new TemplateError($"values are nested more than {Deepest} deep");
}

/// <summary>A list, or a tuple, which prints otherwise.</summary>
internal sealed class TemplateList(IReadOnlyList<object?> items, bool isTuple = false) : Nested(items)
{
    public IReadOnlyList<object?> Items => items;

    public bool IsTuple => isTuple;
}

/// <summary>A map from texts to values, in the order in which they were put in.</summary>
internal sealed class TemplateMap(OrderedDictionary<string, object?> items) : Nested(items.Values)
{
    public IReadOnlyDictionary<string, object?> Items => items;
}

/// <summary>Names that a template may set from within a loop.</summary>
internal sealed class TemplateNamespace(IEnumerable<KeyValuePair<string, object?>> values)
{
    public Dictionary<string, object?> Values { get; } = new(values, StringComparer.Ordinal);
}

/// <summary>What a template can call: a function, a method of a value, or a macro.</summary>
internal sealed record TemplateFunction(string Name, Func<TemplateRun, TemplateArguments, object?> Call);

/// <summary>The arguments of a call, a filter or a test.</summary>
internal sealed class TemplateArguments(string callee, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
{
    /// <summary>Stands for an argument that was not given.</summary>
    public static readonly Undefined Absent = new("an argument is missing");

    /// <summary>Whether an argument was not given, or, where Python has <c>None</c> for that, is <c>none</c>.</summary>
    public static bool IsNone(object? value) => value is null || ReferenceEquals(value, Absent);

    private bool _isRead;

    public IReadOnlyList<object?> Positional => Read(positional);

    public IReadOnlyDictionary<string, object?> Named => Read(named);

    /// <summary>The values of parameters, <see cref="Absent"/> where none was given.</summary>
    public object?[] Bind(params string[] parameters)
    {
        _isRead = true;
        if (positional.Count > parameters.Length)
            throw new TemplateError($"'{callee}' takes {parameters.Length} arguments, not {positional.Count}");
        object?[] values = new object?[parameters.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = i < positional.Count ? positional[i] : named.GetValueOrDefault(parameters[i], Absent);
        foreach (string name in named.Keys)
        {
            int index = Array.IndexOf(parameters, name);
            if (index < 0)
                throw TemplateError.Unsupported($"the argument '{name}' of '{callee}'");
            if (index < positional.Count)
                throw new TemplateError($"'{callee}' has the argument '{name}' twice");
        }
        return values;
    }

    /// <summary>The one argument of a call.</summary>
    public object? Only(string parameter) =>
        Bind(parameter) is [var value] && value != (object)Absent ? value : throw new TemplateError($"'{callee}' needs '{parameter}'");

    /// <summary>The arguments behind the first.</summary>
    public TemplateArguments Rest(string of) => Read(new TemplateArguments(of, [.. positional.Skip(1)], named));

    /// <summary>Refuses arguments that nothing has asked for.</summary>
    public void CheckRead()
    {
        if (!_isRead)
            Bind();
    }

    private T Read<T>(T value)
    {
        _isRead = true;
        return value;
    }
}

/// <summary>Where a loop is: what a template reads as <c>loop</c>.</summary>
internal sealed class TemplateLoop(IReadOnlyList<object?> items)
{
    private object? _changed = TemplateArguments.Absent;

    public int Index { get; set; }

    /// <summary>An attribute of the loop.</summary>
    public object? Attribute(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)(items.Count - Index),
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "depth" => 1L,    // it counts recursive loops, which there are not
        "depth0" => 0L,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("there is no item before the loop's first"),
        "nextitem" => Index < items.Count - 1 ? items[Index + 1] : new Undefined("there is no item behind the loop's last"),
        "cycle" => new TemplateFunction("loop.cycle", (_, arguments) => arguments.Positional.Count > 0
            ? arguments.Positional[Index % arguments.Positional.Count]
            : throw new TemplateError("'loop.cycle' needs something to go through")),
        "changed" => new TemplateFunction("loop.changed", Changed),
        _ => new Undefined($"'loop' has no attribute '{name}'"),
    };

    private object? Changed(TemplateRun run, TemplateArguments arguments)
    {
        TemplateList now = new(arguments.Positional);
        bool changed = !Operators.AreEqual(run, _changed, now);
        _changed = now;
        return changed;
    }
}
