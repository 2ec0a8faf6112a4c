using System.Globalization;
using Interventions.Results;

namespace Interventions.Execution;

/// <summary>
/// A run into a file. Every finished batch is a file of its own in a folder beside it; the last one puts them together. Every file appears under its name when it is complete, so
/// that whatever stops the run, what is there is whole.
/// </summary>
internal sealed class ResumableFile
{
    private const string Extension = ".safetensors", LockName = "lock";

    private readonly string _path, _folder;
    private readonly ResultOrigin _origin;
    private readonly BatchLoop _run;

    public ResumableFile(string path, ResultOrigin origin, BatchLoop run)
    {
        _path = Path.GetFullPath(path);
        _folder = _path + ".batches";
        _origin = origin;
        _run = run;
    }

    /// <summary>Does what is left to do.</summary>
    public RunOutput Execute(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path))
        {
            Directory.CreateDirectory(_folder);
            using FileStream held = Lock();
            // Another process may have finished it just before.
            if (!File.Exists(_path))
                RunBatches(cancellationToken);
        }
        _origin.Check(_path);
        Clean();
        return RunOutput.Load(_path);
    }

    private void RunBatches(CancellationToken cancellationToken)
    {
        Delete("*.tmp");
        string[] batches = [.. Enumerable.Range(0, _run.Count).Select(i => Path.Combine(_folder, i.ToString("D6", CultureInfo.InvariantCulture) + Extension))];
        foreach (string finished in batches.Where(File.Exists))
            _origin.Check(finished);
        if (!batches.All(File.Exists))
            _run.Each(i => !File.Exists(batches[i]), (i, output) => Save(output, batches[i]), cancellationToken);
        Join(batches);
    }

    private void Join(string[] batches)
    {
        List<RunOutput> outputs = [];
        try
        {
            foreach (string batch in batches)
                outputs.Add(RunOutput.Load(batch));
            // Written in the folder, so that what a kill leaves of it is cleaned up with the rest.
            string whole = Path.Combine(_folder, "all" + Extension);
            _run.CheckEffects(ResultLayout.Join([.. outputs.Select(output => output.Layout)]));
            Save(JoinedResults.Of(outputs), whole);
            File.Move(whole, _path, overwrite: true);
        }
        finally
        {
            outputs.ForEach(output => output.Dispose());
        }
    }

    private void Save(RunOutput output, string path)
    {
        using (output)
            output.Save(path, _origin.Metadata);
    }

    /// <summary>One process at a time; a killed one leaves no lock behind.</summary>
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
            // Not what is in it: that is somebody else's.
            Directory.Delete(_folder);
        }
        catch (IOException)
        {
            // Somebody else looks at it just now, or has put something there; the next call cleans up.
        }
    }

    private void Delete(string pattern)
    {
        foreach (string file in Directory.EnumerateFiles(_folder, pattern))
            File.Delete(file);
    }
}
