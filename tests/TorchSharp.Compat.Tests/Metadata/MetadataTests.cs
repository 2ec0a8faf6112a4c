namespace TorchSharp.Compat.Tests.Metadata;

public class MetadataTests
{
    /// <summary>Runs against the assembly that TORCHSHARP_DLL names; without one it is skipped, and says so.</summary>
    private sealed class WithTorchSharpFactAttribute : FactAttribute
    {
        public WithTorchSharpFactAttribute()
        {
            if (TorchSharpPath is null) Skip = "TORCHSHARP_DLL names no TorchSharp.dll: the public API was not compared";
        }
    }

    private static string? TorchSharpPath => Environment.GetEnvironmentVariable("TORCHSHARP_DLL") is { Length: > 0 } path ? path : null;

    [WithTorchSharpFact]
    public void Everything_public_is_in_TorchSharp()
    {
        var theirs = PublicApi.Of(TorchSharpPath!);
        var ours = PublicApi.Of(typeof(torch).Assembly.Location);
        var invented = ours.Where(line => !theirs.Contains(line)).ToList();
        Assert.True(ours.Count > 1000, $"only {ours.Count} lines were read");
        Assert.True(invented.Count == 0, $"{invented.Count} of {ours.Count} differ:\n{string.Join("\n", invented)}");
    }

    [Fact]
    public void The_comparison_sees_names_defaults_and_tuples()
    {
        var lines = PublicApi.Of(typeof(torch).Assembly.Location);
        Assert.Contains("TorchSharp.torch+Tensor: System.ValueTuple`2<TorchSharp.torch+Tensor, TorchSharp.torch+Tensor> named values indexes topk(Int32 k, Int32 dim = -1, Boolean largest = True, Boolean sorted = True)", lines);
        Assert.Contains("TorchSharp.torch: static TorchSharp.torch+Tensor permute(TorchSharp.torch+Tensor input, params Int64[] permutation)", lines);
    }
}
