using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>The sizes that a <c>config.json</c> declares, or the reason why it declares none.</summary>
/// <param name="Path">The file.</param>
/// <param name="ModelType">The family; null when it is not known.</param>
/// <param name="ModelClass">The full name of the class that has the model's sites; null when there is a problem.</param>
/// <param name="Axes">The lengths of the axes; none when there is a problem.</param>
/// <param name="Problem">The problem; null when there is none.</param>
internal sealed record ConfigSpec(
    string Path, string? ModelType, string? ModelClass, EquatableArray<AxisSize> Axes, ConfigProblem? Problem);

/// <summary>A problem of a <c>config.json</c>.</summary>
/// <param name="Message">The message.</param>
/// <param name="Start">The first wrong character.</param>
/// <param name="Length">The number of wrong characters.</param>
/// <param name="IsSyntax">Whether the file is not JSON at all.</param>
internal sealed record ConfigProblem(string Message, int Start, int Length, bool IsSyntax);
