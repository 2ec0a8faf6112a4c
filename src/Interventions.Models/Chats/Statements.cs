namespace Interventions.Models.Chats;

/// <summary>How a statement ended: the next one follows, or the loop around it goes on, or stops.</summary>
internal enum Flow { Next, Continue, Break }

/// <summary>A part of a template that writes text or sets names.</summary>
/// <param name="Line">Its line, from 1.</param>
internal abstract record Statement(int Line)
{
    /// <exception cref="TemplateError">Something in it has no meaning; the error has the line.</exception>
    public Flow Run(TemplateScope scope)
    {
        try
        {
            scope.Run.Enter();
            Flow flow = Execute(scope);
            scope.Run.Leave();
            return flow;
        }
        catch (TemplateError error) when (error.Line == 0)
        {
            error.Line = Line;
            throw;
        }
        catch (InvalidOperationException error) when (error.InnerException is TemplateError { Line: 0 } inner)
        {
            inner.Line = Line;
            throw inner;    // sorting had wrapped it
        }
    }

    /// <summary>Statements one after the other.</summary>
    public static Flow RunAll(IReadOnlyList<Statement> statements, TemplateScope scope)
    {
        foreach (Statement statement in statements)
            if (statement.Run(scope) is not Flow.Next and var flow)
                return flow;
        return Flow.Next;
    }

    protected abstract Flow Execute(TemplateScope scope);
}

internal sealed record TextStatement(int Line, TracedText Text) : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope)
    {
        scope.Run.Write(Text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed record OutputStatement(int Line, Expression Value) : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope)
    {
        scope.Run.Write(TemplateText.Of(scope.Run, Value.Value(scope)));
        return Flow.Next;
    }
}

internal sealed record IfStatement(int Line, IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> Branches)
    : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope)
    {
        foreach ((Expression? condition, IReadOnlyList<Statement> body) in Branches)
            if (condition is null || condition.IsTrue(scope))
                return RunAll(body, scope);
        return Flow.Next;
    }
}

internal sealed record ForStatement(
    int Line, Target Target, Expression Items, Expression? Condition, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise)
    : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope)
    {
        IReadOnlyList<object?> items = Operators.Iterate(scope.Run, Items.Value(scope));
        if (Condition is not null)
            items = [.. items.Where(item => Condition.IsTrue(WithItem(scope, item)))];
        if (items.Count == 0)
            return RunAll(Otherwise, scope.Inner());
        TemplateLoop loop = new(items);
        for (; loop.Index < items.Count; loop.Index++)
        {
            TemplateScope inner = WithItem(scope, items[loop.Index]);
            inner["loop"] = loop;
            if (RunAll(Body, inner) == Flow.Break)
                break;
        }
        return Flow.Next;
    }

    private TemplateScope WithItem(TemplateScope scope, object? item)
    {
        scope.Run.Charge();
        TemplateScope inner = scope.Inner();
        Target.Set(inner, item);
        return inner;
    }
}

internal sealed record JumpStatement(int Line, Flow Flow) : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope) => Flow;
}

/// <summary>What is set: a name, several, which share the items of a list, or a name of a namespace.</summary>
internal sealed record Target(IReadOnlyList<string> Names, string? OfNamespace = null)
{
    public void Set(TemplateScope scope, object? value)
    {
        if (OfNamespace is not null)
        {
            if (scope[OfNamespace] is not TemplateNamespace names)
                throw new TemplateError($"'{OfNamespace}' is no namespace, so '{OfNamespace}.{Names[0]}' cannot be set");
            names.Values[Names[0]] = value;
        }
        else if (Names is [string only])
            scope[only] = value;
        else
        {
            IReadOnlyList<object?> items = Operators.Iterate(scope.Run, value);
            if (items.Count != Names.Count)
                throw new TemplateError(
                    $"{TemplateText.Describe(value)} has not as many items as there are names: {TemplateText.Listed(Names)}");
            foreach ((string name, object? item) in Names.Zip(items))
                scope[name] = item;
        }
    }
}

internal sealed record SetStatement(int Line, Target Target, Expression Value) : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope)
    {
        Target.Set(scope, Value.Value(scope));
        return Flow.Next;
    }
}

/// <summary>A block whose text goes through filters, and is then set or written.</summary>
/// <param name="Line">Its line.</param>
/// <param name="Target">What is set; absent: it is written.</param>
/// <param name="Filtered">The filters, applied to the name <c>{ }</c>, which no template can write.</param>
/// <param name="Body">The block.</param>
internal sealed record BlockStatement(int Line, Target? Target, Expression Filtered, IReadOnlyList<Statement> Body) : Statement(Line)
{
    public const string BlockName = "{ }";

    protected override Flow Execute(TemplateScope scope)
    {
        TemplateScope inner = scope.Inner();
        inner[BlockName] = scope.Run.Capture(() => RunAll(Body, inner));
        object? value = Filtered.Value(inner);
        if (Target is null)
            scope.Run.Write(TemplateText.Of(scope.Run, value));
        else
            Target.Set(scope, value);
        return Flow.Next;
    }
}

/// <summary>A part with names of its own: <c>{% generation %}</c>, which says what the assistant writes.</summary>
internal sealed record InnerStatement(int Line, IReadOnlyList<Statement> Body) : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope) => RunAll(Body, scope.Inner());
}

internal sealed record MacroStatement(
    int Line, string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body) : Statement(Line)
{
    protected override Flow Execute(TemplateScope scope)
    {
        scope[Name] = new TemplateFunction(Name, (run, arguments) => Call(scope.Inner(), arguments));
        return Flow.Next;
    }

    private TracedText Call(TemplateScope scope, TemplateArguments arguments)
    {
        object?[] values = arguments.Bind([.. Parameters.Select(parameter => parameter.Name)]);
        foreach (((string name, Expression? otherwise), object? value) in Parameters.Zip(values))
            scope[name] = value != (object)TemplateArguments.Absent ? value
                : otherwise is null ? new Undefined($"'{Name}' was called without '{name}'") : otherwise.Value(scope);
        return scope.Run.Capture(() => RunAll(Body, scope));
    }
}
