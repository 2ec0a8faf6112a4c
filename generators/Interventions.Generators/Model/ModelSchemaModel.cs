namespace Interventions.Generators.Model;

/// <summary>What a <c>[ModelSchema]</c> class declares.</summary>
/// <param name="Type">The class.</param>
/// <param name="Schema">Its names, base types' included.</param>
/// <param name="IsDecoder">Whether it is a concrete decoder, which gets a constructor and <c>Load</c>.</param>
/// <param name="HasSites">Whether a member of it is already called <c>Sites</c>.</param>
internal sealed record ModelSchemaModel(TypeModel Type, ModelSchema Schema, bool IsDecoder, bool HasSites);
