namespace Interventions.Models.Chats;

/// <summary>One formatting of a chat: what was written, and how much work was done. That is bounded, and with it time and memory.</summary>
/// <param name="now">What <c>strftime_now</c> tells.</param>
internal sealed class TemplateRun(DateTime now)
{
    /// <summary>Some thirty million characters that are read or written: far more than any model's context holds.</summary>
    private const long MostWork = 1 << 25;

    /// <summary>A step of the template, or a value that is looked at, costs as much as this many characters.</summary>
    private const int Step = 32;

    private const int Deepest = 300;

    private List<TracedText> _output = [];
    private long _work;
    private int _depth;

    public DateTime Now => now;

    /// <summary>Counts a step.</summary>
    public void Charge() => Charge(Step);

    /// <summary>Counts work that is about to be done.</summary>
    /// <param name="characters">How many characters, or values, are read or made.</param>
    /// <exception cref="TemplateError">It is too much.</exception>
    public void Charge(long characters)
    {
        _work += Math.Max(characters, 0);
        if (_work > MostWork)
            throw new TemplateError($"the template does not end, or writes far more than a chat: it was stopped");
    }

    public void Write(TracedText text)
    {
        Charge(text.Text.Length);
        _output.Add(text);
    }

    /// <summary>What is written meanwhile, which goes nowhere else.</summary>
    public TracedText Capture(Action write)
    {
        List<TracedText> outer = _output;
        _output = [];
        try
        {
            write();
            return Join(_output);
        }
        finally
        {
            _output = outer;
        }
    }

    public TracedText Join(IReadOnlyList<TracedText> parts)
    {
        Charge(parts.Sum(part => (long)part.Text.Length));
        return TracedText.Join(parts);
    }

    /// <summary>A step within the steps around it.</summary>
    public void Enter()
    {
        Charge();
        if (++_depth > Deepest)
            throw new TemplateError($"the template calls itself, or nests, more than {Deepest} deep");
    }

    public void Leave() => _depth--;
}

/// <summary>The names that a part of a template sees: its own, then those around it.</summary>
internal sealed class TemplateScope(TemplateRun run, TemplateScope? outer)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public TemplateRun Run => run;

    public TemplateScope Inner() => new(run, this);

    public object? this[string name]
    {
        get
        {
            for (TemplateScope? scope = this; scope is not null; scope = scope.Outer)
                if (scope._values.TryGetValue(name, out object? value))
                    return value;
            return TemplateFunctions.Named(name) ?? (object)new Undefined($"'{name}' is not defined");
        }
        set => _values[name] = value;
    }

    private TemplateScope? Outer => outer;
}
