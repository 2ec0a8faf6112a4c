using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Interventions.Declarations;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Results;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Runs batches into a file. Every finished batch becomes a file in a folder beside it; the last one joins them. A file gets its name when
/// it is complete, so a run that is stopped at any moment leaves only whole files.
/// </summary>
internal sealed class ResumableFile
{
    private const string Extension = ".safetensors", LockName = "lock";

    private readonly string _path, _folder;
    private readonly ResultOrigin _origin;
    private readonly BatchLoop _batches;

    public ResumableFile(string path, ResultOrigin origin, BatchLoop batches)
    {
        _path = Path.GetFullPath(path);
        _folder = _path + ".batches";
        _origin = origin;
        _batches = batches;
    }

    /// <summary>Runs the batches that are missing, and loads the result.</summary>
    public RunResult Execute(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path))
        {
            Directory.CreateDirectory(_folder);
            using FileStream held = Lock();
            // Another process may have finished the file just before.
            if (!File.Exists(_path))
                RunBatches(cancellationToken);
        }
        _origin.Check(_path);
        Clean();
        return RunResult.Load(_path);
    }

    private void RunBatches(CancellationToken cancellationToken)
    {
        Delete("*.tmp");
        string[] files = [.. Enumerable.Range(0, _batches.Count)
            .Select(i => Path.Combine(_folder, i.ToString("D6", CultureInfo.InvariantCulture) + Extension))];
        foreach (string finished in files.Where(File.Exists))
            _origin.Check(finished);
        if (!files.All(File.Exists))
            _batches.Each(i => !File.Exists(files[i]), (i, output) => Save(output, files[i]), cancellationToken);
        Join(files);
    }

    private void Join(string[] files)
    {
        List<RunResult> outputs = [];
        try
        {
            foreach (string file in files)
                outputs.Add(RunResult.Load(file));
            // Written in the folder, so that the remains of a killed process are deleted with the rest.
            string whole = Path.Combine(_folder, "all" + Extension);
            _batches.CheckEffects(ResultLayout.Join([.. outputs.Select(output => output.Layout)]));
            Save(RunResult.Join(outputs), whole);
            File.Move(whole, _path, overwrite: true);
        }
        finally
        {
            outputs.ForEach(output => output.Dispose());
        }
    }

    private void Save(RunResult output, string path)
    {
        using (output)
            output.Save(path, _origin.Metadata);
    }

    /// <summary>Lets one process write at a time; a killed process leaves no lock behind.</summary>
    private FileStream Lock()
    {
        try
        {
            return new FileStream(Path.Combine(_folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken)
        {
            throw new InterventionException($"Another run is writing '{_path}'.", taken);
        }
    }

    private void Clean()
    {
        try
        {
            if (!Directory.Exists(_folder))
                return;
            Delete("*" + Extension);
            Delete("*.tmp");
            Delete(LockName);
            // Not recursively: other files in it are the user's.
            Directory.Delete(_folder);
        }
        catch (IOException)
        {
            // The folder is open in another process, or has other files in it; the next call cleans up.
        }
    }

    private void Delete(string pattern)
    {
        foreach (string file in Directory.EnumerateFiles(_folder, pattern))
            File.Delete(file);
    }
}

/// <summary>Hashes, in a file's metadata, of everything that a saved run was made from: only a run from the same may continue it.</summary>
/// <param name="Parts">By key, in the order in which differences are looked for.</param>
internal sealed record ResultOrigin(ImmutableArray<KeyValuePair<string, string>> Parts)
{
    private const string Prefix = "interventions.origin.";

    /// <exception cref="InterventionException">The model does not say which weights it has.</exception>
    public static ResultOrigin Of(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        string weights = model.WeightsFingerprint() ?? throw new InterventionException(
            $"{graph.Name} cannot be run into a file: {model.Schema.Model} does not say which weights it has, so nobody could tell whether "
            + $"a later call goes on with the same ones. Override {nameof(HookedModel.WeightsFingerprint)}.");
        IEnumerable<IPromptSet> overs = GraphMembers.Of(graph).Prompts
            .OrderBy(over => over.Key, StringComparer.Ordinal).Select(over => over.Value);
        string modes = (options.Naive ? ", naive" : "") + (options.Strict ? ", strict" : "")
            + (options.KeptRuns is { } runs ? $", keeping of {string.Join(" and ", runs.DefaultIfEmpty("the changed run alone"))}" : "");
        return new ResultOrigin(
        [
            new("declaration", Declaration(graph)),
            new("methods", Methods(graph)),
            new("model", model.Schema.Fingerprint),
            new("weights", Hash([weights, .. Splices(graph)])),
            new("prompts", Hash([HashOf(prompts), .. overs.Select(HashOf)])),
            new("options", string.Create(
                CultureInfo.InvariantCulture,
                $"batches of {options.BatchSize} within {options.MemoryBudget >> 20} MiB{modes}, on {model.Device.type}")),
            new("version", typeof(ResultOrigin).Assembly.GetName().Version?.ToString() ?? ""),
        ]);
    }

    /// <summary>The hashes as metadata of a file.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata =>
        Parts.Select(part => new KeyValuePair<string, string>(Prefix + part.Key, part.Value));

    /// <summary>Checks that a file was made from the same.</summary>
    /// <exception cref="InterventionException">It was not.</exception>
    /// <exception cref="ResultFileException">It is malformed.</exception>
    public void Check(string path)
    {
        using SafeTensorFile file = ResultFileException.Open(path);
        foreach ((string key, string value) in Parts)
        {
            if (!file.Metadata.TryGetValue(Prefix + key, out string? begun))
                throw new InterventionException(
                    $"'{path}' was not begun by RunTo, so it cannot be gone on with: give another path, or delete it.");
            if (begun != value)
                throw new InterventionException(
                    $"'{path}' was begun {Difference(key, begun, value)}: go on with the same, give another path, or delete it.");
        }
    }

    /// <summary>What was another when a file was begun, in words.</summary>
    public static string Difference(string key, string begun, string now) => key switch
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
            $"{graph.Name} cannot be run into a file: {node.Name}, a {splice.GetType().Name}, does not say which weights it has. "
            + $"Implement {nameof(ISplice.WeightsFingerprint)}.")));

    /// <summary>A hash of the versions of the modules with the methods: another build of the code may compute something else.</summary>
    private static string Methods(InterventionGraph graph) => Hash(GraphMembers.Of(graph).Methods.Values
        .Select(method => UserMethod.ModuleOf(method.Body).ModuleVersionId.ToString()).Distinct().Order(StringComparer.Ordinal));

    /// <summary>A hash of a prompt set.</summary>
    public static string HashOf(IPromptSet prompts) => Hash(prompts.Prompts.SelectMany(Lines).Prepend(prompts.Vocabulary.CanonicalText));

    private static IEnumerable<string> Lines(PromptTokens prompt) =>
    [
        .. prompt.Runs.SelectMany(run => new[] { string.Join(',', run.Ids), string.Join(',', run.Positions) }),
        string.Create(CultureInfo.InvariantCulture, $"{string.Join(',', prompt.Answers)} of {prompt.Template}"),
    ];

    private static string Hash(IEnumerable<string> lines)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string line in lines)
            hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
