using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A <c>[Run]</c> of a class: a derived run.</summary>
/// <param name="Text">Its name.</param>
/// <param name="From">The run whose tokens it reads; null is the changed one.</param>
internal sealed record DeclaredRun(DeclaredText Text, DeclaredText? From)
{
    /// <summary>Its name.</summary>
    public string Name => Text.Value;

    /// <summary>Reads the attribute.</summary>
    public static DeclaredRun Read(AttributeData attribute) =>
        new(DeclaredText.Argument(attribute, 0), DeclaredText.Named(attribute, "From"));
}

/// <summary>A place where a declaration names a run.</summary>
/// <param name="Text">The name.</param>
/// <param name="Which">The runs that may stand there.</param>
internal sealed record DeclaredRunName(DeclaredText Text, RunSort Which)
{
    /// <summary>All names of runs in a declaration, except where [Run] gives one.</summary>
    public static IReadOnlyList<DeclaredRunName> All(InterventionDeclaration declaration)
    {
        var names = new List<DeclaredRunName>();
        Add(declaration.Changes, RunSort.OfPrompts);
        foreach (DeclaredRun run in declaration.Runs)
            Add(run.From, RunSort.OfPrompts);
        // What a path's placeholder goes through, and points, are compared with the model too, by the rules of sweeps.
        foreach (DeclaredSweep sweep in declaration.Sweeps)
            if (!sweep.IsOfPoints && !declaration.PathPlaceholders.Contains(sweep.Names.Value))
                foreach (DeclaredText run in sweep.Texts)
                    Add(run, RunSort.OfPrompts);
        foreach (DeclaredWrite write in declaration.Writes)
        {
            Add(DeclaredText.Named(write.Attribute, "In"), RunSort.Derived);
            // Partners and means are of the prompt set's own runs, which exist before any write.
            if (write is { DonorSweep: null, Over: null })
                Add(write.Donor, write.ValueKind is WriteKind.Resample or WriteKind.Mean ? RunSort.OfPrompts : RunSort.Any);
        }
        foreach (DeclaredMethod method in declaration.Methods)
        {
            // Derived runs are for writes; kept values read runs of the prompt set.
            RunSort donors = method.IsKept ? RunSort.OfPrompts : RunSort.Any;
            foreach (DeclaredParameter parameter in method.Parameters)
            {
                if (parameter is { Donor: { } donor, Sweep: null })
                    Add(donor, donors);
                else if (parameter.IsOfLogits)
                    Add(DeclaredText.Named(parameter.Attribute, "In"), RunSort.OfPrompts);
            }
        }
        return names;

        void Add(DeclaredText? name, RunSort which)
        {
            if (name is not null)
                names.Add(new DeclaredRunName(name, which));
        }
    }
}

/// <summary>The runs that may stand at a place.</summary>
internal enum RunSort
{
    /// <summary>Those of the prompt set.</summary>
    OfPrompts,

    /// <summary>Those that the declaration derives.</summary>
    Derived,

    /// <summary>Both.</summary>
    Any,
}
