using System.Collections.Immutable;
using System.Reflection;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;
using MethodBody = Interventions.Runtime.MethodBody;

namespace Interventions.Declarations;

/// <summary>
/// A declared class, read by reflection. It says what the generator says: writes of attributes of the class, then of members in the order
/// of the text, by <c>Order</c>; includes first. What an abstract base says comes before all that.
/// </summary>
internal sealed class ReflectedDeclaration
{
    private const BindingFlags Members =
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private readonly object _declaration;
    private readonly Type _type;
    private readonly ReflectedDeclaration? _base;

    private ReflectedDeclaration(object declaration, Type type)
    {
        (_declaration, _type) = (declaration, type);
        if (type.BaseType is not { } known || !ReflectedSubject.IsIntervention(known))
            return;
        _base = known.IsAbstract
            ? new ReflectedDeclaration(declaration, known)
            : throw new InterventionException($"{Sentences.Of(Sentences.ConcreteBase, NameOf(type), NameOf(known))}.");
    }

    /// <summary>Reads the class of an object. What derives from one that is run itself, and says nothing, is that one.</summary>
    /// <param name="declaration">An object of the class.</param>
    /// <exception cref="InterventionException">Its class is no intervention.</exception>
    public static ReflectedDeclaration Of(object declaration)
    {
        Type type = declaration.GetType();
        if (!ReflectedSubject.IsIntervention(type))
            throw new InterventionException($"'{type.Name}' has no [Intervention], so it declares nothing that could be run.");
        while (!ReflectedSubject.HasAttribute(type) && !type.BaseType!.IsAbstract)
            type = type.BaseType;
        return new ReflectedDeclaration(declaration, type);
    }

    /// <summary>What the class says.</summary>
    /// <exception cref="InterventionException">It is no intervention, or has a member that cannot be called or read.</exception>
    public InterventionGraph Graph()
    {
        (Type? model, Type? prompts) = ReflectedSubject.Of(_type);
        MemberInfo[] members = InOrder();
        List<(int Order, WriteStep Step)> steps =
            [.. members.OfType<PropertyInfo>().SelectMany(Includes), .. _type.GetCustomAttributes(inherit: false).SelectMany(OfClass)];
        List<CaptureNode> captures = [];
        List<GradientNode> gradients = [];
        List<MetricNode> metrics = [];
        foreach (MemberInfo member in members)
        {
            if (member is PropertyInfo property)
                steps.AddRange(property.GetCustomAttributes(inherit: false).SelectMany(attribute => OfProperty(property, attribute)));
            else if (member is MethodInfo method)
                Method(method, steps, captures, gradients, metrics);
        }
        RunAttribute[] runs = [.. _type.GetCustomAttributes<RunAttribute>(inherit: false)];
        PropertyInfo[] properties = [.. members.OfType<PropertyInfo>()];
        string? metric = OnlyMetric();
        InterventionGraph own = new InterventionGraph
        {
            Name = NameOf(_type),
            IsUnanalyzed = true,
            ModelFingerprint = Fingerprint(model),
            PromptFingerprint = Fingerprint(prompts),
            Changes = _type.GetCustomAttribute<ChangesAttribute>(inherit: false)?.Run,
            Sweeps =
            [
                .. _type.GetCustomAttributes<SweepAttribute>(inherit: false).Select(Sweep),
                .. properties.SelectMany(property => property.GetCustomAttributes<SweepAttribute>(inherit: false)
                    .Select(sweep => Sweep(property, sweep))),
            ],
            Runs = [.. runs.Select(run => new DerivedRun(run.Name, run.From))],
            Captures = [.. captures],
            Gradients = [.. gradients.Select(gradient => gradient with { Metric = gradient.Metric ?? metric })],
            Metrics = [.. metrics],
            Parameters = [.. properties.SelectMany(property => property.GetCustomAttributes<ParameterAttribute>()
                .Select(parameter => new ParameterNode(property.Name, Value(property, parameter), parameter.Of ?? metric)))],
            Shapes = [.. properties.SelectMany(property => property.GetCustomAttributes<ShapeAttribute>()
                .Select(shape => new ShapedTensor(property.Name, Value(property, shape), [.. shape.Axes])))],
        }.With([.. steps.OrderBy(step => step.Order).Select(step => step.Step)]);
        return _base is null ? own : own.Inheriting(_base.Graph());
    }

