namespace Interventions;

/// <summary>
/// A model type whose names are checked at compile time. Its schema is its <see cref="SiteAttribute"/>s and <see cref="AxisAttribute"/>s,
/// with those of its base types. The type is <see langword="partial"/>; the generator adds <c>SchemaFingerprint</c>, <c>DeclaredSchema</c>
/// and (for decoders) <c>Load</c>.
/// </summary>
/// <example><code>
/// [ModelSchema]
/// [Axis("layer", 4), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24)]
/// [Axis("d_model", 96), Axis("neuron", 384), Axis("vocab", 347)]
/// public sealed partial class MyModel : Gpt2Model;
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ModelSchemaAttribute : Attribute
{
    /// <summary>The version of the schema's format; 1 today.</summary>
    public int Version { get; init; } = 1;
}

/// <summary>
/// A model type whose sizes come from a Hugging Face <c>config.json</c>, at compile time. The type is <see langword="partial"/>; the
/// generator adds <see cref="ModelSchemaAttribute"/>, the <see cref="AxisAttribute"/>s and their members, and the family's base where none
/// is written.
/// </summary>
/// <example><code>
/// &lt;AdditionalFiles Include="models/gpt2/config.json" /&gt; &lt;!-- in the project --&gt;
///
/// [HookedModel("gpt2/config.json")]
/// public sealed partial class MyModel;
/// </code></example>
/// <param name="config">The file, one of the project's <c>AdditionalFiles</c>: the end of its path.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class HookedModelAttribute(string config) : Attribute
{
    /// <summary>The file: the end of its path.</summary>
    public string Config { get; } = config;
}

/// <summary>A site of the model: its dotted path, with <c>{layer}</c> where one exists a layer, and its axes, outermost first.</summary>
/// <remarks>
/// The order of a type's attributes is the order of computation, base types first: no site is computed from a later one. Sites with
/// <c>{layer}</c> that follow each other are computed layer by layer. A site that a derived type declares again stays in its place. All
/// attributes of a type stand at one of its parts.
/// </remarks>
/// <example><code>
/// [ModelSchema]
/// [Axis("layer", 2), Axis("d_model", 16)]
/// [Site("embed", "batch", "pos", "d_model"), Site("blocks.{layer}.out", "batch", "pos", "d_model")]
/// public abstract partial class MyModel : Interventions.ModelGraphs.HookedModel;
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class SiteAttribute(string path, params string[] axes) : Attribute
{
    /// <summary>The dotted path: <c>blocks.{layer}.attn.z</c>.</summary>
    public string Path { get; } = path;

    /// <summary>The axes, outermost first: <c>batch</c>, <c>pos</c>, <c>head</c>, <c>d_head</c>.</summary>
    public string[] Axes { get; } = axes;

    /// <summary>Whether it is computed in one step with the site of the attribute before it: neither is computed from the other.</summary>
    public bool SameStep { get; init; }

    /// <summary>Whether the model computes its output without it, as long as no intervention writes it.</summary>
    public bool Beside { get; init; }

    /// <summary>Whether its values are whole numbers, int64: they have no gradient, and a write leaves whole numbers.</summary>
    public bool WholeNumbers { get; init; }
}

/// <summary>A site that the model has not although models like it have one: whoever names it reads the reason.</summary>
/// <example><code>
/// [AbsentSite("blocks.{layer}.resid_mid", "attention and feed-forward are added to the same stream")]
/// public abstract partial class MyModel : Interventions.ModelGraphs.HookedModel;
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class AbsentSiteAttribute(string path, string reason) : Attribute
{
    /// <summary>The dotted path, with <c>{layer}</c> where one exists a layer.</summary>
    public string Path { get; } = path;

    /// <summary>Why the model has no such site, as the second half of a sentence.</summary>
    public string Reason { get; } = reason;
}

/// <summary>The length of one of the model's axes.</summary>
/// <example><code>
/// [ModelSchema]
/// [Axis("layer", 4), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24)]
/// [Axis("d_model", 96), Axis("neuron", 384), Axis("vocab", 347)]
/// public sealed partial class MyModel : Gpt2Model;
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class AxisAttribute(string name, int size) : Attribute
{
    /// <summary>The axis: <c>layer</c>, <c>head</c>, <c>kv_head</c>, <c>d_head</c>, <c>d_model</c>, <c>neuron</c>, <c>vocab</c>.</summary>
    public string Name { get; } = name;

    /// <summary>Its length.</summary>
    public int Size { get; } = size;
}

/// <summary>A prompt set whose runs, positions and answers are checked at compile time. The type is <see langword="partial"/>.</summary>
/// <example><code>
/// [PromptSchema(Runs = ["clean", "corrupted", "other"], Positions = ["subject", "end"], Answers = ["right", "wrong"])]
/// public sealed partial class MyPrompts : PromptSet;
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PromptSchemaAttribute : Attribute
{
    /// <summary>The version of the schema's format; 1 today.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The runs. The first is the base run, which writes change. Default: <c>clean</c>, <c>corrupted</c>.</summary>
    public string[] Runs { get; init; } = ["clean", "corrupted"];

    /// <summary>
    /// Named token positions. Every prompt set has <c>end</c>, listed or not: the last token unless a prompt marks it. Default: <c>end</c>.
    /// </summary>
    public string[] Positions { get; init; } = ["end"];

    /// <summary>Named answers, one token a prompt. Default: none.</summary>
    public string[] Answers { get; init; } = [];
}
