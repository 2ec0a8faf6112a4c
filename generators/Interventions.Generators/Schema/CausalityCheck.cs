using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>
/// The rules of order in one pass: receivers come after their sender, and a written value after the values that it is made of.
/// </summary>
internal static class CausalityCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        ModelSchema? schema = SchemaReader.Of(declaration);
        foreach (DeclaredWrite write in declaration.Writes)
        {
            foreach (Problem problem in write.Kind == WriteKind.PathPatch
                ? Receivers(write, schema, cancellation)
                : OwnRun(write, DeclaredPath.Senders(write, cancellation).First(), schema, cancellation))
                yield return problem;
        }
    }

    private static IEnumerable<Problem> Receivers(DeclaredWrite write, ModelSchema? schema, CancellationToken cancellation)
    {
        List<DeclaredPath> senders = DeclaredPath.Senders(write, cancellation).ToList();
        List<DeclaredPath> receivers = DeclaredPath.Receivers(write, cancellation).ToList();
        if (receivers.Count == 0)
            yield return new Problem(
                Rules.Receiver, senders[0].Location.At(0, senders[0].Location.Text.Length),
                $"'{senders[0].Location.Text}' has no receivers, so nothing is patched");
        foreach (DeclaredPath receiver in receivers)
            if (schema is not null && receiver.Path is not null
                && senders.All(sender => sender.Path is not null && SiteOrder.IsNotAfter(receiver.Path, sender.Path, schema)))
            {
                string all = Spelling.List(senders.Select(sender => $"'{sender.Path!.Site}'").ToList());
                yield return new Problem(
                    Rules.Receiver, receiver.Location.At(0, receiver.Path.Site.Length),
                    $"'{receiver.Path.Site}' is not downstream of {all}: nothing that the sender changes reaches it");
            }
    }

    private static IEnumerable<Problem> OwnRun(
        DeclaredWrite write, DeclaredPath written, ModelSchema? schema, CancellationToken cancellation)
    {
        // A run is a donor when it is complete, and its own writes are part of it.
        foreach (TextLocation donor in RunCheck.Donors(write, cancellation))
            if (donor.Text == write.Run)
                yield return new Problem(
                    Rules.LaterValue, donor.At(0, donor.Text.Length), written.Location.Text,
                    $"its own run '{donor.Text}', which it reads, is complete");
        foreach (DeclaredParameter parameter in write.Method?.Parameters ?? [])
            if (parameter.Kind == ReadKind.ValueOf && DeclaredPath.Read(parameter, cancellation) is { Path: { } read } path
                && schema is not null && written.Path is not null && SiteOrder.IsTooEarly(written.Path, read, schema))
                yield return new Problem(
                    Rules.LaterValue, path.Location.At(0, read.Site.Length), written.Location.Text,
                    $"'{read.Site}', which it reads, exists in the same run");
    }
}
