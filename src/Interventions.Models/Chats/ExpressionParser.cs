using System.Globalization;

namespace Interventions.Models.Chats;

/// <summary>Reads expressions. A method reads one level of precedence, from the loosest to the tightest.</summary>
internal sealed class ExpressionParser(TokenReader tokens)
{
    private static readonly string[] s_comparisons = ["==", "!=", "<=", ">=", "<", ">"];

    /// <summary>An expression, or several with commas between them, which are a list.</summary>
    /// <param name="conditional">Whether it may end in <c>if … else …</c>.</param>
    public Expression ReadList(bool conditional = true)
    {
        Expression first = conditional ? Read() : ReadOr();
        if (!tokens.Current.Is(","))
            return first;
        List<Expression> items = [first];
        while (tokens.TryTake(",") && !IsEnd())
            items.Add(conditional ? Read() : ReadOr());
        return new ListExpression(items, IsTuple: true);
    }

    /// <summary>One expression.</summary>
    public Expression Read() => tokens.Nested(() =>
    {
        Expression value = ReadOr();
        while (tokens.TryTakeName("if"))
        {
            Expression condition = ReadOr();
            value = new ConditionalExpression(condition, value, tokens.TryTakeName("else") ? Read() : null);
        }
        return value;
    });

    /// <summary>Filters behind a value: <c>| trim | upper</c>.</summary>
    public Expression ReadFilters(Expression value)
    {
        while (tokens.TryTake("|"))
            value = ReadFilter(value);
        return value;
    }

    /// <summary>A filter's name and arguments.</summary>
    public Expression ReadFilter(Expression value)
    {
        string name = tokens.Take(TokenKind.Name, "a filter's name").Value;
        return new FilterExpression(value, name, tokens.Current.Is("(") ? ReadArguments() : ArgumentList.None);
    }

    private bool IsEnd() =>
        tokens.Current.Kind is TokenKind.OutputEnd or TokenKind.TagEnd || tokens.Current.Is(")") || tokens.Current.IsName("if");

    private Expression ReadOr()
    {
        Expression left = ReadAnd();
        while (tokens.TryTakeName("or"))
            left = new LogicalExpression(false, left, ReadAnd());
        return left;
    }

    private Expression ReadAnd()
    {
        Expression left = ReadNot();
        while (tokens.TryTakeName("and"))
            left = new LogicalExpression(true, left, ReadNot());
        return left;
    }

    private Expression ReadNot() =>
        tokens.TryTakeName("not") ? tokens.Nested(() => new NotExpression(ReadNot())) : ReadComparison();

