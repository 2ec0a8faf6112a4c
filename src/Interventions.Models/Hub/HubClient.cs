using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Interventions.Sites;

namespace Interventions.Models.Hub;

/// <summary>
/// Asks the hub. Redirections are followed here, step by step: the token goes to the hub's own address and to no other.
/// </summary>
internal sealed class HubClient(HubId id, HubSettings settings)
{
    private const int MostRedirections = 10, MostQuestions = 3, LongestAnswer = 1 << 26;
    private const long LargestFile = 1L << 50, GoodPiece = 1 << 20;

    // Nothing is compressed, since sizes and hashes are those of files; answers in the cache of a proxy stay what they are.
    private static readonly HttpClient s_http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseCookies = false,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>The commit that the revision is, and the names of its files.</summary>
    public async Task<(string Commit, IReadOnlyCollection<string> Files)> ListAsync(CancellationToken cancellationToken)
    {
        Uri address = new(settings.Endpoint, $"api/models/{id.Repository}/revision/{Uri.EscapeDataString(id.Revision)}");
        string text = await PersistAsync(address, MostQuestions, () => 0, async () =>
        {
            using HttpResponseMessage answer =
                await SendAsync(HttpMethod.Get, address, null, null, cancellationToken).ConfigureAwait(false);
            return await TextAsync(answer, address, cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        try
        {
            using JsonDocument answer = JsonDocument.Parse(text);
            string? commit = answer.RootElement.GetProperty("sha").GetString();
            if (IsHash(commit, 40))
                return (commit!, new HashSet<string>(Names(answer.RootElement.GetProperty("siblings"), "rfilename")));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Some page, such as that of a network which asks to sign in.
        }
        throw HubRefusals.NoHub(id, address, "names no commit and no files");
    }

    /// <summary>What the hub says of a file's content, on the way to it.</summary>
    public async Task<HubFile> DescribeAsync(string commit, string name, CancellationToken cancellationToken)
    {
        Uri address = AddressOf(commit, name);
        return await PersistAsync(address, MostQuestions, () => 0, async () =>
        {
            (string? hash, long? size) = (null, null);
            using HttpResponseMessage answer =
                await SendAsync(HttpMethod.Head, address, null, Note, cancellationToken).ConfigureAwait(false);
            if (!IsHash(hash, 40) && !IsHash(hash, 64))
                throw HubRefusals.NoHub(id, address, $"gives '{name}' no hash (ETag: {hash ?? "none"})");
            return size is >= 0 and <= LargestFile
                ? new HubFile(name, hash!, size.Value)
                : throw HubRefusals.NoHub(id, address, $"gives '{name}' {(size is null ? "no size" : $"the size {size}")}");

            // A large file is elsewhere: what the hub itself says of it counts, and the way need not be followed to its end.
            bool Note(HttpResponseMessage step)
            {
                string? tag = Header(step, "X-Linked-Etag") ?? (IsRedirection(step) ? null : Header(step, "ETag"));
                hash ??= tag?.Replace("W/", "", StringComparison.Ordinal).Trim('"');
                size ??= long.TryParse(Header(step, "X-Linked-Size"), CultureInfo.InvariantCulture, out long linked) ? linked
                    : IsRedirection(step) ? null : step.Content.Headers.ContentLength;
                return hash is null || size is null;
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Downloads the part of a file that is missing.</summary>
    public Task FetchAsync(string commit, HubFile file, PartialFile part, Action arrived, CancellationToken cancellationToken)
    {
        Uri address = AddressOf(commit, file.Name);
        return PersistAsync(address, settings.Attempts, () => part.Length, async () =>
        {
            if (part.Length < file.Size)
                await ReceiveAsync(address, file, part, arrived, cancellationToken).ConfigureAwait(false);
            return file;
        }, cancellationToken);
    }

    private Uri AddressOf(string commit, string name) => new(
        settings.Endpoint, $"{id.Repository}/resolve/{commit}/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}");

    private async Task ReceiveAsync(Uri address, HubFile file, PartialFile part, Action arrived, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer =
            await SendAsync(HttpMethod.Get, address, part.Length, null, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.PartialContent)
            part.Restart(); // the server sends the whole
        else if (answer.Content.Headers.ContentRange?.From != part.Length)
            throw Lie($"byte {part.Length} and what follows was asked for, and something else came");
        if (answer.Content.Headers.ContentLength is { } length && part.Length + length != file.Size)
            throw Lie($"the hub says {file.Size} bytes, and {part.Length + length} come");
        using Stream stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        byte[] buffer = new byte[1 << 17];
        while (await ReadAsync(stream, buffer, cancellationToken).ConfigureAwait(false) is > 0 and int count)
        {
            if (part.Length + count > file.Size)
                throw Lie($"the hub says {file.Size} bytes, and more come");
            await part.AppendAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            arrived();
        }
        if (part.Length < file.Size)
            throw new HubTrouble($"sent {part.Length} of {file.Size} bytes of '{file.Name}' and no more");

        CheckpointException Lie(string what)
        {
            part.Restart();
            return HubRefusals.Contradiction(id, file, what);
        }
    }

    private async Task<string> TextAsync(HttpResponseMessage answer, Uri address, CancellationToken cancellationToken)
    {
        using Stream stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using MemoryStream text = new();
        byte[] buffer = new byte[1 << 16];
        while (await ReadAsync(stream, buffer, cancellationToken).ConfigureAwait(false) is > 0 and int count)
        {
            text.Write(buffer, 0, count);
            if (text.Length > LongestAnswer)
                throw HubRefusals.NoHub(id, address, $"answers with more than {LongestAnswer} bytes");
        }
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    /// <summary>Sends a request and follows redirections.</summary>
    /// <param name="method">The method.</param>
    /// <param name="address">Where it is sent.</param>
    /// <param name="from">The first byte that is wanted; <see langword="null"/> for all.</param>
    /// <param name="follow">Looks at each answer on the way; false where it suffices.</param>
    /// <param name="cancellationToken">Stops.</param>
    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, long? from, Func<HttpResponseMessage, bool>? follow, CancellationToken cancellationToken)
    {
        Uri next = address;
        for (int steps = 0; steps <= MostRedirections; steps++)
        {
            HttpResponseMessage answer = await StepAsync(method, next, from, cancellationToken).ConfigureAwait(false);
            bool goOn = follow?.Invoke(answer) ?? true;
            if (IsRedirection(answer) && goOn && answer.Headers.Location is { } location)
            {
                answer.Dispose();
                Uri target = new(next, location);
                if (target.Scheme != Uri.UriSchemeHttps && target.Scheme != next.Scheme)
                    throw HubRefusals.NoHub(id, next, $"leads to {target.Scheme}://{target.Authority}, which is not encrypted");
                next = target;
                continue;
            }
            if (answer.IsSuccessStatusCode || (IsRedirection(answer) && !goOn))
                return answer;
            using (answer)
                throw await RefusalAsync(answer, next, cancellationToken).ConfigureAwait(false);
        }
        throw HubRefusals.NoHub(id, address, $"leads from address to address, more than {MostRedirections} times");
    }

    private async Task<HttpResponseMessage> StepAsync(HttpMethod method, Uri address, long? from, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(method, address);
        string? version = typeof(HubClient).Assembly.GetName().Version?.ToString();
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Interventions", version));
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (from > 0)
            request.Headers.Range = new RangeHeaderValue(from, null);
        if (settings.Token is { } token && settings.IsHub(address))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await InTimeAsync(
            token => s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken).ConfigureAwait(false);
    }

    private Task<int> ReadAsync(Stream stream, byte[] buffer, CancellationToken cancellationToken) =>
        InTimeAsync(token => stream.ReadAsync(buffer, token).AsTask(), cancellationToken);

    /// <summary>Waits for something of the network as long as patience lasts; what goes wrong there may go right the next time.</summary>
    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> wait, CancellationToken cancellationToken)
    {
        using CancellationTokenSource clock = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        clock.CancelAfter(settings.Patience);
        try
        {
            return await wait(clock.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HubTrouble(FormattableString.Invariant($"sent nothing for {settings.Patience.TotalSeconds:0.###} seconds"), error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new HubTrouble($"could not be read ({error.Message.TrimEnd('.')})", error);
        }
    }

    private async Task<Exception> RefusalAsync(HttpResponseMessage answer, Uri address, CancellationToken cancellationToken)
    {
        int status = (int)answer.StatusCode;
        if (status is 408 or 416 or 429 or >= 500)
        {
            TimeSpan? asked = answer.Headers.RetryAfter?.Delta;
            return new HubTrouble($"answers {status} ({answer.ReasonPhrase})")
            {
                Wait = asked > TimeSpan.FromMinutes(1) ? TimeSpan.FromMinutes(1) : asked,
            };
        }
        if (!settings.IsHub(address))
            return HubRefusals.NoHub(id, address, $"answers {status} ({answer.ReasonPhrase})");
        // Who may not know whether a model exists is told 401.
        string? code = Header(answer, "X-Error-Code");
        bool isMissing = status == 404 || code == "RepoNotFound";
        string? hint = isMissing ? await HintAsync(code, cancellationToken).ConfigureAwait(false) : null;
        return HubRefusals.Of(id, settings, answer, hint);
    }

    /// <summary>What was probably meant, if the hub can say; a second failure is no news.</summary>
    private async Task<string?> HintAsync(string? code, CancellationToken cancellationToken)
    {
        bool isRevision = code == "RevisionNotFound";
        Uri address = new(settings.Endpoint, isRevision ? $"api/models/{id.Repository}/refs"
            : $"api/models?search={Uri.EscapeDataString(id.Repository.Split('/')[^1])}&sort=downloads&direction=-1&limit=3");
        try
        {
            using HttpResponseMessage answer = await StepAsync(HttpMethod.Get, address, null, cancellationToken).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
                return null;
            using JsonDocument json = JsonDocument.Parse(await TextAsync(answer, address, cancellationToken).ConfigureAwait(false));
            string[] found = isRevision
                ? [.. ((string[])["branches", "tags"]).SelectMany(kind => Names(json.RootElement.GetProperty(kind), "name"))]
                : [.. Names(json.RootElement, "id")];
            if (isRevision)
                found = Spelling.Nearest(id.Revision, found) is { } nearest ? [nearest] : [];
            return found.Length == 0 ? null : $"; did you mean {string.Join(" or ", found.Select(name => $"'{name}'"))}?";
        }
        catch (Exception error) when (error is HubTrouble or CheckpointException or JsonException or InvalidOperationException
            or KeyNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A property of each object in a list; names that are too long to be any are left out.</summary>
    private static IEnumerable<string> Names(JsonElement list, string property) =>
        list.EnumerateArray().Select(item => item.GetProperty(property).GetString() ?? "").Where(name => name.Length is > 0 and < 200);

    /// <summary>Tries again after what may pass, a few times; what brought a good piece of the file does not count.</summary>
    private async Task<T> PersistAsync<T>(
        Uri address, int attempts, Func<long> arrived, Func<Task<T>> attempt, CancellationToken cancellationToken)
    {
        TimeSpan pause = settings.Pause;
        for (int failures = 1; ; failures++)
        {
            long before = arrived();
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (HubTrouble trouble)
            {
                if (arrived() - before >= GoodPiece)
                    (failures, pause) = (1, settings.Pause);
                if (failures >= attempts)
                    throw HubRefusals.Unreachable(id, address, trouble, failures);
                await Task.Delay(trouble.Wait ?? pause, cancellationToken).ConfigureAwait(false);
                pause *= 2;
            }
        }
    }

    private static bool IsRedirection(HttpResponseMessage answer) => (int)answer.StatusCode is 301 or 302 or 303 or 307 or 308;

    private static bool IsHash(string? text, int digits) => text?.Length == digits && text.All(char.IsAsciiHexDigitLower);

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;
}
