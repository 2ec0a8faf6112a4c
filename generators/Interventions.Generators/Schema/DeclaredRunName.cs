using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>A run's name that a declaration contains.</summary>
/// <param name="Location">Where.</param>
/// <param name="Which">Which runs it may name.</param>
internal sealed record DeclaredRunName(TextLocation Location, RunSort Which)
{
    /// <summary>All names of runs in a declaration, except where [Run] gives one.</summary>
    public static IReadOnlyList<DeclaredRunName> Of(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once<IReadOnlyList<DeclaredRunName>>(() => All(declaration, cancellation));

    private static List<DeclaredRunName> All(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        var names = new List<DeclaredRunName>();
        if (declaration.Changes is { } changes)
            names.Add(new DeclaredRunName(TextLocation.Argument(changes, 0, cancellation), RunSort.OfPrompts));
        foreach (AttributeData run in declaration.Runs)
            Property(run, "From", RunSort.OfPrompts);
        foreach (DeclaredSweep sweep in declaration.Sweeps)
            for (int i = 0; i < sweep.Runs.Count; i++)
                names.Add(new DeclaredRunName(
                    i == 0 ? TextLocation.Argument(sweep.Attribute, 1, cancellation) : TextLocation.Item(sweep.Attribute, 2, i - 1, cancellation), RunSort.OfPrompts));
        foreach (DeclaredWrite write in declaration.Writes)
        {
            Property(write.Attribute, "In", RunSort.Derived);
            // Partners and means are of the prompt set's own runs, which are there before any write.
            if (write is { DonorProperty: { } donor, DonorSweep: null, Over: null })
                Property(write.Attribute, donor, write.Kind is WriteKind.Resample or WriteKind.Mean ? RunSort.OfPrompts : RunSort.Any);
        }
        foreach (DeclaredMethod method in declaration.Methods)
        {
            // Derived runs are for writes; what is kept reads runs of the prompt set.
            RunSort donors = method.Kind == NodeKind.Patch ? RunSort.Any : RunSort.OfPrompts;
            foreach (DeclaredParameter parameter in method.Parameters)
            {
                if (parameter is { Kind: ReadKind.From, Sweep: null })
                    names.Add(new DeclaredRunName(TextLocation.Argument(parameter.Attribute, 0, cancellation), donors));
                else if (parameter.Kind is ReadKind.Logit or ReadKind.Logits)
                    Property(parameter.Attribute, "In", RunSort.OfPrompts);
            }
        }
        return names;

        void Property(AttributeData attribute, string property, RunSort which)
        {
            if (TextLocation.Property(attribute, property, cancellation) is { } location)
                names.Add(new DeclaredRunName(location, which));
        }
    }
}

/// <summary>Which runs a name may name.</summary>
internal enum RunSort
{
    /// <summary>Those of the prompt set.</summary>
    OfPrompts,

    /// <summary>Those that the declaration derives.</summary>
    Derived,

    /// <summary>Both.</summary>
    Any,
}
