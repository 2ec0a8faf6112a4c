using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Analyzers;

/// <summary>
/// What the analyzers of a compilation have in common. Two dozen of them ask for every type whether it is an intervention, and those of one check then
/// each want one rule of the same problems: both are answered once. Nothing is kept longer than its compilation.
/// </summary>
internal sealed class InterventionCache
{
    private static readonly ConditionalWeakTable<Compilation, InterventionCache> s_caches = new();

    private readonly ConcurrentDictionary<INamedTypeSymbol, InterventionDeclaration?> _declarations = new(SymbolEqualityComparer.Default);
    private readonly ConcurrentDictionary<(INamedTypeSymbol Type, Type Check), IReadOnlyList<Problem>> _problems = new();
    private readonly ConcurrentDictionary<INamedTypeSymbol, IReadOnlyList<string>> _closed = new(SymbolEqualityComparer.Default);

    /// <summary>The cache of a compilation.</summary>
    public static InterventionCache Of(Compilation compilation) => s_caches.GetValue(compilation, static _ => new InterventionCache());

    /// <summary>The intervention that a type is; null if none.</summary>
    public InterventionDeclaration? Read(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation)
    {
        if (_declarations.TryGetValue(type, out InterventionDeclaration? declaration))
            return declaration;
        declaration = InterventionDeclaration.Read(type, compilation, cancellation);
        return _declarations.GetOrAdd(type, declaration);
    }

    /// <summary>What is wrong with a generic intervention on the model that it is closed over.</summary>
    public IReadOnlyList<string> ClosedUse(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation) =>
        _closed.TryGetValue(type, out IReadOnlyList<string>? messages)
            ? messages
            : _closed.GetOrAdd(type, ClosedUseCheck.Messages(type, compilation, cancellation).ToList());

    /// <summary>The problems that a check finds in an intervention.</summary>
    public IReadOnlyList<Problem> Problems(InterventionDeclaration declaration, Type check, Func<IEnumerable<Problem>> find)
    {
        if (_problems.TryGetValue((declaration.Type, check), out IReadOnlyList<Problem>? problems))
            return problems;
        // A check that was cancelled throws, and is not kept.
        return _problems.GetOrAdd((declaration.Type, check), find().ToList());
    }
}
