using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>What a <c>[HookedModel]</c> class declares, before its configuration is looked at.</summary>
/// <param name="Type">The class.</param>
/// <param name="Config">The file that the attribute names.</param>
/// <param name="OwnAxes">The axes that the class declares itself: what is written by hand counts.</param>
/// <param name="Bases">What it can become: with a written base, that alone.</param>
/// <param name="HasSites">Whether a member of it is already called <c>Sites</c>.</param>
internal sealed record HookedModelDeclaration(
    TypeModel Type, string Config, EquatableArray<string> OwnAxes, EquatableArray<HookedModelBase> Bases, bool HasSites);

/// <summary>A base that a <c>[HookedModel]</c> class has, or can get.</summary>
/// <param name="ModelType">The family that it is for; empty for any.</param>
/// <param name="Written">The base as the generator writes it; null when the user did.</param>
/// <param name="Schema">The names, without the configuration's sizes.</param>
/// <param name="IsDecoder">Whether the class is then a concrete decoder.</param>
internal sealed record HookedModelBase(string ModelType, string? Written, ModelSchema Schema, bool IsDecoder);

/// <summary>A <c>[HookedModel]</c> class with its configuration.</summary>
/// <param name="Model">What <c>[ModelSchema]</c> would have said.</param>
/// <param name="Base">The base that is to be written; null when the user did.</param>
/// <param name="Axes">The axes that are to be declared.</param>
/// <param name="IsValid">Whether no analyzer finds fault with class or configuration.</param>
internal sealed record HookedModelModel(ModelSchemaModel Model, string? Base, EquatableArray<AxisSize> Axes, bool IsValid);
