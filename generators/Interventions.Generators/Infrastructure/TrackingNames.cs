namespace Interventions.Generators.Infrastructure;

/// <summary>The names of the pipeline's steps, which tests ask about.</summary>
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
    public const string InterventionsOverPrompts = nameof(InterventionsOverPrompts);
}
