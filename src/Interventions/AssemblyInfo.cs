using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Interventions.Testing")]
[assembly: InternalsVisibleTo("Interventions.Tests")]
[assembly: InternalsVisibleTo("Interventions.Benchmarks")]
[assembly: InternalsVisibleTo("Interventions.Models.Tests")]
// All packages of the repository use the guarded calls of Torch and the readers of Files.
[assembly: InternalsVisibleTo("Interventions.Models")]
[assembly: InternalsVisibleTo("Interventions.Circuits")]
[assembly: InternalsVisibleTo("Interventions.Circuits.Tests")]
[assembly: InternalsVisibleTo("Interventions.Features")]
[assembly: InternalsVisibleTo("Interventions.Features.Tests")]
[assembly: InternalsVisibleTo("Interventions.Parquet")]
[assembly: InternalsVisibleTo("Interventions.Parquet.Tests")]
[assembly: InternalsVisibleTo("Interventions.Tool")]
[assembly: InternalsVisibleTo("Interventions.Tool.Tests")]
