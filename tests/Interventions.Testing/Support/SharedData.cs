namespace Interventions.Testing.Support;

/// <summary>
/// The shared data folder: reference values and models too large for the repository. It lies beside the repository (<c>../shared</c>),
/// or wherever the environment variable <c>INTERVENTIONS_SHARED</c> says. Tests that need it skip, visibly, where it is absent.
/// </summary>
/// <remarks>Linked into every test project: <c>&lt;Compile Include="..\Shared\*.cs" /&gt;</c>.</remarks>
public static class SharedData
{
    /// <summary>The folder's full path, or <see langword="null"/> if there is none.</summary>
    public static string? Root { get; } = FindRoot();

    /// <summary>The full path of a file or folder below <see cref="Root"/>, whether it exists or not.</summary>
    /// <param name="relative">With forward slashes, such as <c>models/stories260K/config.json</c>.</param>
    /// <exception cref="InvalidOperationException">There is no shared folder: the caller should have been skipped.</exception>
    public static string Path(string relative) =>
        System.IO.Path.Combine(Root ?? throw new InvalidOperationException(Missing(relative)), relative);

    /// <summary>Whether that file or folder is there.</summary>
    public static bool Exists(string relative) => Root is not null && System.IO.Path.Exists(Path(relative));

    /// <summary>The full paths of the folders in a folder, in ordinal order, whatever their names: empty if it is absent.</summary>
    public static IReadOnlyList<string> Folders(string relative) =>
        Exists(relative) ? [.. Directory.GetDirectories(Path(relative)).Order(StringComparer.Ordinal)] : [];

    /// <summary>Why a test that needs this path is skipped, or <see langword="null"/> if it can run.</summary>
    internal static string? SkipReason(string relative) => Exists(relative) ? null : Missing(relative);

    private static string Missing(string relative) => Root is null
        ? $"needs the shared data '{relative}': there is no 'shared' folder beside the repository and INTERVENTIONS_SHARED is not set"
        : $"needs the shared data '{relative}', which is not in '{Root}'";

    private static string? FindRoot()
    {
        if (Environment.GetEnvironmentVariable("INTERVENTIONS_SHARED") is { Length: > 0 } named)
            return Directory.Exists(named)
                ? System.IO.Path.GetFullPath(named)
                : throw new DirectoryNotFoundException($"INTERVENTIONS_SHARED is '{named}', which is not a folder");

        // Test assemblies run from below the repository's root: the first folder upwards that holds the solution.
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(System.IO.Path.Combine(folder.FullName, "Interventions.sln"))) continue;
            string beside = System.IO.Path.Combine(folder.Parent?.FullName ?? folder.FullName, "shared");
            return Directory.Exists(beside) ? beside : null;
        }
        return null;
    }
}

/// <summary>A test that needs a path of the shared data and is skipped, with the reason, where that is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedFactAttribute : FactAttribute
{
    /// <param name="path">Relative to the shared folder, with forward slashes.</param>
    public SharedFactAttribute(string path) => Skip = SharedData.SkipReason(path);
}

/// <summary>A theory that needs a path of the shared data and is skipped, with the reason, where that is absent.</summary>
/// <remarks>Member data is not evaluated when the theory is skipped, but should be empty rather than throw without the data.</remarks>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedTheoryAttribute : TheoryAttribute
{
    /// <param name="path">Relative to the shared folder, with forward slashes.</param>
    public SharedTheoryAttribute(string path) => Skip = SharedData.SkipReason(path);
}
