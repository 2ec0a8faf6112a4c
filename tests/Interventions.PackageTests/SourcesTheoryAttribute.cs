namespace Interventions.PackageTests;

/// <summary>A test that needs this machine's package sources and is skipped, with the reason, where none of them answers.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SourcesTheoryAttribute : TheoryAttribute
{
    private static readonly Lazy<string?> s_reason =
        new(() => Answers() ? null : "No package source answers, and this test begins with an empty cache.");

    /// <summary>Looks once at the sources.</summary>
    public SourcesTheoryAttribute() => Skip = s_reason.Value;

    private static bool Answers()
    {
        (_, string output) = Packages.Dotnet(Path.GetTempPath(), "nuget", "list", "source", "--format", "short");
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(20) };
        return output.Split('\n').Where(line => line.StartsWith("E ", StringComparison.Ordinal)).Select(line => line[2..].Trim())
            .Any(Answers);

        bool Answers(string source)
        {
            if (!source.StartsWith("http", StringComparison.Ordinal))
                return Directory.Exists(source);
            try
            {
                using HttpResponseMessage response = client.GetAsync(source).GetAwaiter().GetResult();
                return response.IsSuccessStatusCode;
            }
            catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        }
    }
}
