using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Declarations;

/// <summary>
/// Turns an <c>[Intervention]</c> class into its spec. It compares no name with a schema or a vocabulary: that is left to the rules.
/// </summary>
internal static class InterventionParser
{
    /// <summary>The spec of a class; null where nothing can be added to it.</summary>
    public static InterventionSpec? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        return context.TargetSymbol is INamedTypeSymbol type && context.IsOnce(InterventionDeclaration.AttributeOf(type))
            ? Parse(type, context.SemanticModel.Compilation, cancellation)
            : null;
    }

    /// <summary>The spec of a class that derives from an intervention, and has no attribute itself; null for every other class.</summary>
    public static InterventionSpec? ParseDerived(GeneratorSyntaxContext context, CancellationToken cancellation)
    {
        var part = (TypeDeclarationSyntax)context.Node;
        return context.SemanticModel.GetDeclaredSymbol(part, cancellation) is INamedTypeSymbol type
            && type.BaseType is { SpecialType: SpecialType.None }
            && InterventionDeclaration.AttributeOf(type) is null
            // A base may be written at several parts.
            && type.DeclaringSyntaxReferences.Select(reference => reference.GetSyntax(cancellation)).First(IsDerived) == part
            ? Parse(type, context.SemanticModel.Compilation, cancellation)
            : null;
    }

    /// <summary>Whether a type in source may be a derived intervention.</summary>
    public static bool IsDerived(SyntaxNode node) =>
        node is TypeDeclarationSyntax { BaseList: not null } type and (ClassDeclarationSyntax or RecordDeclarationSyntax)
        && type.Modifiers.Any(SyntaxKind.PartialKeyword);

    private static InterventionSpec? Parse(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (InterventionDeclaration.Of(type, compilation) is not { } declaration || !CanBeCompleted(declaration))
            return null;
        cancellation.ThrowIfCancellationRequested();
        SubjectSpec subject = Subject(declaration);
        InterventionDeclaration own = declaration.Own;
        return new InterventionSpec(
            TypeParser.Parse(type), subject, subject.PromptsHaveSchema && HasModelSchema(declaration) && IsWellFormed(declaration),
            Writes(own), Keeps(own, OnlyMetric(declaration)), Sweep(declaration),
            subject.IsGeneric ? DeclaredSites(declaration) : default, Inheritance(declaration));
    }

    /// <summary>Whether members can be added to a class, and are added to its bases.</summary>
    private static bool CanBeCompleted(InterventionDeclaration declaration) =>
        declaration is { Type: { IsStatic: false, IsFileLocal: false } type, Model.TypeKind: not TypeKind.Error }
        && declaration.Prompts is not (null or { TypeKind: TypeKind.Error }) && type.IsPartial() && !Collisions(type).Any()
        && (declaration.Base is not { } inherited || (inherited.Type.IsAbstract && CanBeCompleted(inherited)));

    private static InheritanceSpec Inheritance(InterventionDeclaration declaration)
    {
        bool keepsMore = declaration.Base is not null && declaration.Own.Methods.Any(method => method.IsKept);
        IEnumerable<NamedRunSpec> runs = keepsMore && declaration.Vocabulary is { } prompts
            ? prompts.Runs.Zip(PromptSchemaParser.RunProperties(prompts), (name, property) => new NamedRunSpec(name, property))
            : [];
        return new InheritanceSpec(
            declaration.Type.IsAbstract, declaration.Base?.Type.Qualified(), (declaration.Base?.Kept ?? []).ToEquatableArray(),
            runs.ToEquatableArray());
    }

    /// <summary>The members whose names the generator needs. The class itself is among them: no member can have its name.</summary>
    public static IEnumerable<ISymbol> Collisions(INamedTypeSymbol type) =>
        type.GetMembers().Prepend(type).Where(member => ResultNames.Reserved.Contains(member.Name) && !member.IsGenerated());

    private static SubjectSpec Subject(InterventionDeclaration declaration)
    {
        // A derived class is about what its base is about, and as accessible: it overrides the base's members.
        if (declaration.Base is { } inherited)
            return Subject(inherited);
        (INamedTypeSymbol model, ITypeParameterSymbol? parameter, INamedTypeSymbol? prompts) = declaration.Subject;
        // A public class may be declared over an internal model; its Run is then internal too.
        int least = Math.Min(model.Visibility(), prompts!.Visibility());
        return new SubjectSpec(
            (parameter ?? (ITypeSymbol)model).Qualified(), parameter is not null, prompts!.Qualified(),
            prompts!.Attribute(KnownNames.PromptSchema) is not null && prompts!.IsPartial(),
            least >= declaration.Type.Visibility() || least < 2 ? "public" : "internal");
    }

    /// <summary>
    /// Whether the model has a generated schema. The model of a generic intervention is checked where the intervention is used.
    /// </summary>
    private static bool HasModelSchema(InterventionDeclaration declaration) =>
        declaration.Subject.ModelParameter is not null || (SchemaReader.IsDeclared(declaration.Model) && declaration.Model.IsPartial());

    /// <summary>Whether generated code can call and name every part of the declaration. The rules say which part it cannot.</summary>
    private static bool IsWellFormed(InterventionDeclaration declaration) =>
        declaration.Methods.All(method => method.IsWellFormed && method.Path is not { Path: null })
        && declaration.Parameters.All(parameter => parameter.Symbol.HoldsTensor())
        && declaration.Writes.All(write => IsWellFormed(write, declaration))
        && declaration.Sweeps.All(sweep => sweep.Property is null ? !sweep.IsOfPoints || sweep.Numbers.Count == 0 : sweep.Types is not null)
        && declaration.Includes.All(include => Includes.Fault(declaration, include) == IncludeFault.None);

    private static bool IsWellFormed(DeclaredWrite write, InterventionDeclaration declaration)
    {
        bool isHeld = write.Property is null
            || (write.Kind == WriteKind.Splice ? DeclaredSplice.IsHeldBy(write.Property) : write.Property.HoldsTensor());
        bool hasAmount = write.Kind == WriteKind.Patch || write.AmountSweep is not null
            || (write.AmountText.Length == 0 && !double.IsNaN(write.Amount));
        return isHeld && hasAmount && write.Written.All(path => path.Path is not null)
            && (write.Over is not { } over || ReferencePrompts.Find(declaration, over.Value) is not null);
    }

    private static WritesSpec Writes(InterventionDeclaration declaration)
    {
        List<DeclaredStep> steps = declaration.Steps.ToList();
        IEnumerable<string> names = declaration.Type.GetMembers().Select(member => member.Name).Append(declaration.Type.Name);
        return new WritesSpec(
            declaration.Changes?.Value,
            declaration.Runs.Select(run => new RunSpec(run.Name, run.From?.Value)).ToEquatableArray(),
            steps.TakeWhile(step => step.Include is not null).Select(step => step.Include!.Name).ToEquatableArray(),
            FusedWrites.Of(steps.SkipWhile(step => step.Include is not null), names)
                .Select(fused => new StepSpec(fused.Method, fused.Steps.Select(Write).ToEquatableArray())).ToEquatableArray());
    }

    private static WriteSpec Write(DeclaredStep step)
    {
        if (step.Write is not { } write)
            return new WriteSpec.Include(step.Include!.Name);
        AttributeData attribute = write.Attribute;
        return write.Kind switch
        {
            WriteKind.Patch => new WriteSpec.Method(Method(write.Method!)),
            WriteKind.PathPatch => new WriteSpec.PathPatch(
                Texts(write.Senders), Texts(write.Receivers), write.DonorRun!, attribute.Named("FreezeMlps", false),
                write.Frozen is { } frozen ? Texts(frozen) : null, write.Run),
            WriteKind.Splice => new WriteSpec.Splice(
                write.Property!.Name, write.Site.Value, write.Encoded?.Value, attribute.Named("ErrorTerm", true),
                attribute.Named("DetachError", false), attribute.Named("Features", 0)),
            _ => new WriteSpec.BuiltIn(write.Kind, write.Site.Value)
            {
                Run = write.Run,
                Property = write.Property?.Name ?? "",
                Donor = write.DonorRun,
                Amount = write.Amount,
                AmountSweep = write.AmountSweep is null ? null : write.AmountText,
                Seed = attribute.Named("Seed", 0),
                IsPooled = attribute.Named("Pooled", false),
                Over = write.Over?.Value,
                AcrossTemplates = attribute.Named("AcrossTemplates", false),
                Axes = write.Axes.Select(axis => axis.Value).ToEquatableArray(),
                Ablation = write.Ablation,
            },
        };
    }

    private static EquatableArray<string> Texts(IEnumerable<DeclaredPath> paths) => paths.Select(path => path.Value).ToEquatableArray();

    /// <summary>The one metric of an abstract intervention, which stays that of its gradients; null where none or several are.</summary>
    private static string? OnlyMetric(InterventionDeclaration declaration) =>
        declaration.Type.IsAbstract && declaration.Metrics.ToList() is { Count: 1 } only ? only[0].Name : null;

    private static KeepsSpec Keeps(InterventionDeclaration declaration, string? metric) => new(
        declaration.Methods.Where(method => method.IsKept)
            .Select(method => method.Kind == NodeKind.Gradient ? Gradient(method, metric) : Method(method)).ToEquatableArray(),
        declaration.Parameters
            .Select(parameter => new ParameterSpec(parameter.Name, parameter.Attribute.Named("Of") ?? metric)).ToEquatableArray(),
        Includes.Parameters(declaration).ToEquatableArray(),
        Shapes(declaration.Type).ToEquatableArray());

    private static IEnumerable<ShapeSpec> Shapes(INamedTypeSymbol type)
    {
        foreach (IPropertySymbol property in type.GetMembers().OfType<IPropertySymbol>())
            if (property.Attribute(KnownNames.Shape) is { } shape && property.HoldsTensor())
                yield return new ShapeSpec(property.Name, shape.Items(0).ToEquatableArray());
    }

    private static SweepSpec Sweep(InterventionDeclaration declaration) => new(
        declaration.Own.Sweeps
            .Select(sweep => new SweepListSpec(
                sweep.Names.Value, sweep.Numbers, sweep.Texts.Select(text => text.Value).ToEquatableArray(), sweep.Property?.Name))
            .ToEquatableArray(),
        declaration.Placeholders.ToEquatableArray());

    private static MethodSpec Gradient(DeclaredMethod method, string? metric)
    {
        MethodSpec gradient = Method(method);
        return gradient with { Metric = gradient.Metric ?? metric };
    }

    private static MethodSpec Method(DeclaredMethod method)
    {
        bool isPatch = method.Kind == NodeKind.Patch;
        return new MethodSpec(
            method.Kind, method.Name, method.Path?.Value ?? "", method.Symbol.IsStatic, Reads(method).ToEquatableArray())
        {
            Run = method.Attribute.Named("In"),
            Metric = method.Attribute.Named("Of"),
            BeforeWrites = method.IsBeforeWrites,
            Shape = isPatch ? DeclaredMethod.ReturnedShape(method.Symbol)?.Items(0).ToEquatableArray() : null,
            IsPointwise = isPatch && method.Symbol.Attribute(KnownNames.Pointwise) is not null,
            IsAcrossBatch = method.Symbol.Attribute(KnownNames.AcrossBatch) is not null,
            IsRagged = method.IsMasked,
            IsStacked = method.IsStacked,
            IsSwept = method.IsSwept,
        };
    }

    private static IEnumerable<ReadSpec> Reads(DeclaredMethod method)
    {
        bool hasGradient = method.Kind != NodeKind.Gradient;
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            // The first bare parameter of a gradient is the gradient itself, the second one the value.
            bool isGradient = parameter.Kind == ReadKind.Value && !hasGradient;
            hasGradient |= isGradient;
            yield return isGradient ? new ReadSpec(ReadKind.Gradient, "") : Read(parameter);
        }
    }

    private static ReadSpec Read(DeclaredParameter parameter) => parameter.Kind switch
    {
        ReadKind.Value => new ReadSpec(ReadKind.Value, ""),
        ReadKind.From => new ReadSpec(ReadKind.From, parameter.Donor!.Value, parameter.Path?.Value),
        ReadKind.Logit or ReadKind.WordLogits =>
            new ReadSpec(parameter.Kind, parameter.Attribute.Text(0), At(parameter), parameter.Attribute.Named("In")),
        ReadKind.Logits => new ReadSpec(ReadKind.Logits, "", At(parameter), parameter.Attribute.Named("In")),
        _ => new ReadSpec(parameter.Kind, parameter.Attribute.Text(0)),
    };

    private static string At(DeclaredParameter parameter) => parameter.Attribute.Named("At") ?? "end";

    /// <summary>The paths with their members: first the attributes of class and properties, then the methods.</summary>
    private static EquatableArray<DeclaredSiteSpec> DeclaredSites(InterventionDeclaration declaration)
    {
        IEnumerable<(string Member, DeclaredPath? Path)> ofWrites = declaration.Steps.Select(step => step.Write).OfType<DeclaredWrite>()
            .Where(write => write.Method is null)
            .SelectMany(write => write.Written.Append(write.Encoded)
                .Select(path => (write.Property?.Name ?? write.Attribute.ShortName(), path)));
        IEnumerable<(string Member, DeclaredPath? Path)> ofMethods = declaration.Methods.SelectMany(
            method => method.Parameters.Select(parameter => parameter.Path).Prepend(method.Path).Select(path => (method.Name, path)));
        return ofWrites.Concat(ofMethods).Where(site => site.Path is { Value.Length: > 0 })
            .Select(site => new DeclaredSiteSpec(site.Member, site.Path!.Value)).Distinct().ToEquatableArray();
    }
}

/// <summary>Finds the properties that hold the prompts over which a mean is taken.</summary>
internal static class ReferencePrompts
{
    /// <summary>The type of a property; null when there is none of that name, or it holds no prompts.</summary>
    public static INamedTypeSymbol? Find(InterventionDeclaration declaration, string name) =>
        All(declaration).FirstOrDefault(property => property.Name == name)?.Type as INamedTypeSymbol;

    /// <summary>Every property that holds prompts.</summary>
    public static IEnumerable<IPropertySymbol> All(InterventionDeclaration declaration) =>
        declaration.Type.SelfAndBaseTypes().SelectMany(type => type.GetMembers()).OfType<IPropertySymbol>()
            .Where(property => property is { IsIndexer: false, GetMethod: not null } && IsPrompts(property.Type));

    private static bool IsPrompts(ITypeSymbol type) =>
        type.Is(KnownNames.PromptSetInterface) || type.AllInterfaces.Any(known => known.Is(KnownNames.PromptSetInterface))
        // A prompt set whose base is still to be generated has the attribute.
        || type.Attribute(KnownNames.PromptSchema) is not null;
}
