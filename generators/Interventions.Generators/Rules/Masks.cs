using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks masks: what is said about the values that are mixed in is read.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Masks() : InterventionAnalyzer(UnreadOption)
{
    public static readonly DiagnosticDescriptor UnreadOption = Rule.Composition(
        "INV239", "What is said of an ablation is read", Sentences.UnreadOption);

    private static readonly (string Option, WriteKind[] Readers)[] s_options =
    [
        ("From", [WriteKind.Mix, WriteKind.Mean, WriteKind.Resample]),
        ("Over", [WriteKind.Mean]),
        ("Pooled", [WriteKind.Mean]),
        ("AcrossTemplates", [WriteKind.Mean]),
        ("Seed", [WriteKind.Resample]),
    ];

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.Kind != WriteKind.Mix)
                continue;
            foreach ((string option, WriteKind[] readers) in s_options)
                if (!readers.Contains(write.ValueKind) && write.Attribute.NamedExpression(option) is ExpressionSyntax said)
                    yield return new Problem(
                        UnreadOption, said.GetLocation(), write.Property!.Name, option,
                        write.Ablation is { } ablation ? $"Ablation.{ablation}" : "another run's value");
        }
    }
}
