using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>What a saved run was made from, as hashes in the file's metadata: only the same may go on with it.</summary>
/// <param name="Parts">By key, in the order in which differences are looked for.</param>
internal sealed record ResultOrigin(ImmutableArray<KeyValuePair<string, string>> Parts)
{
    private const string Prefix = "interventions.origin.";

    /// <exception cref="InterventionException">The model does not say which weights it has.</exception>
    public static ResultOrigin Of(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        string weights = model.WeightsFingerprint() ?? throw new InterventionException(
            $"{graph.Name} cannot be run into a file: {model.Schema.Model} does not say which weights it has, so nobody could tell whether a later call goes on with the same ones. Override {nameof(HookedModel.WeightsFingerprint)}.");
        return new ResultOrigin(
        [
            new("declaration", Declaration(graph)),
            new("methods", Methods(graph)),
            new("model", model.Schema.Fingerprint),
            new("weights", Hash([weights, .. Splices(graph)])),
            new("prompts", Hash([Prompts(prompts), .. GraphMembers.Of(graph).Prompts.OrderBy(over => over.Key, StringComparer.Ordinal).Select(over => Prompts(over.Value))])),
            new("options", string.Create(CultureInfo.InvariantCulture, $"batches of {options.BatchSize} within {options.MemoryBudget >> 20} MiB{(options.Naive ? ", naive" : "")}{(options.Strict ? ", strict" : "")}, on {model.Device.type}")),
            new("version", typeof(ResultOrigin).Assembly.GetName().Version?.ToString() ?? ""),
        ]);
    }

    /// <summary>As metadata of a file.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata => Parts.Select(part => new KeyValuePair<string, string>(Prefix + part.Key, part.Value));

    /// <summary>Looks whether a file was made from the same.</summary>
    /// <exception cref="InterventionException">It was not.</exception>
    /// <exception cref="CheckpointException">It is malformed.</exception>
    public void Check(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        foreach ((string key, string value) in Parts)
        {
            if (!file.Metadata.TryGetValue(Prefix + key, out string? begun))
                throw new InterventionException($"'{path}' was not begun by RunTo, so it cannot be gone on with: give another path, or delete it.");
            if (begun != value)
                throw new InterventionException($"'{path}' was begun {Difference(key, begun, value)}: go on with the same, give another path, or delete it.");
        }
    }

    private static string Difference(string key, string begun, string now) => key switch
    {
        "declaration" => "with another declaration, or with other tensors in it",
        "methods" => "by another build of the program, whose methods may compute something else",
        "model" => "with a model of another schema",
        "weights" => "with other weights",
        "prompts" => "with other prompts",
        "options" => $"in {begun}, and this run is in {now}",
        _ => $"by version {begun} of Interventions, and this is {now}",
    };

    private static string Declaration(InterventionGraph graph)
    {
        GraphMembers members = GraphMembers.Of(graph);
        IEnumerable<Tensor> tensors = members.Tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal).Select(tensor => tensor.Value);
        return Hash([graph.ToJson(), WeightsChecksum.Of(tensors)]);
    }

    private static IEnumerable<string> Splices(InterventionGraph graph) => graph.Splices.SelectMany(node => node.Splices.Select(splice =>
        splice.WeightsFingerprint() ?? throw new InterventionException(
            $"{graph.Name} cannot be run into a file: {node.Name}, a {splice.GetType().Name}, does not say which weights it has. Implement {nameof(ISplice.WeightsFingerprint)}.")));

    /// <summary>A method is code: its module's version says whether it may be another.</summary>
    private static string Methods(InterventionGraph graph) => Hash(GraphMembers.Of(graph).Methods.Values
        .Select(method => method.Body.Method.Module.ModuleVersionId.ToString()).Distinct().Order(StringComparer.Ordinal));

    private static string Prompts(IPromptSet prompts) => Hash(prompts.Prompts.SelectMany(prompt => prompt.Runs
        .SelectMany(run => new[] { string.Join(',', run.Ids), string.Join(',', run.Positions) }).Append(string.Create(CultureInfo.InvariantCulture, $"{string.Join(',', prompt.Answers)} of {prompt.Template}"))).Prepend(prompts.Vocabulary.CanonicalText));

    private static string Hash(IEnumerable<string> lines)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string line in lines)
            hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
