using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Interventions.Tests")]
