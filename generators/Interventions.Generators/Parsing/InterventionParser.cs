using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Reads an <c>[Intervention]</c> class. It looks at no site and no vocabulary: those are the analyzers' business.</summary>
internal static class InterventionParser
{
    /// <summary>What the class declares; null where nothing can be added to it.</summary>
    public static InterventionModel? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial(cancellation))
            return null;
        if (InterventionDeclaration.Of(type, context.SemanticModel.Compilation, cancellation) is not { } declaration)
            return null;
        if (!context.IsOnce(declaration.Attribute) || declaration.Model.TypeKind == TypeKind.Error
            || declaration.Prompts is null or { TypeKind: TypeKind.Error })
            return null;
        cancellation.ThrowIfCancellationRequested();
        if (type.IsStatic || type.IsFileLocal || ReservedNames.Collisions(declaration).Any())
            return null;

        bool promptsHaveSchema = declaration.Prompts.Attribute(KnownNames.PromptSchema) is not null && declaration.Prompts.IsPartial(cancellation);
        // Which model a type parameter stands for is known, and checked, where the intervention is used.
        bool modelHasSchema = declaration.ModelParameter is not null || SchemaReader.IsDeclared(declaration.Model) && declaration.Model.IsPartial(cancellation);
        bool isValid = promptsHaveSchema && modelHasSchema && !SignatureCheck.Problems(declaration, cancellation).Any()
            && !IncludeCheck.Problems(declaration, cancellation).Any() && Sites(declaration).All(site => ParsedPath.Of(site).Path is not null)
            && declaration.Writes.All(write => HasAmount(write) && (write.Over is null || ReferencePrompts.Find(declaration, write) is not null));
        return new InterventionModel(
            TypeModelParser.Parse(type), (declaration.ModelParameter ?? (ITypeSymbol)declaration.Model).Qualified(),
            declaration.ModelParameter is not null, declaration.Prompts.Qualified(), promptsHaveSchema, Access(declaration), isValid,
            declaration.Changes?.Text(0),
            declaration.Runs.Select(run => new RunModel(run.Text(0), run.Named("From"))).ToEquatableArray(),
            declaration.Steps.TakeWhile(step => step.Write is null).Select(step => step.Include!.Symbol.Name).ToEquatableArray(),
            declaration.Steps.SkipWhile(step => step.Write is null).Select(Step).ToEquatableArray(),
            declaration.Methods.Select(Method).ToEquatableArray(),
            declaration.Parameters.Select(parameter => new ParameterModel(parameter.Symbol.Name, parameter.Attribute.Named("Of"))).ToEquatableArray(),
            DeclaredShapes.OfTensors(type).ToEquatableArray(),
            declaration.Sweeps.Select(sweep => new SweepModel(sweep.Name, sweep.Numbers, sweep.Runs)).ToEquatableArray(),
            Parsing.IncludedParameters.Of(declaration, cancellation).ToEquatableArray(),
            SweptPlaceholders.Of(declaration, cancellation).ToEquatableArray(),
            type.GetMembers().Select(member => member.Name).Append(type.Name).Where(name => name.StartsWith("Write", StringComparison.Ordinal)).ToEquatableArray());
    }

    private static IEnumerable<string> Sites(InterventionDeclaration declaration) =>
        declaration.Methods.Where(method => method.Kind != NodeKind.Metric).Select(method => method.Site)
            .Concat(declaration.Writes.SelectMany(write => write.Sites));

    private static WriteModel Step(DeclaredStep step) => step.Write is { } write ? Write(write) : new WriteModel.Include(step.Include!.Symbol.Name);

    private static WriteModel Write(DeclaredWrite write)
    {
        AttributeData attribute = write.Attribute;
        return write.Kind switch
        {
            WriteKind.Patch => new WriteModel.Method(Method(write.Method!)),
            WriteKind.PathPatch => new WriteModel.PathPatch(
                write.Senders.ToEquatableArray(), write.Receivers.ToEquatableArray(), write.Donor!, attribute.Named("FreezeMlps", false),
                write.Frozen is not null, (write.Frozen ?? []).ToEquatableArray(), write.Run),
            WriteKind.Splice => new WriteModel.Splice(
                write.Property!.Name, attribute.Text(0), attribute.Named("Reads"), attribute.Named("ErrorTerm", true), attribute.Named("DetachError", false),
                attribute.Named("Features", 0)),
            _ => new WriteModel.BuiltIn(
                write.Kind, attribute.Text(0), write.Run, write.Property?.Name ?? "", write.Donor, Amount(write),
                write.AmountSweep is null ? null : write.AmountText, attribute.Named("Seed", 0),
                attribute.Named("Pooled", false), write.Over, attribute.Named("AcrossTemplates", false), write.Axes.ToEquatableArray()),
        };
    }

    /// <summary>Whether a factor or strength, where there is one, is a number or a placeholder.</summary>
    private static bool HasAmount(DeclaredWrite write) =>
        write.Kind == WriteKind.Patch || write.AmountSweep is not null || (write.AmountText.Length == 0 && !double.IsNaN(Amount(write)));

    private static double Amount(DeclaredWrite write) => write.Kind == WriteKind.Scale ? write.Attribute.Number(1) : write.Attribute.Named("Strength", 1.0);

    private static MethodModel Method(DeclaredMethod method) => new(
        method.Kind, method.Symbol.Name, method.Site, method.Symbol.IsStatic, Reads(method).ToEquatableArray(),
        method.Attribute.Named("In"), method.Attribute.Named("Of"), method.Attribute.Named("BeforeWrites", false),
        method.Kind == NodeKind.Patch ? DeclaredShapes.OfReturn(method.Symbol)?.Items(0).ToEquatableArray() : null,
        method.Kind == NodeKind.Patch && method.Symbol.Attribute(KnownNames.Pointwise) is not null, method.Symbol.Attribute(KnownNames.AcrossBatch) is not null);

    private static IEnumerable<ReadModel> Reads(DeclaredMethod method)
    {
        bool hasGradient = method.Kind != NodeKind.Gradient;
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            // The first bare parameter of a gradient is the gradient itself, the second one the value.
            bool isGradient = parameter.Kind == ReadKind.Value && !hasGradient;
            hasGradient |= isGradient;
            yield return isGradient ? new ReadModel(ReadKind.Gradient, "") : Read(parameter);
        }
    }

    private static ReadModel Read(DeclaredParameter parameter) => parameter.Kind switch
    {
        ReadKind.Value => new ReadModel(ReadKind.Value, ""),
        ReadKind.From => new ReadModel(ReadKind.From, parameter.Attribute.Text(0), parameter.IsOwnSiteElsewhere ? null : parameter.Attribute.Text(1)),
        ReadKind.Logit => new ReadModel(ReadKind.Logit, parameter.Attribute.Text(0), At(parameter), parameter.Attribute.Named("In")),
        ReadKind.Logits => new ReadModel(ReadKind.Logits, "", At(parameter), parameter.Attribute.Named("In")),
        _ => new ReadModel(parameter.Kind, parameter.Attribute.Text(0)),
    };

    private static string At(DeclaredParameter parameter) => parameter.Attribute.Named("At") ?? "end";

    /// <summary>A public class may be declared over an internal model; its <c>Run</c> is then internal too.</summary>
    private static string Access(InterventionDeclaration declaration)
    {
        int least = Math.Min(declaration.Model.Visibility(), declaration.Prompts!.Visibility());
        return least >= declaration.Type.Visibility() || least < 2 ? "public" : "internal";
    }
}
