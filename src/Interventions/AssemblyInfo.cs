using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Interventions.Testing")]
[assembly: InternalsVisibleTo("Interventions.Tests")]
[assembly: InternalsVisibleTo("Interventions.Benchmarks")]
[assembly: InternalsVisibleTo("Interventions.Models.Tests")]
// Guarded calls are for all our packages.
[assembly: InternalsVisibleTo("Interventions.Models")]