    /// <summary>The one metric of an abstract intervention, which stays that of its gradients; null where none or several are.</summary>
    private string? OnlyMetric()
    {
        IEnumerable<string> metrics = Levels().SelectMany(level => level._type.GetMethods(Members))
            .Where(method => method.IsDefined(typeof(MetricAttribute))).Select(method => method.Name);
        return _type.IsAbstract && metrics.ToArray() is [var only] ? only : null;
    }

    /// <summary>The class, and the interventions that it derives from.</summary>
    private IEnumerable<ReflectedDeclaration> Levels() => _base is null ? [this] : _base.Levels().Prepend(this);

    /// <summary>The members in the order of the text: methods, and accessors among them, are numbered in that order.</summary>
    private MemberInfo[] InOrder()
    {
        IEnumerable<MemberInfo> methods = _type.GetMethods(Members);
        IEnumerable<MemberInfo> properties = _type.GetProperties(Members);
        return [.. methods.Concat(properties).OrderBy(member =>
            (member is PropertyInfo property ? property.GetMethod ?? property.SetMethod! : (MethodInfo)member).MetadataToken)];
    }

    private IEnumerable<(int Order, WriteStep Step)> Includes(PropertyInfo property)
    {
        if (property.GetCustomAttribute<IncludeAttribute>() is not { } include)
            yield break;
        object included = property.GetValue(_declaration) ?? throw Wrong(property.Name, "it is null; it must be an intervention");
        yield return (include.Order, new WriteStep.Include(property.Name, Of(included).Graph()));
    }

    /// <summary>The write of an attribute of the class.</summary>
    private IEnumerable<(int Order, WriteStep Step)> OfClass(object attribute)
    {
        if (attribute is PathPatchAttribute path)
        {
            yield return (path.Order, new WriteStep.Composite(graph =>
                graph.PathPatch(path.Senders, path.Receivers, path.From, path.FreezeMlps, path.Freeze, path.In)));
            yield break;
        }
        WriteNode? node = attribute switch
        {
            ZeroAttribute zero => BuiltInWrites.Zero(zero.Site, zero.In),
            ScaleAttribute { FactorSweep: { } factor } scale => BuiltInWrites.Scale(scale.Site, Braced(factor, "Scale"), scale.In),
            ScaleAttribute scale => BuiltInWrites.Scale(scale.Site, scale.Factor, scale.In),
            FreezeAttribute freeze => BuiltInWrites.Freeze(freeze.Site, freeze.From, freeze.In),
            ResampleAttribute resample => BuiltInWrites.Resample(resample.Site, resample.From, resample.Seed, resample.In),
            MeanAttribute mean =>
                BuiltInWrites.Mean(mean.Site, mean.From, mean.Pooled, mean.In, Over(mean.Over, "Mean"), mean.AcrossTemplates),
            _ => null,
        };
        if (node is not null)
            yield return (((WriteAttribute)attribute).Order, new WriteStep.One(node));
    }

    /// <summary>The write of an attribute of a property.</summary>
    private IEnumerable<(int Order, WriteStep Step)> OfProperty(PropertyInfo property, object attribute)
    {
        string name = property.Name;
        if (attribute is SpliceAttribute splice)
        {
            ISplice[] splices = property.GetValue(_declaration) switch
            {
                ISplice one => [one],
                IEnumerable<ISplice> several => [.. several],
                null => throw Wrong(name, "it is null; a splice needs its encoder–decoder"),
                _ => throw Wrong(name, "it must be an ISplice that can be read, or a list of them, with one for each layer"),
            };
            int? features = splice.Features == 0 ? null : splice.Features;
            yield return (splice.Order, new WriteStep.Composite(graph =>
                graph.Splice(name, splice.Site, splices, splice.Reads, splice.ErrorTerm, splice.DetachError, features)));
            yield break;
        }
        WriteNode? node = attribute switch
        {
            MixAttribute mix => MaskedWrites.Problem(mix, name) is { } problem
                ? throw Wrong(name, problem)
                : MaskedWrites.Of(mix, name, Value(property, mix), Over(mix.Over, name)),
            AddAttribute { StrengthSweep: { } strength } add =>
                BuiltInWrites.Add(name, add.Site, Value(property, add), Braced(strength, name), add.In),
            AddAttribute add => BuiltInWrites.Add(name, add.Site, Value(property, add), add.Strength, add.In),
            ProjectOutAttribute project => BuiltInWrites.ProjectOut(name, project.Site, Value(property, project), project.In),
            ProjectOntoAttribute project => BuiltInWrites.ProjectOnto(name, project.Site, Value(property, project), project.In),
            _ => null,
        };
        if (node is not null)
            yield return (((WriteAttribute)attribute).Order, new WriteStep.One(node));
    }

