using System.Collections.Immutable;
using System.Reflection;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;
using MethodBody = Interventions.Runtime.MethodBody;

namespace Interventions.Declarations;

/// <summary>A step of a declaration that writes.</summary>
internal abstract record WriteStep
{
    private WriteStep()
    {
    }

    /// <summary>A write to one place.</summary>
    public sealed record One(WriteNode Node) : WriteStep
    {
        /// <summary>What decides which writes it can be one with.</summary>
        public WritePlace Place => new(Node.Site, SitePath.OrNull(Node.Site), Node.Run, Node.Reads.Any(BringsAxis));

        private static bool BringsAxis(Read read) => read is Read.Swept || read.SweptRun is not null
            || (read.OtherPath is { } site && SitePath.OrNull(site) is { } path && path.Placeholders.Any());
    }

    /// <summary>The writes of another graph, whose members are named by <paramref name="Name"/>.</summary>
    public sealed record Include(string Name, InterventionGraph Graph) : WriteStep;

    /// <summary>A path patch or a splice: several writes.</summary>
    public sealed record Composite(Func<InterventionGraph, InterventionGraph> Add) : WriteStep;
}

/// <summary>
/// Makes a graph of steps, as generated code does for a class: writes that can be one are one, in the same order.
/// </summary>
internal static class GraphSteps
{
    /// <summary>A graph without writes, with those of the steps.</summary>
    public static InterventionGraph With(this InterventionGraph graph, IReadOnlyList<WriteStep> steps)
    {
        // The graph that is included last comes first.
        WriteStep.Include[] first = [.. steps.TakeWhile(step => step is WriteStep.Include).Cast<WriteStep.Include>()];
        foreach (WriteStep.Include include in first.Reverse())
            graph = graph.Including(include.Graph, include.Name);
        WriteStep[] rest = [.. steps.Skip(first.Length)];
        foreach (IReadOnlyList<int> group in WriteGroups.Of([.. rest.Select(step => (step as WriteStep.One)?.Place)]))
        {
            graph = rest[group[0]] switch
            {
                WriteStep.Include include => graph.Then(include.Graph, include.Name),
                WriteStep.Composite composite => composite.Add(graph),
                WriteStep.One { Node: var node } when group.Count == 1 => graph.Then(node),
                _ => graph.Then(WriteNode.Fuse([.. group.Select(step => ((WriteStep.One)rest[step]).Node)])),
            };
        }
        return graph;
    }
}

/// <summary>A method or lambda that a graph calls without generated code.</summary>
internal sealed class UserMethod
{
    private readonly MethodBody _call;
    private readonly MethodInfo _method;

    private UserMethod(MethodInfo method, MethodBody call) => (_method, _call) = (method, call);

    /// <summary>Calls it.</summary>
    public Tensor Invoke(ReadOnlySpan<Tensor> arguments) => _call(arguments);

    /// <summary>The names of its parameters.</summary>
    public ImmutableArray<string> Parameters => [.. _method.GetParameters().Select(parameter => parameter.Name ?? "_")];

    /// <summary>Its name in code; <see langword="null"/> for a lambda. A local function has a longer one in the assembly.</summary>
    public string? Name
    {
        get
        {
            int local = _method.Name.IndexOf(">g__", StringComparison.Ordinal);
            string name = local < 0 ? _method.Name : _method.Name[(local + 4).._method.Name.IndexOf('|', local)];
            return name.StartsWith('<') ? null : name;
        }
    }

    /// <summary>The assembly's module that has its code.</summary>
    public static Module ModuleOf(MethodBody body) => (body.Target as UserMethod)?._method.Module ?? body.Method.Module;

    /// <summary>A lambda, or a method as a delegate.</summary>
    public static UserMethod Of(Delegate method, MethodBody call)
    {
        ArgumentNullException.ThrowIfNull(method);
        return new UserMethod(method.Method, call);
    }

    /// <summary>A method of an object, or a static one (of no object). Parameters are tensors, or numbers of a sweep.</summary>
    public static UserMethod Of(MethodInfo method, object? of)
    {
        MethodInvoker invoker = MethodInvoker.Create(method);
        bool[] isNumber = [.. method.GetParameters().Select(parameter => parameter.ParameterType == typeof(double))];
        object? target = method.IsStatic ? null : of;
        return new UserMethod(method, Call);

        Tensor Call(ReadOnlySpan<Tensor> arguments)
        {
            object?[] values = new object?[arguments.Length];
            for (int i = 0; i < values.Length; i++)
                values[i] = isNumber[i] ? (object)arguments[i].item<double>() : arguments[i];
            return (Tensor)invoker.Invoke(target, values.AsSpan())!;
        }
    }
}
