using System.Text.RegularExpressions;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>How weights are read.</summary>
/// <param name="Dtype">What they are converted to.</param>
/// <param name="Device">Where they are put.</param>
/// <param name="Ignored">Tensors of no decoder that the caller knows of.</param>
internal sealed record WeightReading(ScalarType Dtype, Device Device, IgnoredTensors Ignored);

/// <summary>Tensors that are left out because the caller said so: names, in which <c>*</c> stands for any text.</summary>
internal sealed record IgnoredTensors(IReadOnlyList<string> Patterns)
{
    /// <summary>Refuses tensors that neither the decoder has nor a pattern names, and patterns that name none of them.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="modelType">The family, for messages.</param>
    /// <param name="strange">The tensors that the decoder does not have.</param>
    /// <exception cref="CheckpointException">There is such a tensor or pattern.</exception>
    public void Check(string path, string modelType, IEnumerable<string> strange)
    {
        List<string> left = [.. strange.Order(StringComparer.Ordinal)];
        string[] all = [.. left];
        foreach (string pattern in Patterns)
        {
            string[] named = [.. all.Where(name => Matches(pattern, name))];
            if (named.Length == 0)
            {
                string rest = all.Length == 0 ? "there is none" : $"those are {Some(all)}";
                throw new CheckpointException(path,
                    $"has no tensor '{pattern}' to be ignored: only tensors that a {modelType} of this configuration does not have can " +
                    $"be, and {rest}.");
            }
            left.RemoveAll(named.Contains);
        }
        if (left.Count > 0)
        {
            throw new CheckpointException(path,
                $"holds {left.Count} tensors that a {modelType} of this configuration does not have: {Some(left)}. " +
                $"If they do not matter, say so: Load(…, ignore: [\"{left[0]}\"]), where * stands for any text.");
        }
    }

    private static bool Matches(string pattern, string name) =>
        Regex.IsMatch(name, $"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal)}$", RegexOptions.Singleline);

    private static string Some(IReadOnlyCollection<string> names) => string.Join(", ", names.Take(5)) + (names.Count > 5 ? ", …" : "");
}
