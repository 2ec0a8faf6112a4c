using Interventions.Generators.Parsing;

namespace Interventions.Generators.Diagnostics;

/// <summary>Finds what is wrong with an intervention: the problems of one rule, or of several that look at the same things.</summary>
internal delegate IEnumerable<Problem> Check(InterventionDeclaration declaration, CancellationToken cancellation);
