using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.Graphs;

/// <summary>What a declaration says: its writes, captures and metrics in textual order. Built by generated code, without reflection.</summary>
public sealed record InterventionGraph
{
    /// <summary>The declaring class, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>The schema fingerprint of the model type that the declaration was compiled against.</summary>
    public string? ModelFingerprint { get; init; }

    /// <summary>The fingerprint of the prompt vocabulary that the declaration was compiled against.</summary>
    public string? PromptFingerprint { get; init; }

    /// <summary>What is overwritten, in textual order.</summary>
    public ImmutableArray<WriteNode> Writes { get; init; } = [];

    /// <summary>What is kept.</summary>
    public ImmutableArray<CaptureNode> Captures { get; init; } = [];

    /// <summary>The metrics.</summary>
    public ImmutableArray<MetricNode> Metrics { get; init; } = [];
}

/// <summary>A user's method, its arguments in the order of the node's reads. Pure: it writes into none of them.</summary>
public delegate Tensor MethodBody(ReadOnlySpan<Tensor> arguments);

/// <summary>Overwrites the selected values of a site.</summary>
/// <param name="Name">The method.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">What the method reads.</param>
/// <param name="Body">The method; returns the selection's shape, or one that broadcasts to it.</param>
public sealed record WriteNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body);

/// <summary>Keeps a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">What the method reads.</param>
/// <param name="Body">The method.</param>
public sealed record CaptureNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body);

/// <summary>A number a prompt.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Reads">What the method reads.</param>
/// <param name="Body">The method; returns <c>[batch]</c>.</param>
public sealed record MetricNode(string Name, ImmutableArray<Read> Reads, MethodBody Body);

/// <summary>What one parameter of a method reads.</summary>
public abstract record Read
{
    private Read()
    {
    }

    /// <summary>The selected value of the method's own site, as the run has it.</summary>
    public sealed record Value : Read;

    /// <summary>The value in an unchanged run: of the method's own site, or of another.</summary>
    public sealed record From(string Run, string? Site = null) : Read;

    /// <summary>The logit of an answer at a position: <c>[batch]</c>.</summary>
    public sealed record Logit(string Answer, string At) : Read;
}
