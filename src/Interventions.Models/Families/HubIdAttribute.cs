namespace Interventions.Models;

/// <summary>
/// Says where the checkpoint of a declared decoder is published. The generator adds the constant <c>HubId</c>, and <c>Load()</c> without
/// a path loads from there.
/// </summary>
/// <example><code>
/// [HookedModel("config.json"), HubId("openai-community/gpt2")]
/// sealed partial class MyModel;
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class HubIdAttribute : Attribute
{
    /// <summary>Says the id.</summary>
    /// <param name="id">A hub id, optionally with a revision.</param>
    public HubIdAttribute(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        Id = id;
    }

    /// <summary>The hub id.</summary>
    public string Id { get; }
}
