using System.Text.Json.Nodes;
using Interventions.Models;

namespace Interventions.Tool;

/// <summary><c>interventions download</c>: a model's files into the cache that Hugging Face tools share.</summary>
internal static class DownloadCommand
{
    /// <summary>Downloads what is missing, and says where it is.</summary>
    /// <exception cref="CheckpointException">There is no such model, or it cannot be reached.</exception>
    public static async Task RunAsync(string id, ToolConsole console, bool asJson, CancellationToken cancellationToken)
    {
        string path = await console.WithBarAsync(id, bar => HubModel.DownloadAsync(
            id, new Receiver<DownloadProgress>(progress => bar.Report(progress.Fraction)), cancellationToken)).ConfigureAwait(false);
        console.Output.Write(asJson ? ToolAnswer.ToText(new JsonObject { ["id"] = id, ["path"] = path }) : $"{path}\n");
    }
}