    private void Method(
        MethodInfo method,
        List<(int Order, WriteStep Step)> steps,
        List<CaptureNode> captures,
        List<GradientNode> gradients,
        List<MetricNode> metrics)
    {
        Attribute[] kinds = [.. method.GetCustomAttributes(inherit: false).Cast<Attribute>()
            .Where(attribute => attribute is PatchAttribute or CaptureAttribute or GradientAttribute or MetricAttribute)];
        if (kinds.Length == 0)
            return;
        if (kinds.Length > 1)
            throw Wrong(method.Name, "it has several of [Patch], [Capture], [Gradient] and [Metric]; it can have one");
        if (method.ReturnType != typeof(Tensor) || method.IsGenericMethod)
            throw Wrong(method.Name, "it must return Tensor, and have no type parameters");
        ImmutableArray<Read> reads = ReadsOf(method, kinds[0]);
        MethodBody body = UserMethod.Of(method, _declaration).Invoke;
        bool across = method.IsDefined(typeof(AcrossBatchAttribute));
        string name = method.Name;
        if (kinds[0] is PatchAttribute patch)
        {
            ShapeAttribute? shape = method.ReturnParameter.GetCustomAttribute<ShapeAttribute>();
            WriteNode node = new(name, patch.Site, reads, body, patch.In)
            {
                Shape = shape is null ? default : [.. shape.Axes],
                Pointwise = method.IsDefined(typeof(PointwiseAttribute)),
                AcrossBatch = across,
            };
            steps.Add((patch.Order, new WriteStep.One(node)));
        }
        else if (kinds[0] is CaptureAttribute capture)
            captures.Add(new CaptureNode(name, capture.Site, reads, body, capture.BeforeWrites) { AcrossBatch = across });
        else if (kinds[0] is GradientAttribute gradient)
            gradients.Add(new GradientNode(name, gradient.Site, reads, body, gradient.Of) { AcrossBatch = across });
        else
            metrics.Add(new MetricNode(name, reads, body) { AcrossBatch = across });
    }

    /// <summary>What the parameters of a method read. Of a gradient, the first plain one is the gradient itself.</summary>
    private ImmutableArray<Read> ReadsOf(MethodInfo method, Attribute kind)
    {
        Queue<Read> own = new(kind switch
        {
            MetricAttribute => [],
            GradientAttribute => [new Read.Gradient(), new Read.Value()],
            _ => new Read[] { new Read.Value() },
        });
        string? value = null;
        List<Read> reads = [];
        foreach (ParameterInfo parameter in method.GetParameters())
        {
            string name = parameter.Name ?? "_";
            Read? read = ReadOf(parameter);
            Type needed = read is Read.Swept ? typeof(double) : typeof(Tensor);
            if (parameter.ParameterType != needed)
                throw Wrong(method.Name, $"parameter '{name}' must be a {(read is Read.Swept ? "double" : "Tensor")}, passed by value");
            if (read is Read.Logit or Read.Logits or Read.WordLogits && kind is not MetricAttribute)
                throw Wrong(method.Name, Sentences.Of(
                    Sentences.LogitsOutsideMetric, method.Name, read is Read.Logits ? "[Logits]" : "[Logit]"));
            if (kind is MetricAttribute && read is null or Read.From { Site: null })
                throw Wrong(method.Name, Sentences.Of(
                    Sentences.NoSiteOfMetric, method.Name, name, "[Logit(\"…\")] or [From(\"…\", \"site\")]"));
            if (read is null && own.Count == 0)
                throw Wrong(method.Name, Sentences.Of(Sentences.SecondValue, method.Name, value!, name, "[From(\"…\")]"));
            if (read is null)
                value = name;
            reads.Add(read ?? own.Dequeue());
        }
        return [.. reads];
    }

