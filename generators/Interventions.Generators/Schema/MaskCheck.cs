using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>The rule of masks: their axes are those of the site that they mix.</summary>
internal static class MaskCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        ModelSchema? schema = DeclaredSplices.Schema(declaration, cancellation);
        foreach (DeclaredWrite write in declaration.Writes)
        {
            List<string> axes = write.Axes.ToList();
            // A path that is wrong is said by others.
            if (axes.Count == 0 || schema is null || ParsedPath.Of(write.Attribute.Text(0)).Path is not { } path || ResolvedPath.Of(path, schema) is not { Site: { } site } resolution)
                continue;
            bool isStacked = resolution.Layer is { IsSweep: false } layers && (layers.Items.Count != 1 || layers.Items[0].First != layers.Items[0].Last);
            if (MaskAxes.Problem(axes, site, isStacked, write.Attribute.Text(0)) is not var (index, message, suggestion))
                continue;
            TextLocation axis = TextLocation.Item(write.Attribute, 1, index, cancellation);
            yield return new Problem(Rules.Mask, axis.At(0, axes[index].Length), message) { Suggestion = suggestion };
        }
    }
}
