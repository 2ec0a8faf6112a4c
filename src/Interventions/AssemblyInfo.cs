using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Interventions.Tests")]
[assembly: InternalsVisibleTo("Interventions.Benchmarks")]
[assembly: InternalsVisibleTo("Interventions.Models.Tests")]
