using System.Reflection;
using System.Runtime.CompilerServices;
using Interventions.Testing.ToyModels;
using static TorchSharp.torch;

namespace Interventions.Testing.RandomDeclarations;

/// <summary>Objects of every declared class of an assembly, something in each property, and the graphs that the generator made.</summary>
public static class ReflectedDeclarations
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Every declaration that can be made without knowing what it is for.</summary>
    public static IEnumerable<(object Object, InterventionGraph Generated)> In(Assembly assembly)
    {
        foreach (Type type in assembly.GetTypes().Where(type => !type.IsAbstract && IsDeclared(type)))
        {
            Type closed = type.IsGenericTypeDefinition ? Closed(type) : type;
            object declaration = Make(closed);
            yield return (declaration, (InterventionGraph)closed.GetProperty("Graph")!.GetValue(declaration)!);
        }
    }

    /// <summary>Whether a class is an intervention, or derives from an abstract one.</summary>
    private static bool IsDeclared(Type type) =>
        type.GetCustomAttributes(inherit: false).Any(IsIntervention) || (type.BaseType is { IsAbstract: true } known && IsDeclared(known));

    private static bool IsIntervention(object attribute) =>
        attribute.GetType().Name.StartsWith(nameof(InterventionAttribute), StringComparison.Ordinal);

    /// <summary>A generic intervention on a model that its constraint allows; a generic type around one, of strings.</summary>
    private static Type Closed(Type type) => type.MakeGenericType([.. type.GetGenericArguments().Select(parameter =>
        parameter.GetGenericParameterConstraints() is [var constraint] && constraint.IsAssignableFrom(typeof(TinyGpt2))
            ? typeof(TinyGpt2) : typeof(string))]);

    private static object Make(Type type)
    {
        object made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (PropertyInfo property in type.GetProperties(Members).Where(property => property.SetMethod is not null))
            if (Value(property.PropertyType) is { } value)
                property.SetValue(made, value);
        return made;
    }

    private static object? Value(Type type) =>
        type.IsAssignableFrom(typeof(TorchSharp.Modules.Parameter)) ? ones(3).requires_grad_()
        : type == typeof(ISplice) ? new Nothing()
        : type.IsAssignableFrom(typeof(ISplice[])) ? new ISplice[] { new Nothing(), new Nothing() }
        : typeof(IPromptSet).IsAssignableFrom(type) ? Prompts(type)
        : IsDeclared(type) ? Make(type)
        : type.IsAssignableFrom(typeof(string[])) ? new[] { "end", "subject" }
        : Listed(type) is { } point ? Array.CreateInstance(point, 1)
        : type.IsValueType ? Activator.CreateInstance(type)
        : null;

    /// <summary>The numbers or tuples of a list that an array can be; null for every other type.</summary>
    private static Type? Listed(Type type) =>
        type.GetElementType() ?? (type is { IsInterface: true, GenericTypeArguments: [var point] }
            && type.IsAssignableFrom(point.MakeArrayType()) ? point : null);

    private static object Prompts(Type type)
    {
        object made = RuntimeHelpers.GetUninitializedObject(type);
        type.BaseType!.GetField("<Vocabulary>k__BackingField", Members)?.SetValue(
            made, new PromptVocabulary(type.Name, default, default, default));
        return made;
    }

    private sealed class Nothing : ISplice
    {
        public int Features => 3;

        public Tensor Encode(Tensor x) => x;

        public Tensor Decode(Tensor features, Tensor x) => x;
    }
}
