using System;
using System.Collections.Generic;
using System.Globalization;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>The grammar of site paths, by recursive descent. The first mistake ends it.</summary>
/// <remarks>
/// <code>
/// path      = segment { "." segment } [ "[" selector { ";" selector } "]" ]
/// segment   = name | "*" | integer | "[" [ "!=" ] items "]" | sweep
/// selector  = name ( "=" ( "*" | items | sweep ) | "!=" items )
/// sweep     = "{" name [ ( "=" | "!=" ) items ] "}"
/// items     = item { "," item }
/// item      = range | name [ ( "+" | "-" ) digits ] | "named" | "prompt" | "new" [ "+" digits [ ".." digits ] ]
/// range     = integer [ ".." [ integer ] ] | ".." integer
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
            PathIndices items = Items(null, start, allowNames: false, Except());
            Expect(']', "closes the list");
            return Indices(start, items with { Span = Since(start) });
        }
        if (Current == '{')
            return Indices(start, Sweep(axis: null));
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
        if (before.Count > 0 && (IsDigit(Current) || Current == '-'))
            throw Separator(_text.LastIndexOf(';', _at), ',', "the indices of one axis are separated by ','");
        if (!IsNameStart(Current))
            throw Missing("a selector is missing, such as 'pos=end'");
        string axis = Name();
        PathSpan span = Since(start);
        if (before.Exists(selector => selector.Axis == axis))
            throw Error(span.Start, span.Length, $"'{axis}' is selected twice; list its indices, as in '{axis}=0,2'");
        Blank();
        bool except = Except();
        if (!except)
            Expect('=', $"follows '{axis}'");
        Blank();
        int value = _at;
        if (Current == '[')
            throw Error(_at, 1, $"a selector lists its indices as they are, without brackets of their own: '{axis}=0,2'");
        PathIndices indices =
            !except && Accept('*') ? new PathIndices(Selection.All, default, Since(value)) :
            !except && Current == '{' ? Sweep(axis) :
            Items(null, value, allowNames: true, except);
        Blank();
        return new PathSelector(axis, span, indices);
    }

    /// <param name="axis">The selector's axis; null for a layer, whose indices have no names.</param>
    private PathIndices Sweep(string? axis)
    {
        int start = _at;
        Expect('{', "opens a placeholder");
        Blank();
        if (!IsNameStart(Current))
            throw Missing("a placeholder needs a name, as in '{layer}'");
        string name = Name();
        Blank();
        bool except = Except();
        if (except && axis is not null && SiteResolver.IsPositionAxis(axis))
            throw Error(start, _at - start, $"each prompt has other positions left: list those that '{{{name}}}' goes through");
        PathIndices indices = except || Accept('=')
            ? Items(name, start, allowNames: axis is not null, except)
            : new PathIndices(new Selection(name, default), default, default);
        Expect('}', "closes the placeholder");
        return indices with { Span = Since(start) };
    }

    private PathIndices Items(string? placeholder, int start, bool allowNames, bool except = false)
    {
        var items = new List<SelectionItem>();
        var spans = new List<PathSpan>();
        do
        {
            Blank();
            int from = _at;
            items.Add(Item(allowNames));
            spans.Add(Since(from));
            if (except && items[items.Count - 1].Name is NewTokens.New or NewTokens.Prompt)
                throw Error(from, _at - from, "the tokens of the prompt and new ones are selected by name, as in 'pos=new'");
            Blank();
            if (placeholder is null && items.Count > 1 && allowNames && Current is '=' or '!')
                throw Separator(_text.LastIndexOf(',', from), ';', "selectors are separated by ';'");
        }
        while (Accept(','));
        int end = spans[spans.Count - 1].Start + spans[spans.Count - 1].Length;
        var listed = new Selection(placeholder, items.ToEquatableArray()) { Except = except };
        return new PathIndices(listed, spans.ToEquatableArray(), new PathSpan(start, end - start));
    }

    private SelectionItem Item(bool allowNames)
    {
        if (IsDigit(Current) || Current is '-' or '.' or ':')
            return Range();
        if (!allowNames)
            throw Missing("a number is missing, as in '3', '6..8' or '1,3'");
        if (!IsNameStart(Current))
            throw Missing("a number or a position's name is missing");
        string name = Name();
        if (name == NewTokens.New)
            return NewToken();
        int offset = 0;
        if ((Current == '+' || Current == '-') && NewTokens.IsReserved(name))
            throw Missing($"'{name}' is several tokens; 'end+1' is counted from one");
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

    /// <summary>An index or a range. A range without a start or an end goes from the first index, or to the last one.</summary>
    private SelectionItem Range()
    {
        int start = _at;
        int? first = IsDigit(Current) || Current == '-' ? Integer() : null;
        if (Current is ':' or '-')
            throw ForeignRange(start, first);
        if (first is { } one && Current != '.')
            return new SelectionItem(null, one, one);
        Expect('.', "makes a range, as in '2..5'");
        Expect('.', "makes a range, as in '2..5'");
        int? last = IsDigit(Current) || Current == '-' ? Integer() : null;
        if (first is null && last is null)
            throw Error(start, 2, "a range has a start or an end, as in '2..' or '..5'; '*' is all");
        var range = new SelectionItem(null, first ?? 0, last ?? -1);
        // Ends of different signs can be compared only with the axis's length.
        return range.First > range.Last && (range.First < 0) == (range.Last < 0)
            ? throw Error(start, _at - start, $"the range {first}..{last} is empty; write {last}..{first}")
            : range;
    }

    /// <summary>A range as others write it: <c>0:63</c>, as in Python, whose end is not included, or <c>0-2</c>.</summary>
    private SyntaxException ForeignRange(int start, int? first)
    {
        bool isSlice = Current == ':';
        _at++;
        int? last = IsDigit(Current) || (isSlice && Current == '-') ? Integer() : null;
        // A slice with steps is a list, one that ends with 0 is empty, and one without ends is everything.
        if (last == 0 || (first is null && last is null) || (isSlice ? Current == ':' : last is null))
            return Error(start, _at - start, "indices are listed, as in '0,2,4', or make a range, which includes its end, as in '2..5'");
        string meant = $"{first}..{(isSlice ? last - 1 : last)}";
        return Replaced(start, _at - start, meant, $"a range is written with two dots and includes its end: '{meant}'");
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

    /// <summary>Whether every other index is meant.</summary>
    private bool Except()
    {
        if (!Accept('!'))
            return false;
        Expect('=', "follows '!'");
        return true;
    }

    private PathSpan Since(int start) => new(start, _at - start);

    /// <summary>Something is missing here: the squiggle is under the next character, or under the last one at the end.</summary>
    private SyntaxException Missing(string message) =>
        _at < _text.Length ? Error(_at, 1, message) : Error(Math.Max(0, _text.Length - 1), Math.Min(1, _text.Length), message);

    private SyntaxException Error(int start, int length, string message, string? repaired = null) =>
        new(new SiteProblem(SiteProblemKind.Syntax, $"'{_text}' is not a path: {message}", start, length, repaired));

    /// <summary>A part of the text for which another one is meant.</summary>
    private SyntaxException Replaced(int start, int length, string meant, string message) =>
        Error(start, length, message, SiteResolver.Replace(_text, new PathSpan(start, length), meant));

    private SyntaxException Separator(int at, char meant, string message)
    {
        SyntaxException repaired = Replaced(at, 1, meant.ToString(), message);
        return Replaced(at, 1, meant.ToString(), $"{message}: '{repaired.Problem.Suggestion}'");
    }

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
