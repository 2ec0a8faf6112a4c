namespace Interventions.Generators.Specs;

/// <summary>
/// The names of generated members. Rules compare declared members with them; the emitters of interventions and of results write the same
/// names, so a member that is added there is added here.
/// </summary>
internal static class ResultNames
{
    /// <summary>The members that the generator adds to an intervention.</summary>
    public static IReadOnlyCollection<string> Reserved { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "Graph", "Members", "Run", "StreamAsync", "RunTo", "Load", "Result", "RunValues", "Swept", "Generate", "Generated", "Generation",
    };

    /// <summary>The members that every result inherits.</summary>
    public static IReadOnlyCollection<string> Inherited { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "Dispose", "Effects", "Equals", "GetHashCode", "GetType", "Prompts", "Save", "SaveCsv", "ToString", "Warnings",
    };

    /// <summary>The gradient of a parameter: <c>InnerDirectionGradient</c> for <c>Inner.Direction</c>.</summary>
    public static string Gradient(string parameter) => parameter.Replace(".", "") + "Gradient";

    /// <summary>The mask of a kept value: <c>AttentionMask</c> for <c>Attention</c>.</summary>
    public static string Mask(string method) => method + "Mask";
}
