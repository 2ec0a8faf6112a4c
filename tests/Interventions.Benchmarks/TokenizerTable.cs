using System.Diagnostics;
using System.Globalization;
using System.Text;
using Interventions.Models;
using Interventions.Testing.Support;
using Reference = Tokenizers.DotNet.Tokenizer;

namespace Interventions.Benchmarks;

/// <summary>
/// How fast texts become tokens, beside the library that wrote the files: both in turn, one text after the other on one core, in processor
/// time, so that what else the machine does is no cost of ours.
/// </summary>
internal static class TokenizerTable
{
    private const double Goal = 5;    // MB/s

    /// <returns>Whether every tokenizer reaches the goal.</returns>
    public static bool Print(int megabytes)
    {
        IReadOnlyList<string> documents = new MixedText().Documents(megabytes * 1_000_000);
        double size = documents.Sum(document => Encoding.UTF8.GetByteCount(document)) / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{documents.Count} documents, {size:0.0} MB of UTF-8; MB/s, the best of 5 and the median"));
        bool reached = true;
        foreach (string folder in SharedData.Folders("reference/tokenizers"))
        {
            HuggingFaceTokenizer own = HuggingFaceTokenizer.Load(folder);
            Reference reference = new(Path.Combine(folder, "tokenizer.json"));
            List<double> ours = [], theirs = [];
            long tokens = 0;
            for (int i = 0; i < 5; i++)
            {
                tokens = 0;
                ours.Add(Seconds(() => tokens = documents.Sum(document => (long)own.Encode(document).Ids.Count)));
                theirs.Add(Seconds(() => documents.Sum(document => (long)reference.Encode(document).Length)));
            }
            reached &= size / ours.Min() >= Goal;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Path.GetFileName(folder),-25} {Speed(ours)}   reference {Speed(theirs)}   {tokens,9:N0} tokens"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the goal is {Goal} MB/s: {(reached ? "reached" : "missed")}"));
        return reached;

        string Speed(List<double> seconds) => string.Create(
            CultureInfo.InvariantCulture, $"{size / seconds.Min(),5:0.0} ({size / seconds.Order().ElementAt(2),4:0.0})");
    }

    private static double Seconds(Action action)
    {
        using Process process = Process.GetCurrentProcess();
        TimeSpan start = process.TotalProcessorTime;
        action();
        process.Refresh();
        return (process.TotalProcessorTime - start).TotalSeconds;
    }
}
