namespace Interventions.Models.Chats;

/// <summary>A part of a template that has a value.</summary>
internal abstract record Expression
{
    /// <summary>The value.</summary>
    /// <exception cref="TemplateError">There is none.</exception>
    public object? Value(TemplateScope scope)
    {
        scope.Run.Enter();
        object? value = Evaluate(scope);
        scope.Run.Leave();
        return value;
    }

    public bool IsTrue(TemplateScope scope) => Operators.IsTrue(Value(scope));

    protected abstract object? Evaluate(TemplateScope scope);
}

internal sealed record Literal(object? Constant) : Expression
{
    protected override object? Evaluate(TemplateScope scope) => Constant;
}

internal sealed record NameExpression(string Name) : Expression
{
    protected override object? Evaluate(TemplateScope scope) => scope[Name];
}

internal sealed record ListExpression(IReadOnlyList<Expression> Items, bool IsTuple) : Expression
{
    protected override object Evaluate(TemplateScope scope) => new TemplateList([.. Items.Select(item => item.Value(scope))], IsTuple);
}

internal sealed record MapExpression(IReadOnlyList<(Expression Key, Expression Value)> Items) : Expression
{
    protected override object Evaluate(TemplateScope scope)
    {
        OrderedDictionary<string, object?> values = new(StringComparer.Ordinal);
        foreach ((Expression key, Expression value) in Items)
            values[TextMethods.TextOf(key.Value(scope))] = value.Value(scope);
        return new TemplateMap(values);
    }
}

internal sealed record AttributeExpression(Expression Of, string Name) : Expression
{
    protected override object? Evaluate(TemplateScope scope) => Operators.Attribute(Of.Value(scope), Name);
}

internal sealed record ItemExpression(Expression Of, Expression Key) : Expression
{
    protected override object? Evaluate(TemplateScope scope) => Operators.Item(scope.Run, Of.Value(scope), Key.Value(scope));
}

internal sealed record SliceExpression(Expression Of, Expression? From, Expression? To, Expression? Step) : Expression
{
    protected override object Evaluate(TemplateScope scope) => Operators.Slice(
        scope.Run, Of.Value(scope), Bound(From, scope), Bound(To, scope), Bound(Step, scope));

    private static object? Bound(Expression? bound, TemplateScope scope) => bound is null ? TemplateArguments.Absent : bound.Value(scope);
}

/// <summary>What stands in the parentheses of a call.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public static readonly ArgumentList None = new([], []);

    public TemplateArguments Values(TemplateScope scope, string callee)
    {
        List<object?> positional = [.. Positional.Select(argument => argument.Value(scope))];
        Dictionary<string, object?> named = new(StringComparer.Ordinal);
        foreach ((string name, Expression value) in Named)
            if (!named.TryAdd(name, value.Value(scope)))
                throw new TemplateError($"'{callee}' has the argument '{name}' twice");
        return new(callee, positional, named);
    }
}

internal sealed record CallExpression(Expression Callee, ArgumentList Arguments) : Expression
{
    protected override object? Evaluate(TemplateScope scope) => Callee.Value(scope) switch
    {
        TemplateFunction function => Call(scope, function),
        Undefined missing => throw new TemplateError($"{missing.What}, and is called"),
        var value => throw new TemplateError($"{TemplateText.Describe(value)} cannot be called"),
    };

    private object? Call(TemplateScope scope, TemplateFunction function)
    {
        TemplateArguments arguments = Arguments.Values(scope, function.Name);
        object? result = function.Call(scope.Run, arguments);
        arguments.CheckRead();
        return result;
    }
}

internal sealed record FilterExpression(Expression Of, string Name, ArgumentList Arguments) : Expression
{
    protected override object? Evaluate(TemplateScope scope) =>
        TemplateFilters.Apply(scope.Run, Name, Of.Value(scope), Arguments.Values(scope, Name));
}

internal sealed record TestExpression(Expression Of, string Name, ArgumentList Arguments) : Expression
{
    protected override object Evaluate(TemplateScope scope) =>
        TemplateTests.Holds(scope.Run, Name, Of.Value(scope), Arguments.Values(scope, Name));
}

/// <summary><c>one if condition else other</c>.</summary>
internal sealed record ConditionalExpression(Expression Condition, Expression One, Expression? Other) : Expression
{
    protected override object? Evaluate(TemplateScope scope) =>
        Condition.IsTrue(scope) ? One.Value(scope)
            : Other is not null ? Other.Value(scope) : new Undefined("an 'if' without 'else' does not hold");
}

/// <summary><c>and</c>, <c>or</c>: the value of the last operand that was looked at.</summary>
internal sealed record LogicalExpression(bool IsAnd, Expression Left, Expression Right) : Expression
{
    protected override object? Evaluate(TemplateScope scope) =>
        Left.Value(scope) is var left && Operators.IsTrue(left) == IsAnd ? Right.Value(scope) : left;
}

internal sealed record NotExpression(Expression Of) : Expression
{
    protected override object Evaluate(TemplateScope scope) => !Of.IsTrue(scope);
}

internal sealed record NegativeExpression(Expression Of, bool IsPlus) : Expression
{
    protected override object Evaluate(TemplateScope scope) =>
        IsPlus ? Operators.Arithmetic("+", 0L, Of.Value(scope)) : Operators.Negative(Of.Value(scope));
}

/// <summary>Comparisons in a row, as in <c>0 &lt; a &lt; 3</c>: each must hold.</summary>
internal sealed record ComparisonExpression(Expression First, IReadOnlyList<(string Operator, Expression Operand)> Others) : Expression
{
    protected override object Evaluate(TemplateScope scope)
    {
        object? left = First.Value(scope);
        foreach ((string op, Expression operand) in Others)
        {
            object? right = operand.Value(scope);
            if (!Holds(scope.Run, op, left, right))
                return false;
            left = right;
        }
        return true;
    }

    private static bool Holds(TemplateRun run, string op, object? left, object? right) => op switch
    {
        "==" => Operators.AreEqual(run, left, right),
        "!=" => !Operators.AreEqual(run, left, right),
        "<" => Operators.Compare(left, right) < 0,
        "<=" => Operators.Compare(left, right) <= 0,
        ">" => Operators.Compare(left, right) > 0,
        ">=" => Operators.Compare(left, right) >= 0,
        "in" => Operators.Contains(run, right, left),
        _ => !Operators.Contains(run, right, left),
    };
}

internal sealed record ArithmeticExpression(string Operator, Expression Left, Expression Right) : Expression
{
    protected override object? Evaluate(TemplateScope scope)
    {
        (object? left, object? right) = (Left.Value(scope), Right.Value(scope));
        return Operator switch
        {
            "+" => Operators.Add(scope.Run, left, right),
            "*" => Operators.Multiply(scope.Run, left, right),
            _ => Operators.Arithmetic(Operator, left, right),
        };
    }
}

/// <summary>Values as texts, one after the other: <c>a ~ b</c>.</summary>
internal sealed record ConcatenationExpression(IReadOnlyList<Expression> Parts) : Expression
{
    protected override object Evaluate(TemplateScope scope) =>
        scope.Run.Join([.. Parts.Select(part => TemplateText.Of(scope.Run, part.Value(scope)))]);
}
