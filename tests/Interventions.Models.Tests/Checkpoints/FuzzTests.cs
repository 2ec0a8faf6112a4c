using Interventions.Testing.Fuzzing;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>A minute of damaged files; <c>./build.sh bench fuzz</c> reads a million of each format.</summary>
public sealed class FuzzTests : IDisposable
{
    private readonly FuzzFormats _formats = new();

    public void Dispose() => _formats.Dispose();

    public static TheoryData<string> Formats => [.. FuzzFormats.Names];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Damaged_files_are_read_or_refused_with_one_clear_exception(string name)
    {
        FuzzReport report = Fuzzer.Run(_formats[name], long.MaxValue, seed: 1, atMost: TimeSpan.FromSeconds(10));
        Assert.Empty(report.Failures);
        Assert.True(report.Inputs > 500, $"{report.Inputs} inputs");
        Assert.InRange(report.Read, report.Inputs / 1000, report.Inputs * 9 / 10);
    }

    [Fact]
    public void True_files_are_read()
    {
        foreach (FuzzFormat format in FuzzFormats.Names.Select(name => _formats[name]))
            foreach (FuzzSeed seed in format.Name == "config.json" ? format.Seeds.TakeLast(1) : format.Seeds)
                format.Read(seed.Wrap(seed.Bytes));
    }
}
