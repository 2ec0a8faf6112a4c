using System;
using System.Collections.Generic;
using System.Globalization;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>The grammar of site paths, by recursive descent. The first mistake ends it.</summary>
/// <remarks>
/// <code>
/// path      = segment { "." segment } [ "[" selector { ";" selector } "]" ]
/// segment   = name | "*" | integer | "[" items "]" | sweep
/// selector  = name "=" ( "*" | items | sweep )
/// sweep     = "{" name [ "=" items ] "}"
/// items     = item { "," item }
/// item      = integer [ ".." integer ] | name [ ( "+" | "-" ) digits ] | "prompt" | "new" [ "+" digits [ ".." digits ] ]
/// </code>
/// </remarks>
internal sealed class SitePathParser
{
    private readonly string _text;
    private int _at;

    public SitePathParser(string text) => _text = text;

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    public SitePath Path()
    {
        var segments = new List<PathSegment> { Segment() };
        while (Accept('.'))
            segments.Add(Segment());
        var selectors = new List<PathSelector>();
        if (Accept('['))
        {
            do
                selectors.Add(Selector(selectors));
            while (Accept(';'));
            Expect(']', "closes the selectors");
        }
        if (_at < _text.Length)
            throw Error(_at, _text.Length - _at, $"'{_text.Substring(_at)}' does not belong to a path");
        return new SitePath(_text, segments.ToEquatableArray(), selectors.ToEquatableArray());
    }

    /// <summary>A position alone, as in <c>At = "S1+1"</c>.</summary>
    public SelectionItem Position()
    {
        SelectionItem item = Item(allowNames: true);
        if (_at < _text.Length)
            throw Error(_at, _text.Length - _at, $"'{_text.Substring(_at)}' does not belong to a position");
        // Of the new tokens there is one at a time.
        if (item != NewTokens.Every && item.First != item.Last)
            throw Error(0, _text.Length, $"'{_text}' is several positions; one is needed");
        return item;
    }

    private PathSegment Segment()
    {
        int start = _at;
        if (Accept('*'))
            return Indices(start, new PathIndices(Selection.All, default, Since(start)));
        if (Accept('['))
        {
            PathIndices items = Items(null, start, allowNames: false);
            Expect(']', "closes the list");
            return Indices(start, items with { Span = Since(start) });
        }
        if (Current == '{')
            return Indices(start, Sweep(allowNames: false));
        if (IsDigit(Current) || Current == '-')
        {
            int index = Integer();
            if (IsNameStart(Current))
                throw Error(
                    start, NameEnd() - start, $"'{_text.Substring(start, NameEnd() - start)}' is neither a number nor a name");
            var item = new SelectionItem(null, index, index);
            var one = new Selection(null, EquatableArray.Of(item));
            return Indices(start, new PathIndices(one, EquatableArray.Of(Since(start)), Since(start)));
        }
        if (!IsNameStart(Current))
            throw Missing(start == 0 ? "a path starts with a name, such as 'blocks'" : "a name, a layer, '*', '[…]' or '{…}' is missing");
        return new PathSegment(Name(), null, Since(start));

        PathSegment Indices(int from, PathIndices indices) => new(null, indices, Since(from));
    }

    private PathSelector Selector(List<PathSelector> before)
    {
        Blank();
        int start = _at;
        if (!IsNameStart(Current))
            throw Missing("a selector is missing, such as 'pos=end'");
        string axis = Name();
        PathSpan span = Since(start);
        if (before.Exists(selector => selector.Axis == axis))
            throw Error(span.Start, span.Length, $"'{axis}' is selected twice; list its indices, as in '{axis}=0,2'");
        Blank();
        Expect('=', $"follows '{axis}'");
        Blank();
        int value = _at;
        PathIndices indices =
            Accept('*') ? new PathIndices(Selection.All, default, Since(value)) :
            Current == '{' ? Sweep(allowNames: true) :
            Items(null, value, allowNames: true);
        Blank();
        return new PathSelector(axis, span, indices);
    }

    private PathIndices Sweep(bool allowNames)
    {
        int start = _at;
        Expect('{', "opens a placeholder");
        Blank();
        if (!IsNameStart(Current))
            throw Missing("a placeholder needs a name, as in '{layer}'");
        string name = Name();
        Blank();
        PathIndices indices = Accept('=')
            ? Items(name, start, allowNames)
            : new PathIndices(new Selection(name, default), default, default);
        Expect('}', "closes the placeholder");
        return indices with { Span = Since(start) };
    }

    private PathIndices Items(string? placeholder, int start, bool allowNames)
    {
        var items = new List<SelectionItem>();
        var spans = new List<PathSpan>();
        do
        {
            Blank();
            int from = _at;
            items.Add(Item(allowNames));
            spans.Add(Since(from));
            Blank();
        }
        while (Accept(','));
        int end = spans[spans.Count - 1].Start + spans[spans.Count - 1].Length;
        var listed = new Selection(placeholder, items.ToEquatableArray());
        return new PathIndices(listed, spans.ToEquatableArray(), new PathSpan(start, end - start));
    }

