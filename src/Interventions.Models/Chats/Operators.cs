namespace Interventions.Models.Chats;

/// <summary>What operators, attributes and items mean for the values of a template. The rules are Python's.</summary>
internal static class Operators
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool truth => truth,
        long number => number != 0,
        double number => number != 0,
        TracedText text => text.Text.Length > 0,
        TemplateList list => list.Items.Count > 0,
        TemplateMap map => map.Items.Count > 0,
        _ => true,
    };

    public static bool AreEqual(TemplateRun run, object? left, object? right)
    {
        run.Charge();
        switch (left, right)
        {
            case (TracedText a, TracedText b):
                run.Charge(Math.Min(a.Text.Length, b.Text.Length));
                return a.Text == b.Text;
            case (TemplateList a, TemplateList b):
                return a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => AreEqual(run, pair.First, pair.Second));
            case (TemplateMap a, TemplateMap b):
                return a.Items.Count == b.Items.Count
                    && a.Items.All(pair => b.Items.TryGetValue(pair.Key, out object? other) && AreEqual(run, pair.Value, other));
            case (Undefined, Undefined):
                return true;
            default:
                return IsNumber(left) && IsNumber(right) ? CompareNumbers(left, right) == 0 : ReferenceEquals(left, right);
        }
    }

    /// <summary>Which of two values comes first: numbers by size, texts by their characters.</summary>
    public static int Compare(object? left, object? right) => (left, right) switch
    {
        (TracedText a, TracedText b) => string.CompareOrdinal(a.Text, b.Text),
        _ when IsNumber(left) && IsNumber(right) => CompareNumbers(left, right),
        _ => throw Mismatch("compared", left, right),
    };

    public static bool Contains(TemplateRun run, object? container, object? item)
    {
        switch (container)
        {
            case TracedText text when item is TracedText part:
                run.Charge(text.Text.Length);
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case TemplateList list:
                return list.Items.Any(other => AreEqual(run, other, item));
            case TemplateMap map:
                return item is TracedText key && map.Items.ContainsKey(key.Text);
            case Undefined:
                return false;
            default:
                throw new TemplateError($"{TemplateText.Describe(item)} cannot be searched in {TemplateText.Describe(container)}");
        }
    }

    public static object? Add(TemplateRun run, object? left, object? right)
    {
        switch (left, right)
        {
            case (TracedText a, TracedText b):
                return run.Join([a, b]);
            case (TemplateList a, TemplateList b):
                run.Charge(a.Items.Count + b.Items.Count);
                return new TemplateList([.. a.Items, .. b.Items]);
            case (TracedText, _) or (_, TracedText) when left is not Undefined && right is not Undefined:
                throw new TemplateError($"{TemplateText.Describe(left)} + {TemplateText.Describe(right)} is neither a sum nor a text");
            default:
                return Arithmetic("+", left, right);
        }
    }

    public static object? Multiply(TemplateRun run, object? left, object? right)
    {
        if (left is long && right is TracedText or TemplateList)
            (left, right) = (right, left);
        if (left is not (TracedText or TemplateList) || right is not long times)
            return Arithmetic("*", left, right);
        int count = (int)Math.Clamp(times, 0, int.MaxValue);
        if (left is TracedText text)
        {
            run.Charge((long)count * (text.Text.Length + 1));
            return TracedText.Join([.. Enumerable.Repeat(text, count)]);
        }
        TemplateList list = (TemplateList)left;
        run.Charge((long)count * (list.Items.Count + 1));
        return new TemplateList([.. Enumerable.Repeat(list.Items, count).SelectMany(items => items)]);
    }

    /// <summary>A number of two: a whole one of two whole ones, but for <c>/</c>.</summary>
    public static object Arithmetic(string op, object? left, object? right)
    {
        if (!IsNumber(left) || !IsNumber(right))
            throw Mismatch($"operands of '{op}'", left, right);
        try
        {
            if (Whole(left) is { } a && Whole(right) is { } b)
            {
                switch (op)
                {
                    case "+": return checked(a + b);
                    case "-": return checked(a - b);
                    case "*": return checked(a * b);
                    case "//" when b != 0: return checked((a / b) - (a % b != 0 && a < 0 != b < 0 ? 1 : 0));
                    case "%" when b != 0: return b == -1 ? 0 : a % b + (a % b != 0 && a < 0 != b < 0 ? b : 0);
                    case "**" when b >= 0: return Power(a, b);
                }
            }
            (double x, double y) = (Number(left), Number(right));
            return op switch
            {
                "/" or "//" or "%" when y == 0 => throw new TemplateError("a number is divided by zero"),
                "+" => x + y,
                "-" => x - y,
                "*" => x * y,
                "/" => x / y,
                "//" => Math.Floor(x / y),
                "%" => x - (y * Math.Floor(x / y)),
                _ => Math.Pow(x, y),
            };
        }
        catch (OverflowException)
        {
            throw new TemplateError($"{left} {op} {right} is too large a number");
        }
    }

    public static object Negative(object? value) => Arithmetic("-", 0L, value);

    /// <summary><c>value.name</c>: a method first, then an item.</summary>
    public static object? Attribute(object? value, string name) => value switch
    {
        TracedText text when TextMethods.Named(name) is { } method => Bound(name, method, text),
        TemplateList list when CollectionMethods.OfList(name) is { } method => Bound(name, method, list),
        TemplateMap map when CollectionMethods.OfMap(name) is { } method => Bound(name, method, map),
        TemplateMap map => map.Items.TryGetValue(name, out object? item)
            ? item : new Undefined($"there is no '{name}' in a map that has {TemplateText.Listed(map.Items.Keys)}"),
        TemplateNamespace names => names.Values.TryGetValue(name, out object? item)
            ? item : new Undefined($"the namespace has no '{name}'"),
        TemplateLoop loop => loop.Attribute(name),
        Undefined missing => throw new TemplateError($"{missing.What}, so it has no '{name}'"),
        _ => new Undefined($"{TemplateText.Describe(value)} has no '{name}'"),
    };

    /// <summary><c>value[key]</c>: an item first, then an attribute.</summary>
    public static object? Item(TemplateRun run, object? value, object? key)
    {
        switch (value, key)
        {
            case (TemplateMap map, TracedText name) when map.Items.TryGetValue(name.Text, out object? item):
                return item;
            case (TemplateList list, long index):
                return (index < 0 ? index + list.Items.Count : index) is var place && place >= 0 && place < list.Items.Count
                    ? list.Items[(int)place]
                    : new Undefined($"there is no item {index} in a list of {list.Items.Count}");
            case (TracedText text, long index):
                run.Charge(text.Text.Length);
                return text.CodePoints().ElementAtOrDefault((int)Math.Clamp(index < 0 ? index + text.Length : index, -1, int.MaxValue))
                    ?? (object)new Undefined($"there is no character {index} in a text of {text.Length}");
            case (_, TracedText name):
                return Attribute(value, name.Text);
            case (Undefined missing, _):
                throw new TemplateError($"{missing.What}, so it has no items");
            default:
                return new Undefined($"{TemplateText.Describe(value)} has no item {TemplateText.Describe(key)}");
        }
    }

    /// <summary><c>value[from:to:step]</c>; what is absent is <see cref="TemplateArguments.Absent"/>.</summary>
    public static object Slice(TemplateRun run, object? value, object? from, object? to, object? step)
    {
        object?[] items = value switch
        {
            TemplateList list => [.. list.Items],
            TracedText text => [.. text.CodePoints()],
            _ => throw new TemplateError($"{TemplateText.Describe(value)} has no parts"),
        };
        run.Charge(items.Length);
        long stride = Bound(step) ?? 1, count = items.Length;
        if (stride == 0)
            throw new TemplateError("the step of a part is 0");
        (long lowest, long highest) = stride > 0 ? (0L, count) : (-1, count - 1);
        long begin = Place(from) ?? (stride > 0 ? lowest : highest), end = Place(to) ?? (stride > 0 ? highest : lowest);
        List<object?> taken = [];
        for (long i = begin; stride > 0 ? i < end : i > end; i += Math.Clamp(stride, -count - 1, count + 1))
            taken.Add(items[i]);
        return value is TracedText ? run.Join([.. taken.Cast<TracedText>()]) : new TemplateList(taken);

        long? Place(object? bound) => Bound(bound) is { } place ? Math.Clamp(place < 0 ? place + count : place, lowest, highest) : null;

        static long? Bound(object? bound) => bound switch
        {
            _ when TemplateArguments.IsNone(bound) => null,
            _ => Whole(bound) ?? throw new TemplateError($"{TemplateText.Describe(bound)} is no place of a part"),
        };
    }

    /// <summary>The values that a loop goes through.</summary>
    public static IReadOnlyList<object?> Iterate(TemplateRun run, object? value)
    {
        IReadOnlyList<object?> items = value switch
        {
            TemplateList list => list.Items,
            TemplateMap map => [.. map.Items.Keys.Select(key => (object?)(TracedText)key)],
            TracedText text => [.. text.CodePoints()],
            Undefined => [],
            _ => throw new TemplateError($"{TemplateText.Describe(value)} cannot be gone through"),
        };
        run.Charge(items.Count);
        return items;
    }

    public static bool IsNumber(object? value) => value is bool or long or double;

    /// <summary>A whole number; true and false are 1 and 0.</summary>
    public static long? Whole(object? value) => value switch
    {
        bool truth => truth ? 1 : 0,
        long number => number,
        _ => null,
    };

    public static double Number(object? value) => value is double number ? number : Whole(value)!.Value;

    private static int CompareNumbers(object? left, object? right) =>
        Whole(left) is { } a && Whole(right) is { } b ? a.CompareTo(b) : Number(left).CompareTo(Number(right));

    private static long Power(long number, long exponent)
    {
        if (number is 0 or 1 or -1)
            return exponent % 2 == 0 && number == -1 ? 1 : exponent == 0 ? 1 : number;
        long product = 1;
        for (long i = 0; i < exponent; i++)
            product = checked(product * number);
        return product;
    }

    private static TemplateFunction Bound<T>(string name, Func<TemplateRun, T, TemplateArguments, object?> method, T value) =>
        new(name, (run, arguments) => method(run, value, arguments));

    private static TemplateError Mismatch(string use, object? left, object? right) => new(
        (left as Undefined ?? right as Undefined) is { } missing
            ? missing.What
            : $"{TemplateText.Describe(left)} and {TemplateText.Describe(right)} cannot be {use}");
}
