using System.Text.Json;

namespace Interventions.Tool.Tests;

/// <summary>What the tool said to a command line, in this process.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">The output.</param>
/// <param name="Error">The stream of errors.</param>
internal sealed record ToolRun(int Code, string Output, string Error)
{
    /// <summary>Runs the tool.</summary>
    public static ToolRun Of(params string[] arguments)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = new ToolCommands(new ToolConsole(output, error, IsTerminal: false)).RunAsync(arguments).GetAwaiter().GetResult();
        return new ToolRun(code, output.ToString(), error.ToString());
    }

    /// <summary>The output of a command that must succeed, in lines of at most 80 columns.</summary>
    public static string Answer(params string[] arguments)
    {
        ToolRun run = Of(arguments);
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal("", run.Error);
        Assert.All(run.Output.Split('\n'), line => Assert.True(line.Length <= 80 && line == line.TrimEnd(), $"'{line}'"));
        return run.Output;
    }

    /// <summary>The document that a command answers with --json; nothing else is written.</summary>
    public static JsonElement Json(params string[] arguments)
    {
        ToolRun run = Of([.. arguments, "--json"]);
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal("", run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        return document.RootElement.Clone();
    }

    /// <summary>The sentence of a command that must fail: one line, and no output.</summary>
    public static string Refusal(params string[] arguments)
    {
        ToolRun run = Of(arguments);
        Assert.Equal((1, ""), (run.Code, run.Output));
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("interventions: ", line, StringComparison.Ordinal);
        return line["interventions: ".Length..];
    }

    /// <summary>The small trained model of the repository.</summary>
    public static string Model { get; } = Path.Combine(Repository, "examples/TrainNames/model");

    private static string Repository
    {
        get
        {
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "Interventions.sln")))
                    return folder.FullName;
            throw new InvalidOperationException($"No Interventions.sln above {AppContext.BaseDirectory}.");
        }
    }
}