    private SelectionItem Item(bool allowNames)
    {
        int start = _at;
        if (IsDigit(Current) || Current == '-')
        {
            int first = Integer();
            if (!Accept('.'))
                return new SelectionItem(null, first, first);
            Expect('.', "makes a range, as in '2..5'");
            if (!IsDigit(Current) && Current != '-')
                throw Missing("a range ends with a number, included in it, as in '2..5'");
            int last = Integer();
            // Ends of different signs can be compared only with the axis's length.
            if (first > last && (first < 0) == (last < 0))
                throw Error(start, _at - start, $"the range {first}..{last} is empty; write {last}..{first}");
            return new SelectionItem(null, first, last);
        }
        if (!allowNames)
            throw Missing("a number is missing, as in '3', '6..8' or '1,3'");
        if (!IsNameStart(Current))
            throw Missing("a number or a position's name is missing");
        string name = Name();
        if (name == NewTokens.New)
            return NewToken();
        int offset = 0;
        if ((Current == '+' || Current == '-') && name == NewTokens.Prompt)
            throw Missing("'prompt' is all tokens of the prompt; 'end+1' is counted from its last one");
        if (Current == '+' || Current == '-')
        {
            int sign = Current == '+' ? 1 : -1;
            _at++;
            if (!IsDigit(Current))
                throw Missing($"a number of tokens follows '{(sign > 0 ? '+' : '-')}', as in '{name}+1'");
            offset = sign * Integer();
        }
        return new SelectionItem(name, offset, offset);
    }

    /// <summary>
    /// New tokens are counted from 0: <c>new</c> is each of them, <c>new+3</c> the fourth, <c>new+0..4</c> the first five.
    /// </summary>
    private SelectionItem NewToken()
    {
        if (!Accept('+'))
            return Current == '-' ? throw Missing("new tokens are counted from the first one, as in 'new+0'") : NewTokens.Every;
        int start = _at;
        if (!IsDigit(Current))
            throw Missing("a number of tokens follows '+', as in 'new+3'");
        int first = Integer(), last = first;
        if (Accept('.'))
        {
            Expect('.', "makes a range, as in 'new+0..4'");
            if (!IsDigit(Current))
                throw Missing("a range ends with a number, included in it, as in 'new+0..4'");
            last = Integer();
        }
        return first <= last
            ? new SelectionItem(NewTokens.New, first, last)
            : throw Error(start, _at - start, $"the range {first}..{last} is empty; write {last}..{first}");
    }

    private int Integer()
    {
        int start = _at;
        if (Current == '-')
            _at++;
        if (!IsDigit(Current))
            throw Missing("digits are missing after '-'");
        while (IsDigit(Current))
            _at++;
        string digits = _text.Substring(start, _at - start);
        return int.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Error(start, _at - start, $"{digits} is too large");
    }

    private string Name()
    {
        int start = _at;
        _at = NameEnd();
        return _text.Substring(start, _at - start);
    }

    private int NameEnd()
    {
        int end = _at;
        while (end < _text.Length && (IsNameStart(_text[end]) || IsDigit(_text[end])))
            end++;
        return end;
    }

    private void Blank()
    {
        while (Current == ' ')
            _at++;
    }

    private bool Accept(char expected)
    {
        if (Current != expected || _at >= _text.Length)
            return false;
        _at++;
        return true;
    }

    private void Expect(char expected, string role)
    {
        if (!Accept(expected))
            throw Missing($"'{expected}', which {role}, is missing");
    }

    private PathSpan Since(int start) => new(start, _at - start);

    /// <summary>Something is missing here: the squiggle is under the next character, or under the last one at the end.</summary>
    private SyntaxException Missing(string message) =>
        _at < _text.Length ? Error(_at, 1, message) : Error(Math.Max(0, _text.Length - 1), Math.Min(1, _text.Length), message);

    private SyntaxException Error(int start, int length, string message) =>
        new(new SiteProblem(SiteProblemKind.Syntax, $"'{_text}' is not a path: {message}", start, length));

    private static bool IsDigit(char c) => c is >= '0' and <= '9';

    private static bool IsNameStart(char c) => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_';

    internal sealed class SyntaxException : Exception
    {
        public SyntaxException(SiteProblem problem)
            : base(problem.Message) => Problem = problem;

        public SiteProblem Problem { get; }
    }
}

/// <summary>A placeholder that stands alone, in place of a strength or a run: <c>{alpha}</c>.</summary>
internal static class BracedName
{
    /// <summary>The name inside the braces; null when the text is none.</summary>
    public static string? Read(string? text) =>
        text is { Length: > 2 } && text[0] == '{' && text[text.Length - 1] == '}' && IsName(text.Substring(1, text.Length - 2))
            ? text.Substring(1, text.Length - 2)
            : null;

    /// <summary>Whether a placeholder can have this name: a path must be able to spell it.</summary>
    public static bool IsName(string text)
    {
        for (int i = 0; i < text.Length; i++)
            if (text[i] is not ((>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_') && (i == 0 || text[i] is not (>= '0' and <= '9')))
                return false;
        return text.Length > 0;
    }
}
