using System.Globalization;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Generators.Infrastructure;

/// <summary>Names and values as C# text.</summary>
internal static class Literals
{
    /// <summary>A string literal.</summary>
    public static string Quote(string text) => SymbolDisplay.FormatLiteral(text, quote: true);

    /// <summary>An integer literal.</summary>
    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A floating-point literal.</summary>
    public static string Number(double value) =>
        double.IsNaN(value) ? "double.NaN" :
        double.IsInfinity(value) ? (value > 0 ? "double.PositiveInfinity" : "double.NegativeInfinity") :
        value.ToString("R", CultureInfo.InvariantCulture) + "d";

    /// <summary>A truth value.</summary>
    public static string Truth(bool value) => value ? "true" : "false";

    /// <summary>Several string literals, separated by commas.</summary>
    public static string QuoteAll(IEnumerable<string> texts) => string.Join(", ", texts.Select(Quote));

    /// <summary>A string literal, or <c>null</c>.</summary>
    public static string QuoteOrNull(string? text) => text is null ? "null" : Quote(text);

    /// <summary>An identifier, with <c>@</c> where it is a keyword.</summary>
    public static string Identifier(string name) =>
        SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None && SyntaxFacts.GetContextualKeywordKind(name) == SyntaxKind.None
            ? name
            : "@" + name;

    /// <summary>Text for a documentation comment.</summary>
    public static string Xml(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    /// <summary>
    /// A property's name for a vocabulary's word: <c>clean</c> becomes <c>Clean</c>, <c>noise_1</c> becomes <c>Noise1</c>.
    /// </summary>
    public static string Pascal(string name)
    {
        var text = new System.Text.StringBuilder();
        bool start = true;
        foreach (char c in name)
        {
            if (char.IsLetterOrDigit(c))
                text.Append(start ? char.ToUpperInvariant(c) : c);
            start = !char.IsLetterOrDigit(c);
        }
        return text.Length == 0 || char.IsDigit(text[0]) ? "_" + text : text.ToString();
    }
}
