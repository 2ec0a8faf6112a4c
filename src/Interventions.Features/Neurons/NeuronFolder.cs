using System.Collections.Immutable;
using Interventions.Files;
using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>
/// A folder with a file for each finished neuron, so that long work goes on where it was stopped. A file says what it was begun with.
/// </summary>
/// <param name="folder">The folder; null where nothing is kept.</param>
/// <param name="ending">How its files end.</param>
internal sealed class NeuronFolder(string? folder, string ending)
{
    /// <summary>What was found of a neuron before; null if nothing.</summary>
    /// <param name="neuron">The neuron.</param>
    /// <param name="origin">What it must have been begun with: <c>weights=…</c>.</param>
    /// <param name="read">Reads the text of a file: what was found, and what it was begun with.</param>
    /// <exception cref="InterventionException">It was begun with something else.</exception>
    public T? Finished<T>(Neuron neuron, ImmutableArray<string> origin, Func<string, string, (T Found, ImmutableArray<string> Origin)> read)
        where T : class
    {
        if (folder is null || !File.Exists(PathOf(neuron)))
            return null;
        string path = PathOf(neuron);
        (T found, ImmutableArray<string> begun) = read(File.ReadAllText(path), path);
        foreach (string part in origin)
            if (begun.IsDefault || !begun.Contains(part))
                throw new InterventionException(
                    $"'{path}' was begun with other {part.Split('=')[0]}: go on with the same, give another folder, or delete it.");
        return found;
    }

    /// <summary>Keeps what was found of a neuron.</summary>
    public void Keep(Neuron neuron, ImmutableArray<string> origin, Action<JsonFields> write)
    {
        if (folder is null)
            return;
        StoredJson.Write(PathOf(neuron), fields =>
        {
            Origin(fields, origin);
            write(fields);
        });
    }

    /// <summary>Writes or reads what a file was begun with; default where it does not say.</summary>
    public static ImmutableArray<string> Origin(JsonFields fields, ImmutableArray<string> origin) => fields.OptionalTexts("origin", origin);

    /// <summary>A hash of examples.</summary>
    public static string HashOf(NeuronExamples examples) =>
        Canonical.Fingerprint(JsonFields.Write(fields => NeuronExamples.Fields(fields, examples)));

    /// <summary>A hash of a model's weights.</summary>
    /// <exception cref="InterventionException">It does not say which it has.</exception>
    public static string HashOf(HookedModel model) => Canonical.Fingerprint(model.WeightsFingerprint() ?? throw new InterventionException(
        $"What is found of neurons cannot be kept in a folder: {model.Schema.Model} does not say which weights it has. Override "
        + $"{nameof(HookedModel.WeightsFingerprint)}."));

    private string PathOf(Neuron neuron) => Path.Combine(folder!, neuron.FileName + ending);
}
