using System.Net;
using Interventions.Sites;

namespace Interventions.Models.Hub;

/// <summary>What a download is refused with: what, where, what to do.</summary>
internal static class HubRefusals
{
    /// <summary>The end of a sentence that offers a name which was probably meant.</summary>
    public static string Meant(string written, IEnumerable<string> known) =>
        Spelling.Nearest(written, known) is { } nearest ? $"; did you mean '{nearest}'?" : ".";

    /// <summary>A size, for messages.</summary>
    public static string Size(long bytes) => bytes < 1_000_000 ? FormattableString.Invariant($"{bytes:#,0} bytes")
        : bytes < 1_000_000_000 ? FormattableString.Invariant($"{bytes / 1e6:0.0} MB")
        : FormattableString.Invariant($"{bytes / 1e9:#,0.0} GB");

    public static CheckpointException Offline(HubId id, HubSettings settings) => new($"{id}",
        $"is not in the cache '{settings.Cache}', and HF_HUB_OFFLINE forbids to download it: unset that, or set HF_HOME or HF_HUB_CACHE " +
        "if the cache is elsewhere.");

    public static CheckpointException Unwritable(string path, Exception error) => new(path,
        $"could not be written ({error.Message.TrimEnd('.')}): make room, or set HF_HUB_CACHE to a folder with more of it; what " +
        "arrived is kept.", error);

    public static CheckpointException NoRoom(HubId id, HubSettings settings, long needed, long free) => new($"{id}",
        $"needs {Size(needed)}, and {Size(free)} are free where '{settings.Cache}' is: make room, or set HF_HUB_CACHE to a folder with " +
        "more of it.");

    public static CheckpointException Unreachable(HubId id, Uri address, HubTrouble trouble, int attempts) => new($"{id}",
        $"is not in the cache and could not be downloaded: {address.GetLeftPart(UriPartial.Path)} {trouble.Message}, {attempts} times in " +
        "a row. What arrived is kept, so try again; behind a proxy set HTTPS_PROXY, for a mirror HF_ENDPOINT.", trouble);

    /// <summary>The server says one thing and does another.</summary>
    public static CheckpointException Contradiction(HubId id, HubFile file, string what) => new($"{id}",
        $"was not taken: of '{file.Name}', {what}. Nothing of it is kept: try again, and if it stays so, ask who runs the server.");

    /// <summary>A server that is no hub.</summary>
    public static CheckpointException NoHub(HubId id, Uri address, string what) => new($"{id}",
        $"could not be downloaded: {address.GetLeftPart(UriPartial.Path)} {what}, as no hub does. Is HF_ENDPOINT the address of one, and " +
        "does the network ask you to sign in first?");

    /// <summary>The refusal that an answer is.</summary>
    public static CheckpointException Of(HubId id, HubSettings settings, HttpResponseMessage answer, string? hint)
    {
        string code = answer.Headers.TryGetValues("X-Error-Code", out IEnumerable<string>? codes) ? codes.First() : "";
        string page = $"{settings.Endpoint}{id.Repository}";
        string why = (answer.StatusCode, code) switch
        {
            (_, "GatedRepo") or (HttpStatusCode.Forbidden, _) when settings.Token is null =>
                $"is gated: accept its licence at {page}, then set HF_TOKEN to a token from {settings.Endpoint}settings/tokens.",
            (_, "GatedRepo") or (HttpStatusCode.Forbidden, _) =>
                $"is gated, and the account of your token may not read it: accept its licence at {page}, with a token that may read it.",
            (HttpStatusCode.NotFound, "RevisionNotFound") =>
                $"has no revision '{id.Revision}': see {page}/tree/main for its branches{hint ?? "."}",
            (HttpStatusCode.NotFound, "EntryNotFound")
                => $"has lost a file while it was downloaded: try again ({answer.RequestMessage?.RequestUri}).",
            (HttpStatusCode.Unauthorized, "" or "InvalidToken") when settings.Token is not null =>
                "could not be downloaded: the hub does not know your token. Renew HF_TOKEN, or unset it for models that everyone may read.",
            (HttpStatusCode.NotFound or HttpStatusCode.Unauthorized, _) =>
                $"is neither a folder nor a file here, nor a model on {settings.Endpoint}{hint ?? "."} If it is private, "
                + (settings.Token is null ? "set HF_TOKEN." : "your token's account must be given access."),
            _ => $"could not be downloaded: {settings.Endpoint} answers {(int)answer.StatusCode} ({answer.ReasonPhrase}).",
        };
        return new CheckpointException($"{id}", why);
    }
}

/// <summary>Something that may pass: trying again makes sense.</summary>
internal sealed class HubTrouble(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The pause that the server asks for.</summary>
    public TimeSpan? Wait { get; init; }
}
