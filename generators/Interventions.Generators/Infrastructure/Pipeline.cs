using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>What all generators begin and end with: classes that have an attribute, and a file for each.</summary>
internal static class Pipeline
{
    /// <summary>What the classes with an attribute declare; null where nothing can be added to one.</summary>
    public static IncrementalValuesProvider<T?> Classes<T>(
        this IncrementalGeneratorInitializationContext context, string attribute, string trackingName, Func<GeneratorAttributeSyntaxContext, CancellationToken, T?> parse)
        where T : class =>
        context.SyntaxProvider.ForAttributeWithMetadataName(attribute, static (node, _) => node is TypeDeclarationSyntax, parse).WithTrackingName(trackingName);

    /// <summary>Writes a file for each that declares something.</summary>
    public static void Write<T>(
        this IncrementalGeneratorInitializationContext context, IncrementalValuesProvider<T?> models, Func<T, string> hintName, Func<T, string> emit)
        where T : class =>
        context.RegisterSourceOutput(models, (output, model) =>
        {
            if (model is not null)
                output.AddSource(hintName(model), emit(model));
        });
}
