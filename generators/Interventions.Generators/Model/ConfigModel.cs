using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>What a <c>config.json</c> says.</summary>
/// <param name="Path">The file.</param>
/// <param name="ModelType">The family; null when it is not known.</param>
/// <param name="Axes">The lengths of the axes; none when there is a problem.</param>
/// <param name="Problem">What is wrong; null if nothing.</param>
internal sealed record ConfigModel(string Path, string? ModelType, EquatableArray<AxisSize> Axes, ConfigProblem? Problem);

/// <summary>What is wrong with a <c>config.json</c>.</summary>
/// <param name="Message">What.</param>
/// <param name="Start">Where: the first character.</param>
/// <param name="Length">Where: how many characters.</param>
/// <param name="IsSyntax">Whether it is not JSON at all.</param>
internal sealed record ConfigProblem(string Message, int Start, int Length, bool IsSyntax);
