using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Interventions.Models.Tests.Hub;

/// <summary>What a client sent.</summary>
internal sealed record Request(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>The first byte that is asked for.</summary>
    public int From => this["Range"] is { } range ? int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture) : 0;
}

/// <summary>What the server sends.</summary>
/// <param name="Status">The status.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">Headers beside <c>Content-Length</c>.</param>
internal sealed record Answer(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>After how many bytes of the body the connection is cut.</summary>
    public int? CutAt { get; init; }

    /// <summary>Whether the server then waits, and sends nothing.</summary>
    public bool Stalls { get; init; }

    /// <summary>The length that it says; <see langword="null"/> for the true one, negative for none.</summary>
    public long? Length { get; init; }
}

/// <summary>A server of HTTP on this machine that does what a test wants, be it wrong.</summary>
internal sealed class TestServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();

    public TestServer(Func<Request, Answer> respond)
    {
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _ = Task.Run(async () =>
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                _ = Task.Run(() => ServeAsync(client, respond));
            }
        });
    }

    public Uri Address { get; }

    /// <summary>All that was asked, in order.</summary>
    public ConcurrentQueue<Request> Requests { get; } = new();

    public void Dispose()
    {
        if (_end.IsCancellationRequested)
            return;
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync(TcpClient client, Func<Request, Answer> respond)
    {
        using TcpClient connection = client;
        connection.LingerState = new LingerOption(enable: true, seconds: 2);
        try
        {
            NetworkStream stream = connection.GetStream();
            if (await ReadAsync(stream) is not { } request)
                return;
            Requests.Enqueue(request);
            Answer answer = respond(request);
            await WriteAsync(stream, request, answer);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, or the test is over.
        }
    }

    private async Task WriteAsync(NetworkStream stream, Request request, Answer answer)
    {
        StringBuilder head = new($"HTTP/1.1 {answer.Status} Answer\r\nConnection: close\r\n");
        if ((answer.Length ?? answer.Body.Length) is >= 0 and var length)
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n");
        foreach ((string name, string value) in answer.Headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{head}\r\n"), _end.Token);
        if (request.Method != "HEAD")
            await stream.WriteAsync(answer.Body.AsMemory(0, answer.CutAt ?? answer.Body.Length), _end.Token);
        if (answer.Stalls)
            await Task.Delay(Timeout.Infinite, _end.Token);
    }

    private static async Task<Request?> ReadAsync(NetworkStream stream)
    {
        List<byte> bytes = [];
        byte[] one = new byte[1];
        while (!Encoding.ASCII.GetString([.. bytes.TakeLast(4)]).Equals("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one) == 0)
                return null;
            bytes.Add(one[0]);
        }
        string[] lines = Encoding.ASCII.GetString([.. bytes]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] first = lines[0].Split(' ');
        return new Request(first[0], first[1], lines.Skip(1).Select(line => line.Split(": ", 2))
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase));
    }
}
