using Interventions.Generators.Infrastructure;

namespace Interventions.Generators.Emission;

/// <summary>
/// Writes a model's sites as constants, for attributes and for editors to complete. A site has three, however many layers there are:
/// <c>Sites.Blocks.All.Attn.Z</c> is every layer (<c>blocks.*.attn.z</c>), <c>Sites.Blocks.Each.Attn.Z</c> one at a time
/// (<c>blocks.{layer}.attn.z</c>), and <c>Sites.Blocks.Inside.Attn.Z</c> the part behind the layers that the user writes: <c>"blocks.3." +
/// …</c>.
/// </summary>
internal static class SitesEmitter
{
    public static void Emit(SourceWriter writer, ModelSchema schema)
    {
        var root = new Folder("The sites as constants. Selectors are added: <c>Sites.Blocks.Each.Attn.Z + \"[head=3]\"</c>.");
        foreach (SiteDefinition site in schema.Sites)
            Add(root, site);
        Write(writer, SiteNames.Class, root);
    }

    private static void Add(Folder root, SiteDefinition site)
    {
        List<string> segments = site.Path.Split('.').ToList();
        string axes = string.Join(", ", site.Axes);
        int layer = segments.IndexOf(SiteNames.Layer);
        if (layer < 0)
        {
            root.Add(segments, site.Path, axes);
            return;
        }
        string before = string.Join(".", segments.Take(layer));
        Folder around = root;
        foreach (string segment in segments.Take(layer))
            around = around.Child(segment, About(segment));
        List<string> inside = segments.Skip(layer + 1).ToList();
        if (inside.Count == 0)
        {
            // The layer itself is the site.
            around.Add([SiteNames.All], before + ".*", axes);
            around.Add([SiteNames.Each], site.Path, axes);
            return;
        }
        string after = string.Join(".", inside);
        around.Child(SiteNames.All, $"Every layer: <c>{before}.*</c>.").Add(inside, $"{before}.*.{after}", axes);
        around.Child(SiteNames.Each, $"One layer at a time: <c>{before}.{SiteNames.Layer}</c> sweeps.").Add(inside, site.Path, axes);
        around.Child(SiteNames.Inside, $"What follows the layers that you choose: <c>\"{before}.3.\" + …</c>.").Add(inside, after, axes);
    }

    private static void Write(SourceWriter writer, string name, Folder folder)
    {
        writer.Summary(folder.Summary).Open($"public static class {name}");
        foreach ((string segment, string path, string axes) in folder.Sites)
        {
            // A member can be called neither like its class nor like a class beside it.
            string constant = Name(segment, folder.Children.Select(child => Name(child.Segment, name)).Append(name).ToArray());
            writer.Summary($"<c>{path}</c>: <c>[{axes}]</c>.").Line($"public const string {constant} = {Literals.Quote(path)};");
        }
        bool isFirst = folder.Sites.Count == 0;
        foreach ((string segment, Folder child) in folder.Children)
        {
            if (!isFirst)
                writer.Line();
            isFirst = false;
            Write(writer, Name(segment, name), child);
        }
        writer.Close();
    }

    private static string Name(string segment, params string[] taken) =>
        segment is SiteNames.All or SiteNames.Each or SiteNames.Inside ? segment : SiteNames.Of(segment, taken);

    private static string About(string segment) => $"Sites of <c>{segment}</c>.";

    /// <summary>A class of constants: sites, and classes of more.</summary>
    private sealed class Folder(string summary)
    {
        public string Summary { get; } = summary;

        public List<(string Segment, string Path, string Axes)> Sites { get; } = [];

        public List<(string Segment, Folder Folder)> Children { get; } = [];

        public void Add(IReadOnlyList<string> segments, string path, string axes)
        {
            Folder at = this;
            for (int i = 0; i < segments.Count - 1; i++)
                at = at.Child(segments[i], About(segments[i]));
            at.Sites.Add((segments[segments.Count - 1], path, axes));
        }

        public Folder Child(string segment, string summary)
        {
            Folder? known = Children.Find(child => child.Segment == segment).Folder;
            if (known is null)
                Children.Add((segment, known = new Folder(summary)));
            return known;
        }
    }
}
