namespace Interventions.Models.Chats;

/// <summary>Goes through the tokens of a template, and counts how deep the parser is.</summary>
internal sealed class TokenReader(IReadOnlyList<TemplateToken> tokens)
{
    private const int Deepest = 100;

    private int _next;
    private int _depth;

    public TemplateToken Current => tokens[_next];

    public TemplateToken Ahead => tokens[Math.Min(_next + 1, tokens.Count - 1)];

    /// <summary>The current token, which is left behind.</summary>
    public TemplateToken Take() => tokens[_next < tokens.Count - 1 ? _next++ : _next];

    public TemplateToken Take(TokenKind kind, string what) =>
        Current.Kind == kind ? Take() : throw new TemplateError($"{Current} stands where {what} is expected", Current.Line);

    public bool TryTake(string op)
    {
        bool found = Current.Is(op);
        if (found)
            Take();
        return found;
    }

    public bool TryTakeName(string name)
    {
        bool found = Current.IsName(name);
        if (found)
            Take();
        return found;
    }

    public void Expect(string op)
    {
        if (!TryTake(op))
            throw new TemplateError($"{Current} stands where '{op}' is expected", Current.Line);
    }

    public void ExpectName(string name)
    {
        if (!TryTakeName(name))
            throw new TemplateError($"{Current} stands where '{name}' is expected", Current.Line);
    }

    /// <summary>Reads something that may hold itself.</summary>
    public T Nested<T>(Func<T> read)
    {
        if (++_depth > Deepest)
            throw new TemplateError($"the template is nested more than {Deepest} deep", Current.Line);
        T result = read();
        _depth--;
        return result;
    }
}
