using System.Collections.Immutable;
using System.Reflection;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;
using MethodBody = Interventions.Runtime.MethodBody;

namespace Interventions.Declarations;

/// <summary>
/// A declared class, read by reflection. It says what the generator says: writes of attributes of the class, then of members in the order
/// of the text, by <c>Order</c>; includes first.
/// </summary>
/// <param name="declaration">An object of the class.</param>
internal sealed class ReflectedDeclaration(object declaration)
{
    private const BindingFlags Members =
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private readonly Type _type = declaration.GetType();

    /// <summary>What the class says.</summary>
    /// <exception cref="InterventionException">It is no intervention, or has a member that cannot be called or read.</exception>
    public InterventionGraph Graph()
    {
        (Type? model, Type? prompts) = Subject();
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
        return new InterventionGraph
        {
            Name = NameOf(_type),
            IsUnanalyzed = true,
            ModelFingerprint = Fingerprint(model),
            PromptFingerprint = Fingerprint(prompts),
            Changes = _type.GetCustomAttribute<ChangesAttribute>(inherit: false)?.Run,
            Sweeps = [.. _type.GetCustomAttributes<SweepAttribute>(inherit: false).Select(Sweep)],
            Runs = [.. runs.Select(run => new DerivedRun(run.Name, run.From))],
            Captures = [.. captures],
            Gradients = [.. gradients],
            Metrics = [.. metrics],
            Parameters = [.. properties.SelectMany(property => property.GetCustomAttributes<ParameterAttribute>()
                .Select(parameter => new ParameterNode(property.Name, Value(property, parameter), parameter.Of)))],
            Shapes = [.. properties.SelectMany(property => property.GetCustomAttributes<ShapeAttribute>()
                .Select(shape => new ShapedTensor(property.Name, Value(property, shape), [.. shape.Axes])))],
        }.With([.. steps.OrderBy(step => step.Order).Select(step => step.Step)]);
    }

    /// <summary>The model and the prompts; no model where a type parameter stands for it.</summary>
    private (Type? Model, Type? Prompts) Subject()
    {
        foreach (Attribute attribute in _type.GetCustomAttributes(inherit: false).Cast<Attribute>())
        {
            if (attribute is InterventionAttribute generic)
                return (null, generic.Prompts ?? DefaultPrompts());
            if (attribute.GetType() is { IsGenericType: true } type && (type.GetGenericTypeDefinition() == typeof(InterventionAttribute<>)
                || type.GetGenericTypeDefinition() == typeof(InterventionAttribute<,>)))
                return (type.GenericTypeArguments[0], type.GenericTypeArguments.ElementAtOrDefault(1) ?? DefaultPrompts());
        }
        throw new InterventionException($"'{_type.Name}' has no [Intervention], so it declares nothing that could be run.");

        static Type? DefaultPrompts() => Type.GetType("Interventions.Models.PromptPairs, Interventions.Models");
    }

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
        object included = property.GetValue(declaration) ?? throw Wrong(property.Name, "it is null; it must be an intervention");
        yield return (include.Order, new WriteStep.Include(property.Name, new ReflectedDeclaration(included).Graph()));
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
            MeanAttribute mean => BuiltInWrites.Mean(mean.Site, mean.From, mean.Pooled, mean.In, Over(mean), mean.AcrossTemplates),
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
            ISplice[] splices = property.GetValue(declaration) switch
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
            MixAttribute mix => BuiltInWrites.Mix(name, mix.Site, Value(property, mix), mix.From, mix.Axes, mix.In),
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
        MethodBody body = UserMethod.Of(method, declaration).Invoke;
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
            if (read is Read.Logit or Read.Logits && kind is not MetricAttribute)
                throw Wrong(method.Name, Sentences.Of(Sentences.LogitsOutsideMetric, method.Name, $"[{read.GetType().Name}]"));
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
    private static Read? ReadOf(ParameterInfo parameter) =>
        parameter.GetCustomAttributes(inherit: false).Select(OfAttribute).FirstOrDefault(read => read is not null);

    private static Read? OfAttribute(object attribute) => attribute switch
    {
        FromAttribute from => new Read.From(from.Run, from.Site),
        ValueOfAttribute of => new Read.Of(of.Site),
        LogitAttribute logit => new Read.Logit(logit.Answer, logit.At, logit.In),
        LogitsAttribute logits => new Read.Logits(logits.At, logits.In),
        AnswerAttribute answer => new Read.AnswerIds(answer.Answer),
        SweptAttribute swept => new Read.Swept(swept.Name),
        _ => null,
    };

    private static SweepAxis Sweep(SweepAttribute sweep) => sweep.Runs.Length > 0
        ? SweepAxis.OfRuns(sweep.Name, sweep.Runs)
        : SweepAxis.OfNumbers(sweep.Name, sweep.Values);

    private IPromptSet? Over(MeanAttribute mean)
    {
        if (mean.Over is not { } name)
            return null;
        PropertyInfo[] known =
            [.. _type.GetProperties(Members).Where(property => typeof(IPromptSet).IsAssignableFrom(property.PropertyType))];
        if (known.FirstOrDefault(property => property.Name == name) is { } holder)
            return (IPromptSet?)holder.GetValue(declaration) ?? throw Wrong(name, "it is null; a mean needs its prompts");
        string advice = Spelling.Nearest(name, known.Select(property => property.Name)) is { } near ? $"; did you mean '{near}'?" : "";
        throw Wrong("Mean", $"'{NameOf(_type)}' has no property '{name}' that holds prompts{advice}");
    }

    private Tensor Value(PropertyInfo property, Attribute attribute) => typeof(Tensor).IsAssignableFrom(property.PropertyType)
        ? (Tensor)property.GetValue(declaration)!
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
