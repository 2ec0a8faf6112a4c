namespace Interventions.Generators.Infrastructure;

/// <summary>The properties of a diagnostic that a code fix reads. This file is linked into the assembly of the code fixes.</summary>
internal static class FixProperties
{
    /// <summary>The whole text, repaired.</summary>
    public const string Suggestion = "Suggestion";

    /// <summary>What is different after the repair.</summary>
    public const string Remark = "Remark";

    /// <summary>The literal that replaces an expression.</summary>
    public const string Literal = "Literal";
}
