using System.ComponentModel;

namespace Interventions.Runtime;

/// <summary>
/// A site path of a generic intervention. The generator writes it for the analyzer of other assemblies: closed uses of the class are
/// checked there, where its private members are not seen.
/// </summary>
/// <param name="member">The member, or the attribute of the class, that has the path.</param>
/// <param name="path">The site path, selectors included.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class DeclaredSiteAttribute(string member, string path) : Attribute
{
    /// <summary>The member, or the attribute of the class, that has the path.</summary>
    public string Member { get; } = member;

    /// <summary>The site path, selectors included.</summary>
    public string Path { get; } = path;
}
