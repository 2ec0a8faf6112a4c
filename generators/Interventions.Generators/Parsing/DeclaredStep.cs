namespace Interventions.Generators.Parsing;

/// <summary>A step of a declaration: an included intervention's writes, or a write of its own.</summary>
/// <param name="Order">The explicit order, 0 without one.</param>
/// <param name="Include">The property that holds the included intervention.</param>
/// <param name="Write">The own write.</param>
internal sealed record DeclaredStep(int Order, DeclaredProperty? Include, DeclaredWrite? Write);
