using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>The first and the last step of every generator: it finds the classes with an attribute, and writes a file for each.</summary>
internal static class Pipeline
{
    /// <summary>Parses each class with an attribute. The result is null where nothing can be added to the class.</summary>
    public static IncrementalValuesProvider<T?> Classes<T>(
        this IncrementalGeneratorInitializationContext context, string attribute, string trackingName,
        Func<GeneratorAttributeSyntaxContext, CancellationToken, T?> parse)
        where T : class =>
        context.SyntaxProvider.ForAttributeWithMetadataName(attribute, static (node, _) => node is TypeDeclarationSyntax, parse)
            .WithTrackingName(trackingName);

    /// <summary>Writes a file for each class that was parsed.</summary>
    public static void Write<T>(
        this IncrementalGeneratorInitializationContext context, IncrementalValuesProvider<T?> specs, Func<T, string> hintName,
        Func<T, string> emit)
        where T : class =>
        context.RegisterSourceOutput(specs, (output, spec) =>
        {
            if (spec is not null)
                output.AddSource(hintName(spec), emit(spec));
        });
}

/// <summary>The names of the pipeline's steps. The caching tests look the steps up by them.</summary>
internal static class TrackingNames
{
    public const string Program = nameof(Program);
    public const string ModelSchemas = nameof(ModelSchemas);
    public const string Configs = nameof(Configs);
    public const string HookedModelDeclarations = nameof(HookedModelDeclarations);
    public const string HookedModels = nameof(HookedModels);
    public const string FamilySites = nameof(FamilySites);
    public const string PromptSchemas = nameof(PromptSchemas);
    public const string Interventions = nameof(Interventions);
    public const string GenericInterventions = nameof(GenericInterventions);
    public const string DerivedInterventions = nameof(DerivedInterventions);
    public const string InterventionsOverPrompts = nameof(InterventionsOverPrompts);
}