    /// <summary>What the attribute of a parameter reads; <see langword="null"/> for a plain parameter.</summary>
    private Read? ReadOf(ParameterInfo parameter) =>
        parameter.GetCustomAttributes(inherit: false).Select(OfAttribute).FirstOrDefault(read => read is not null);

    private Read? OfAttribute(object attribute) => attribute switch
    {
        FromAttribute from => new Read.From(from.Run, from.Site),
        ValueOfAttribute of => new Read.Of(of.Site),
        LogitAttribute logit when WordList(logit.Answer) is { } list =>
            Read.WordLogits.Listed(logit.Answer, (IEnumerable<string>?)ValueOf(list), logit.At, logit.In),
        LogitAttribute logit => new Read.Logit(logit.Answer, logit.At, logit.In),
        LogitsAttribute logits => new Read.Logits(logits.At, logits.In),
        AnswerAttribute answer => new Read.AnswerIds(answer.Answer),
        SweptAttribute swept => new Read.Swept(swept.Name),
        _ => null,
    };

    /// <summary>The property or field, own or inherited, that lists words under a name; null where the name is an answer's.</summary>
    private MemberInfo? WordList(string name)
    {
        IEnumerable<MemberInfo> inherited = Bases(_type.BaseType).SelectMany(type => type.GetMember(name, Members))
            .Where(member => !(member is FieldInfo field ? field.IsPrivate : member is PropertyInfo { GetMethod.IsPrivate: true }));
        MemberInfo? known = _type.GetMember(name, Members).Concat(inherited).FirstOrDefault(member => TypeOf(member) is not null);
        return known is not null && typeof(IEnumerable<string>).IsAssignableFrom(TypeOf(known)) ? known : null;

        static Type? TypeOf(MemberInfo member) =>
            member is PropertyInfo { CanRead: true } property ? property.PropertyType : (member as FieldInfo)?.FieldType;

        static IEnumerable<Type> Bases(Type? type) => type is null ? [] : Bases(type.BaseType).Prepend(type);
    }

    private object? ValueOf(MemberInfo member) =>
        member is PropertyInfo property ? property.GetValue(_declaration) : ((FieldInfo)member).GetValue(_declaration);

    private SweepAxis Sweep(SweepAttribute sweep)
    {
        bool isOfPoints = ListedPoints.Placeholders(sweep.Name).Count > 1;
        if (isOfPoints && sweep.Values.Length > 0)
            throw Wrong("Sweep", Sentences.Of(Sentences.PointsAreTexts, sweep.Name, ListedPoints.Example));
        return isOfPoints ? SweepAxis.OfPoints(sweep.Name, sweep.Runs)
            : sweep.Runs.Length > 0 ? SweepAxis.OfRuns(sweep.Name, sweep.Runs)
            : SweepAxis.OfNumbers(sweep.Name, sweep.Values);
    }

    private SweepAxis Sweep(PropertyInfo property, SweepAttribute sweep)
    {
        string name = property.Name;
        if (sweep.Runs.Length + sweep.Values.Length > 0)
            throw Wrong(name, Sentences.Of(Sentences.ListedTwice, name, sweep.Name));
        return property.CanRead && SweptLists.CanList(property.PropertyType, sweep.Name)
            ? SweptLists.OfAny($"{NameOf(_type)}.{name}", sweep.Name, property.GetValue(_declaration))
            : throw Wrong(name, Sentences.Of(
                Sentences.ListsNothing, name, sweep.Name, ListedPoints.Needed(ListedPoints.Placeholders(sweep.Name))));
    }

