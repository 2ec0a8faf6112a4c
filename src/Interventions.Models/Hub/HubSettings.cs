namespace Interventions.Models.Hub;

/// <summary>Where models come from and where they are kept, in the variables that Hugging Face tools read.</summary>
/// <param name="Endpoint">The hub: <c>HF_ENDPOINT</c>.</param>
/// <param name="Cache">The folder of the cache: <c>HF_HUB_CACHE</c>, else <c>hub</c> in <c>HF_HOME</c>.</param>
/// <param name="Token">What the hub knows the user by: <c>HF_TOKEN</c>, else the file that signing in writes.</param>
/// <param name="IsOffline">Whether nothing is downloaded: <c>HF_HUB_OFFLINE</c>.</param>
internal sealed record HubSettings(Uri Endpoint, string Cache, string? Token, bool IsOffline)
{
    private static readonly string[] s_true = ["1", "ON", "YES", "TRUE"];

    /// <summary>How long a server may send nothing.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The pause after a first failure. It doubles with each that follows.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often something is tried.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Reads the settings.</summary>
    /// <param name="variable">Gives the value of an environment variable.</param>
    /// <exception cref="CheckpointException">One of them cannot be meant.</exception>
    public static HubSettings Of(Func<string, string?> variable)
    {
        string home = Folder(variable, "HF_HOME") ?? Path.Combine(
            Folder(variable, "XDG_CACHE_HOME") ?? Path.Combine(UserFolder, ".cache"), "huggingface");
        string cache = Folder(variable, "HF_HUB_CACHE") ?? Folder(variable, "HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub");
        return new(
            EndpointOf(Given(variable, "HF_ENDPOINT") ?? "https://huggingface.co"), cache, TokenOf(variable, home),
            s_true.Contains(Given(variable, "HF_HUB_OFFLINE")?.ToUpperInvariant()));
    }

    /// <summary>Whether an address belongs to the hub, so that it may see the token.</summary>
    public bool IsHub(Uri address) => Origin(address) == Origin(Endpoint);

    private static string UserFolder => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static string Origin(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private static string? Given(Func<string, string?> variable, string name) =>
        variable(name)?.Trim() is { Length: > 0 } text ? text : null;

    private static string? Folder(Func<string, string?> variable, string name) => Given(variable, name) switch
    {
        null => null,
        "~" => UserFolder,
        ['~', '/' or '\\', .. string rest] => Path.Combine(UserFolder, rest),
        string folder => Path.GetFullPath(folder),
    };

    private static Uri EndpointOf(string text) =>
        Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"
            ? address
            : throw new CheckpointException(text, "is no address of a hub: HF_ENDPOINT is one such as 'https://huggingface.co'.");

    private static string? TokenOf(Func<string, string?> variable, string home)
    {
        string file = Folder(variable, "HF_TOKEN_PATH") ?? Path.Combine(home, "token");
        string? given = Given(variable, "HF_TOKEN");
        string? token = given ?? (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } kept ? kept : null);
        // It is not shown: messages end up in logs.
        return token is null || token.All(character => character is > ' ' and <= '~')
            ? token
            : throw new CheckpointException(
                given is null ? file : "HF_TOKEN", "is no token of a hub: it holds a space or a character that no token has.");
    }
}
