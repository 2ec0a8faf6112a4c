using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Configs;

/// <summary>What is wrong with a configuration file, and where. It never leaves <see cref="ConfigParser"/>.</summary>
internal sealed class ConfigException(string message, TextSpan span, bool isSyntax) : Exception(message)
{
    /// <summary>Where in the file.</summary>
    public TextSpan Span { get; } = span;

    /// <summary>Whether the file is not JSON at all.</summary>
    public bool IsSyntax { get; } = isSyntax;
}
