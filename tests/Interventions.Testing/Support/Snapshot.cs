using System.Runtime.CompilerServices;

namespace Interventions.Testing.Support;

/// <summary>
/// Compares a text with a file beside the test, in Verify's convention: <c>Class.Method.verified.txt</c> is right, and a difference writes
/// <c>Class.Method.received.txt</c>, to be looked at and renamed.
/// </summary>
public static class Snapshot
{
    /// <summary>Compares.</summary>
    public static void Verify(string text, [CallerFilePath] string file = "", [CallerMemberName] string method = "")
    {
        string stem = Path.Combine(Path.GetDirectoryName(file)!, Path.GetFileNameWithoutExtension(file) + "." + method);
        string verified = stem + ".verified.txt", received = stem + ".received.txt";
        if (File.Exists(verified) && Normal(File.ReadAllText(verified)) == Normal(text))
        {
            File.Delete(received);
            return;
        }
        File.WriteAllText(received, Normal(text));
        Assert.Fail($"The text differs from {verified}.{Environment.NewLine}Compare {received}, and rename it if it is right.");
    }

    private static string Normal(string text) => text.TrimStart('\uFEFF').ReplaceLineEndings("\n").TrimEnd('\n');
}