    private Expression ReadComparison()
    {
        Expression first = ReadSum();
        List<(string, Expression)> others = [];
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && s_comparisons.Contains(tokens.Current.Value))
                others.Add((tokens.Take().Value, ReadSum()));
            else if (tokens.TryTakeName("in"))
                others.Add(("in", ReadSum()));
            else if (tokens.Current.IsName("not") && tokens.Ahead.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                others.Add(("not in", ReadSum()));
            }
            else
                return others.Count == 0 ? first : new ComparisonExpression(first, others);
        }
    }

    private Expression ReadSum()
    {
        Expression left = ReadConcatenation();
        while (tokens.Current.Is("+") || tokens.Current.Is("-"))
            left = new ArithmeticExpression(tokens.Take().Value, left, ReadConcatenation());
        return left;
    }

    private Expression ReadConcatenation()
    {
        List<Expression> parts = [ReadProduct()];
        while (tokens.TryTake("~"))
            parts.Add(ReadProduct());
        return parts.Count == 1 ? parts[0] : new ConcatenationExpression(parts);
    }

    private Expression ReadProduct()
    {
        Expression left = ReadPower();
        while (tokens.Current.Is("*") || tokens.Current.Is("/") || tokens.Current.Is("//") || tokens.Current.Is("%"))
            left = new ArithmeticExpression(tokens.Take().Value, left, ReadPower());
        return left;
    }

    private Expression ReadPower()
    {
        Expression left = ReadSigned();
        while (tokens.TryTake("**"))
            left = new ArithmeticExpression("**", left, ReadSigned());
        return left;
    }

    private Expression ReadSigned(bool filters = true)
    {
        Expression value = tokens.Current.Is("-") || tokens.Current.Is("+")
            ? tokens.Nested(() => new NegativeExpression(IsPlus: tokens.Take().Value == "+", Of: ReadSigned(filters: false)))
            : ReadPostfix(ReadPrimary());
        return filters ? ReadFiltersAndTests(value) : value;
    }

    private Expression ReadFiltersAndTests(Expression value)
    {
        while (true)
        {
            if (tokens.TryTake("|"))
                value = ReadFilter(value);
            else if (tokens.TryTakeName("is"))
                value = ReadTest(value);
            else if (tokens.Current.Is("("))
                value = new CallExpression(value, ReadArguments());
            else
                return value;
        }
    }

    private Expression ReadTest(Expression value)
    {
        bool isNot = tokens.TryTakeName("not");
        string name = tokens.Take(TokenKind.Name, "a test's name").Value;
        TemplateToken next = tokens.Current;
        bool hasOperand = next.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float || next.Is("[") || next.Is("{")
            || (next.Kind == TokenKind.Name && next.Value is not ("else" or "or" or "and" or "if" or "is"));
        ArgumentList arguments = next.Is("(") ? ReadArguments()
            : hasOperand ? new([ReadPostfix(ReadPrimary())], []) : ArgumentList.None;
        Expression test = new TestExpression(value, name, arguments);
        return isNot ? new NotExpression(test) : test;
    }

    private Expression ReadPostfix(Expression value)
    {
        while (true)
        {
            if (tokens.TryTake("."))
                value = tokens.Current.Kind == TokenKind.Integer
                    ? new ItemExpression(value, Whole(tokens.Take()))
                    : new AttributeExpression(value, tokens.Take(TokenKind.Name, "an attribute's name").Value);
            else if (tokens.TryTake("["))
                value = ReadItem(value);
            else if (tokens.Current.Is("("))
                value = new CallExpression(value, ReadArguments());
            else
                return value;
        }
    }

    private Expression ReadItem(Expression value)
    {
        List<Expression?> bounds = [];
        for (bool more = true; more;)
        {
            bounds.Add(tokens.Current.Is(":") || tokens.Current.Is("]") ? null : Read());
            more = tokens.TryTake(":");
        }
        int line = tokens.Current.Line;
        tokens.Expect("]");
        return bounds switch
        {
            [{ } key] => new ItemExpression(value, key),
            [_, _] or [_, _, _] => new SliceExpression(value, bounds[0], bounds[1], bounds.ElementAtOrDefault(2)),
            _ => throw new TemplateError("brackets hold a key, or a part such as 1:3", line),
        };
    }

    private ArgumentList ReadArguments()
    {
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        tokens.Expect("(");
        while (!tokens.TryTake(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                tokens.Expect(",");
                if (tokens.TryTake(")"))
                    break;
            }
            if (tokens.Current.Kind == TokenKind.Name && tokens.Ahead.Is("="))
            {
                string name = tokens.Take().Value;
                tokens.Take();
                named.Add((name, Read()));
            }
            else if (tokens.Current.Is("*") || tokens.Current.Is("**"))
                throw TemplateError.Unsupported($"'{tokens.Current.Value}' before an argument", tokens.Current.Line);
            else if (named.Count > 0)
                throw new TemplateError("an argument without a name stands behind one with a name", tokens.Current.Line);
            else
                positional.Add(Read());
        }
        return new(positional, named);
    }

    private Expression ReadPrimary()
    {
        TemplateToken token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Value switch
                {
                    "true" or "True" => new Literal(true),
                    "false" or "False" => new Literal(false),
                    "none" or "None" => new Literal(null),
                    string name => new NameExpression(name),
                };
            case TokenKind.String:
                string text = token.Value;
                while (tokens.Current.Kind == TokenKind.String)
                    text += tokens.Take().Value;
                return new Literal((TracedText)text);
            case TokenKind.Integer:
                return Whole(token);
            case TokenKind.Float:
                return new Literal(double.Parse(token.Value.Replace("_", ""), CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Value == "(":
                return ReadParentheses();
            case TokenKind.Operator when token.Value == "[":
                return new ListExpression(ReadItems("]", Read), IsTuple: false);
            case TokenKind.Operator when token.Value == "{":
                return new MapExpression(ReadItems("}", () =>
                {
                    Expression key = Read();
                    tokens.Expect(":");
                    return (key, Read());
                }));
            default:
                throw new TemplateError($"{token} stands where a value is expected", token.Line);
        }
    }

    private Expression ReadParentheses()
    {
        if (tokens.TryTake(")"))
            return new ListExpression([], IsTuple: true);
        Expression inner = ReadList();
        tokens.Expect(")");
        return inner;
    }

    private List<T> ReadItems<T>(string close, Func<T> read)
    {
        List<T> items = [];
        while (!tokens.TryTake(close))
        {
            if (items.Count > 0)
            {
                tokens.Expect(",");
                if (tokens.TryTake(close))
                    break;
            }
            items.Add(read());
        }
        return items;
    }

    private static Literal Whole(TemplateToken token) =>
        long.TryParse(token.Value.Replace("_", ""), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? new Literal(number)
            : throw new TemplateError($"{token.Value} is too large a number", token.Line);
}
