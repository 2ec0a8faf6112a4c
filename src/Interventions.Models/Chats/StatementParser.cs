namespace Interventions.Models.Chats;

/// <summary>Reads a template's statements.</summary>
internal sealed class StatementParser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;

    private StatementParser(TokenReader tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <exception cref="TemplateError">The text is no template, or uses a tag that is not supported.</exception>
    public static IReadOnlyList<Statement> Read(string source)
    {
        StatementParser parser = new(new TokenReader(TemplateLexer.Read(source)));
        return parser.ReadBody("the template", 1);
    }

    /// <summary>Statements up to one of the tags that end them, whose name is the current token then.</summary>
    /// <param name="of">What they belong to.</param>
    /// <param name="line">The line of that.</param>
    /// <param name="ends">The tags; none: the end of the template.</param>
    private List<Statement> ReadBody(string of, int line, params string[] ends)
    {
        List<Statement> body = [];
        while (true)
        {
            TemplateToken token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    body.Add(new TextStatement(token.Line, token.Value));
                    break;
                case TokenKind.Output:
                    body.Add(new OutputStatement(token.Line, _expressions.ReadList()));
                    _tokens.Take(TokenKind.OutputEnd, "'}}'");
                    break;
                case TokenKind.Tag when _tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Value):
                    return body;
                case TokenKind.Tag:
                    body.Add(_tokens.Nested(ReadTag));
                    break;
                default:
                    return ends.Length == 0
                        ? body
                        : throw new TemplateError($"'{of}' is not closed: {{% {ends[^1]} %}} is missing", line);
            }
        }
    }

    private Statement ReadTag()
    {
        TemplateToken name = _tokens.Take(TokenKind.Name, "a tag's name");
        Statement statement = name.Value switch
        {
            "if" => ReadIf(name.Line),
            "for" => ReadFor(name.Line),
            "set" => ReadSet(name.Line),
            "macro" => ReadMacro(name.Line),
            "filter" => ReadFilter(name.Line),
            "generation" => new InnerStatement(name.Line, ReadBlock("generation", name.Line)),
            "break" => new JumpStatement(name.Line, Flow.Break),
            "continue" => new JumpStatement(name.Line, Flow.Continue),
            "else" or "elif" or "endif" or "endfor" or "endset" or "endmacro" or "endfilter" or "endgeneration" =>
                throw new TemplateError($"'{name.Value}' ends nothing that is open", name.Line),
            string other => throw TemplateError.Unsupported($"the tag '{other}'", name.Line),
        };
        CloseTag();
        return statement;
    }

    private void CloseTag() => _tokens.Take(TokenKind.TagEnd, "'%}'");

    /// <summary>The rest of a tag, and what follows up to its end, whose name is left behind.</summary>
    private List<Statement> ReadBlock(string name, int line)
    {
        CloseTag();
        List<Statement> body = ReadBody(name, line, "end" + name);
        _tokens.Take();
        return body;
    }

    private IfStatement ReadIf(int line)
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        for (string branch = "if"; branch != "endif"; branch = _tokens.Take().Value)
        {
            Expression? condition = branch == "else" ? null : _expressions.ReadList(conditional: false);
            CloseTag();
            branches.Add((condition, branch == "else" ? ReadBody("if", line, "endif") : ReadBody("if", line, "elif", "else", "endif")));
        }
        return new(line, branches);
    }

    private ForStatement ReadFor(int line)
    {
        Target target = ReadTarget();
        _tokens.ExpectName("in");
        Expression items = _expressions.ReadList(conditional: false);
        Expression? condition = _tokens.TryTakeName("if") ? _expressions.Read() : null;
        if (_tokens.Current.IsName("recursive"))
            throw TemplateError.Unsupported("a recursive loop", line);
        CloseTag();
        List<Statement> body = ReadBody("for", line, "else", "endfor"), otherwise = [];
        if (_tokens.Take().Value == "else")
        {
            CloseTag();
            otherwise = ReadBody("for", line, "endfor");
            _tokens.Take();
        }
        return new(line, target, items, condition, body, otherwise);
    }

    private Statement ReadSet(int line)
    {
        Target target = ReadTarget();
        if (_tokens.TryTake("="))
            return new SetStatement(line, target, _expressions.ReadList());
        Expression filtered = _expressions.ReadFilters(new NameExpression(BlockStatement.BlockName));
        return new BlockStatement(line, target, filtered, ReadBlock("set", line));
    }

    private BlockStatement ReadFilter(int line)
    {
        Expression filtered = _expressions.ReadFilters(_expressions.ReadFilter(new NameExpression(BlockStatement.BlockName)));
        return new(line, Target: null, filtered, ReadBlock("filter", line));
    }

    private MacroStatement ReadMacro(int line)
    {
        string name = _tokens.Take(TokenKind.Name, "the macro's name").Value;
        List<(string, Expression?)> parameters = [];
        _tokens.Expect("(");
        while (!_tokens.TryTake(")"))
        {
            if (parameters.Count > 0)
                _tokens.Expect(",");
            string parameter = _tokens.Take(TokenKind.Name, "a parameter").Value;
            parameters.Add((parameter, _tokens.TryTake("=") ? _expressions.Read() : null));
        }
        return new(line, name, parameters, ReadBlock("macro", line));
    }

    /// <summary>A name, names with commas between them, or a name of a namespace.</summary>
    private Target ReadTarget()
    {
        bool parentheses = _tokens.TryTake("(");
        string first = _tokens.Take(TokenKind.Name, "a name").Value;
        if (!parentheses && _tokens.TryTake("."))
            return new([_tokens.Take(TokenKind.Name, "a name").Value], first);
        List<string> names = [first];
        while (_tokens.TryTake(","))
            names.Add(_tokens.Take(TokenKind.Name, "a name").Value);
        if (parentheses)
            _tokens.Expect(")");
        return new(names);
    }
}
