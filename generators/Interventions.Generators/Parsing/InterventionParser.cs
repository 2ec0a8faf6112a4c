using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Interventions.Sites;
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
        if (InterventionDeclaration.Read(type, context.SemanticModel.Compilation, cancellation) is not { } declaration)
            return null;
        if (!context.IsOnce(declaration.Attribute) || declaration.Model.TypeKind == TypeKind.Error
            || declaration.Prompts is null or { TypeKind: TypeKind.Error })
            return null;
        cancellation.ThrowIfCancellationRequested();
        if (type.IsStatic || type.IsFileLocal || ReservedNames.Collisions(declaration).Any())
            return null;

        bool promptsHaveSchema = declaration.Prompts.Attribute(KnownNames.PromptSchema) is not null && declaration.Prompts.IsPartial(cancellation);
        bool modelHasSchema = SchemaReader.IsDeclared(declaration.Model) && declaration.Model.IsPartial(cancellation);
        bool isValid = promptsHaveSchema && modelHasSchema && !SignatureCheck.Problems(declaration).Any()
            && declaration.Methods.All(method => method.Kind == NodeKind.Metric || SitePath.TryParse(method.Site, out _, out _));
        return new InterventionModel(
            TypeModelParser.Parse(type), declaration.Model.Qualified(), declaration.Prompts.Qualified(), promptsHaveSchema, Access(declaration), isValid,
            declaration.Methods.Select(Method).ToEquatableArray(), Placeholders(declaration).ToEquatableArray());
    }

    private static MethodModel Method(DeclaredMethod method) =>
        new(method.Kind, method.Symbol.Name, method.Site, method.Symbol.IsStatic, method.Parameters.Select(Read).ToEquatableArray());

    private static ReadModel Read(DeclaredParameter parameter) =>
        parameter.Logit is { } logit ? new ReadModel(ReadKind.Logit, logit.Text(0), logit.Named("At") ?? "end") :
        parameter.From is { } from ? new ReadModel(ReadKind.From, from.Text(0), from.HasArgument(1) ? from.Text(1) : null) :
        new ReadModel(ReadKind.Value, "", null);

    private static IEnumerable<string> Placeholders(InterventionDeclaration declaration)
    {
        var names = new List<string>();
        foreach (DeclaredMethod method in declaration.Methods)
            if (method.Kind == NodeKind.Patch && SitePath.TryParse(method.Site, out SitePath? path, out _))
                foreach (PlaceholderUse use in path.Placeholders)
                    if (!names.Contains(use.Name))
                        names.Add(use.Name);
        return names;
    }

    /// <summary>A public class may be declared over an internal model; its <c>Run</c> is then internal too.</summary>
    private static string Access(InterventionDeclaration declaration)
    {
        int least = Math.Min(declaration.Model.Visibility(), declaration.Prompts!.Visibility());
        return least >= declaration.Type.Visibility() || least < 2 ? "public" : "internal";
    }
}
