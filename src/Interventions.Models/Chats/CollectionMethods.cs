namespace Interventions.Models.Chats;

/// <summary>The methods of lists and maps, as in Python. None changes a value.</summary>
internal static class CollectionMethods
{
    private static readonly Dictionary<string, Func<TemplateRun, TemplateMap, TemplateArguments, object?>> s_ofMaps =
        new(StringComparer.Ordinal)
        {
            ["items"] = (run, map, _) => Items(run, map),
            ["keys"] = (run, map, _) => new TemplateList(Operators.Iterate(run, map)),
            ["values"] = (_, map, _) => new TemplateList([.. map.Items.Values]),
            ["get"] = (_, map, arguments) => arguments.Bind("key", "default") is var bound
                && bound[0] is TracedText key && map.Items.TryGetValue(key.Text, out object? value)
                    ? value
                    : bound[1] == (object)TemplateArguments.Absent ? null : bound[1],
            ["copy"] = (_, map, _) => map,
        };

    private static readonly Dictionary<string, Func<TemplateRun, TemplateList, TemplateArguments, object?>> s_ofLists =
        new(StringComparer.Ordinal)
        {
            ["count"] = (run, list, arguments) =>
                arguments.Only("value") is var value ? (long)list.Items.Count(item => Operators.AreEqual(run, item, value)) : 0L,
            ["index"] = (run, list, arguments) => arguments.Only("value") is var value
                && list.Items.Index().Where(pair => Operators.AreEqual(run, pair.Item, value)).ToArray() is [var (index, _), ..]
                    ? (long)index : throw new TemplateError("the list does not have the value whose index is asked for"),
        };

    private static readonly HashSet<string> s_changing =
        ["append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem"];

    public static Func<TemplateRun, TemplateMap, TemplateArguments, object?>? OfMap(string name) => s_ofMaps.GetValueOrDefault(name);

    public static Func<TemplateRun, TemplateList, TemplateArguments, object?>? OfList(string name) => s_changing.Contains(name)
        ? throw new TemplateError($"'{name}' would change a list, which templates may not do")
        : s_ofLists.GetValueOrDefault(name);

    /// <summary>The pairs of a map.</summary>
    public static TemplateList Items(TemplateRun run, TemplateMap map)
    {
        run.Charge(map.Items.Count);
        return new TemplateList([.. map.Items.Select(pair => new TemplateList([(TracedText)pair.Key, pair.Value], isTuple: true))]);
    }
}
