using System.ComponentModel;

namespace Interventions.Runtime;

/// <summary>
/// What an abstract intervention hands on. The generator writes it for the generator of other assemblies: classes there may derive from it,
/// and do not see its private members.
/// </summary>
/// <param name="kept">Its kept values, with what is true of them: <c>Attention stacked swept</c>.</param>
/// <param name="placeholders">Its placeholders with the types of their coordinates: <c>int layer</c>.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InheritedAttribute(string[] kept, string[] placeholders) : Attribute
{
    /// <summary>Its kept values, with what is true of them: <c>Attention stacked swept</c>.</summary>
    public string[] Kept { get; } = kept;

    /// <summary>Its placeholders with the types of their coordinates: <c>int layer</c>.</summary>
    public string[] Placeholders { get; } = placeholders;
}