    /// <summary>The prompts of a mean: those that a property holds, own or inherited.</summary>
    private IPromptSet? Over(string? name, string member)
    {
        if (name is null)
            return null;
        PropertyInfo[] known = [.. Levels().SelectMany(level => level._type.GetProperties(Members))
            .Where(property => typeof(IPromptSet).IsAssignableFrom(property.PropertyType))];
        if (known.FirstOrDefault(property => property.Name == name) is { } holder)
            return (IPromptSet?)holder.GetValue(_declaration) ?? throw Wrong(name, "it is null; a mean needs its prompts");
        string advice = Spelling.Nearest(name, known.Select(property => property.Name)) is { } near ? $"; did you mean '{near}'?" : "";
        throw Wrong(member, $"'{NameOf(_type)}' has no property '{name}' that holds prompts{advice}");
    }

    private Tensor Value(PropertyInfo property, Attribute attribute) => typeof(Tensor).IsAssignableFrom(property.PropertyType)
        ? (Tensor)property.GetValue(_declaration)!
        : throw Wrong(property.Name, $"it must be a Tensor that can be read: [{attribute.GetType().Name[..^9]}] says what becomes of it");

    private string Braced(string sweep, string member) => BracedName.Read(sweep) is not null ? sweep : throw Wrong(
        member, $"'{sweep}' is no strength: write a number, or a placeholder in braces, as in \"{{alpha}}\"");

    /// <summary>The fingerprint of a type that a generator completed; others are compared name by name when they run.</summary>
    private static string? Fingerprint(Type? type)
    {
        const BindingFlags Constants = BindingFlags.Public | BindingFlags.Static | BindingFlags.FlattenHierarchy;
        return type?.GetField("SchemaFingerprint", Constants) is { IsLiteral: true } field ? field.GetRawConstantValue() as string : null;
    }

    /// <summary>The name without the number of type parameters.</summary>
    private static string NameOf(Type type) => type.Name.Split('`')[0];

    private InterventionException Wrong(string member, string problem) => new($"{NameOf(_type)}.{member}: {problem}");
}

/// <summary>What a declared class is about, read by reflection.</summary>
internal static class ReflectedSubject
{
    /// <summary>Whether a class says that it is an intervention.</summary>
    public static bool HasAttribute(Type type) => Attributes(type).Any();

    /// <summary>Whether it says so, or derives from one.</summary>
    public static bool IsIntervention(Type type) => HasAttribute(type) || (type.BaseType is { } known && IsIntervention(known));

    /// <summary>
    /// The model and the prompts, which are the base's where there is one. There is no model where a type parameter stands for it: such a
    /// class was compiled against none.
    /// </summary>
    public static (Type? Model, Type? Prompts) Of(Type type)
    {
        // A closed generic class is what its open one says.
        Type open = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        return Read(open);

        static (Type? Model, Type? Prompts) Read(Type type)
        {
            if (type.BaseType is { } known && IsIntervention(known))
                return Read(known);
            Attribute attribute = Attributes(type).First();
            return attribute is InterventionAttribute generic
                ? (ModelArgument(type), generic.Prompts ?? DefaultPrompts())
                : (attribute.GetType().GenericTypeArguments[0],
                    attribute.GetType().GenericTypeArguments.ElementAtOrDefault(1) ?? DefaultPrompts());
        }

        static Type? DefaultPrompts() => Type.GetType("Interventions.Models.PromptPairs, Interventions.Models");
    }

    private static IEnumerable<Attribute> Attributes(Type type) =>
        type.GetCustomAttributes(inherit: false).Cast<Attribute>()
            .Where(attribute => attribute is InterventionAttribute || (attribute.GetType() is { IsGenericType: true } generic
                && (generic.GetGenericTypeDefinition() == typeof(InterventionAttribute<>)
                    || generic.GetGenericTypeDefinition() == typeof(InterventionAttribute<,>))));

    /// <summary>The type that stands for the model; null while it is a parameter, or no one parameter is a model.</summary>
    private static Type? ModelArgument(Type type)
    {
        if (!type.IsGenericType)
            return null;
        Type[] models = [.. type.GetGenericTypeDefinition().GetGenericArguments()
            .Where(parameter => parameter.GetGenericParameterConstraints().Any(typeof(HookedModel).IsAssignableFrom))];
        return models is [var model] && type.GetGenericArguments()[model.GenericParameterPosition] is { IsGenericParameter: false } argument
            ? argument
            : null;
    }
}
