namespace Interventions.Generators.Infrastructure;

/// <summary>How the properties of generated results are called.</summary>
internal static class ResultNames
{
    /// <summary>The gradient of a parameter: <c>InnerDirectionGradient</c> for <c>Inner.Direction</c>.</summary>
    public static string Gradient(string parameter) => parameter.Replace(".", "") + "Gradient";
}
