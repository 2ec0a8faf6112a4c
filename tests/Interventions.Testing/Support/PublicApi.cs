using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Interventions.Testing.Support;

/// <summary>What an assembly promises: its exported types and their public and protected members, as sorted text.</summary>
public static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(short)] = "short",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
    };

    public static string Of(Assembly assembly) =>
        string.Join("\n\n", assembly.GetExportedTypes().Select(Describe).Order(StringComparer.Ordinal));

    private static string Describe(Type type) =>
        string.Join(
            "\n    ",
            Members(type).Order(StringComparer.Ordinal).Prepend($"{type.Namespace}: {Kind(type)} {Name(type)}{Bases(type)}"));

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");
        if (IsDelegate(type))
            return [Describe(type.GetMethod("Invoke")!)];
        return type.GetConstructors(Declared).Where(constructor => IsVisible(constructor) && !IsImplied(constructor)).Select(Describe)
            .Concat(type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily).Select(Describe))
            .Concat(type.GetProperties(Declared).Where(IsVisible).Select(Describe))
            .Concat(type.GetEvents(Declared).Where(e => IsVisible(e.AddMethod!)).Select(e => $"event {Name(e.EventHandlerType!)} {e.Name}"))
            .Concat(type.GetMethods(Declared).Where(method => IsVisible(method) && !IsImplied(method)).Select(Describe));
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsVisible(PropertyInfo property) =>
        property.GetAccessors(nonPublic: true).Any(IsVisible) && property.Name != "EqualityContract";

    /// <summary>Accessors belong to their properties; what the compiler gives every record is no promise of ours.</summary>
    private static bool IsImplied(MethodBase method) =>
        method.IsDefined(typeof(CompilerGeneratedAttribute)) ||
        (method is MethodInfo { IsSpecialName: true } && !method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static string Kind(Type type) =>
        type.IsEnum ? "enum" :
        IsDelegate(type) ? "delegate" :
        type.IsInterface ? "interface" :
        type.IsValueType ? "struct" :
        (type.IsAbstract && type.IsSealed ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") +
        (type.GetMethod("<Clone>$") is null ? "class" : "record");

    private static bool IsDelegate(Type type) => type.IsSubclassOf(typeof(Delegate));

    private static string Bases(Type type)
    {
        if (type.IsEnum || IsDelegate(type))
            return "";
        IEnumerable<Type> interfaces = type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []);
        Type[] bases =
        [
            .. interfaces.Where(face => face.IsVisible && !face.Name.StartsWith("IEquatable", StringComparison.Ordinal))
                .OrderBy(Name, StringComparer.Ordinal),
        ];
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            bases = [parent, .. bases];
        return bases.Length == 0 ? "" : $" : {string.Join(", ", bases.Select(Name))}";
    }

    private static string Describe(ConstructorInfo constructor) => $"{Modifiers(constructor)}new({Parameters(constructor)})";

    private static string Describe(FieldInfo field) =>
        (field.IsLiteral ? "const " : field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "") +
        $"{Name(field.FieldType, Nullability.Create(field))} {field.Name}" +
        (field.IsLiteral ? $" = {Value(field.GetRawConstantValue())}" : "");

    private static string Describe(PropertyInfo property)
    {
        MethodInfo[] accessors = [.. property.GetAccessors(nonPublic: true).Where(IsVisible)];
        ParameterInfo[] indices = property.GetIndexParameters();
        string index = indices.Length > 0 ? $"[{string.Join(", ", indices.Select(Describe))}]" : "";
        bool init = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ?? false;
        string set = init ? "init; " : "set; ";
        string verbs = string.Concat(accessors.Select(accessor => accessor == property.GetMethod ? "get; " : set).Order());
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        string type = Name(property.PropertyType, Nullability.Create(property));
        return $"{required}{Modifiers(accessors[0])}{type} {property.Name}{index} {{ {verbs}}}";
    }

    private static string Describe(MethodInfo method)
    {
        string generic = method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        string type = Name(method.ReturnType, Nullability.Create(method.ReturnParameter));
        return $"{Modifiers(method)}{type} {method.Name}{generic}({Parameters(method)})";
    }

    private static string Modifiers(MethodBase method) =>
        (method.IsPublic ? "" : "protected ") + (method.IsStatic ? "static " : "") +
        (method.DeclaringType!.IsInterface || IsDelegate(method.DeclaringType) || !method.IsVirtual || method.IsFinal ? "" :
         method is MethodInfo info && info.GetBaseDefinition() != info ? "override " :
         method.IsAbstract ? "abstract " : "virtual ");

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Describe));

    private static string Describe(ParameterInfo parameter) =>
        (parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "") +
        (parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "") +
        $"{Name(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}" +
        (parameter.HasDefaultValue ? $" = {Value(parameter.RawDefaultValue)}" : "");

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Name(Type type) => Name(type, nullability: null);

    private static string Name(Type type, NullabilityInfo? nullability)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!, nullability);
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value) + "?";
        // Of a type parameter with a class for a constraint, .NET says what most of its type's members are.
        bool isConstrained = type.IsGenericParameter && type.GetGenericParameterConstraints().Any(constraint => constraint.IsClass);
        return Plain()
            + (!type.IsValueType && !isConstrained && nullability is { ReadState: NullabilityState.Nullable } ? "?" : "");

        string Plain()
        {
            if (type.IsArray)
                return $"{Name(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]";
            if (Keywords.TryGetValue(type, out string? keyword))
                return keyword;
            // A nested generic type repeats its outer type's arguments; they are shown where the type itself adds some.
            string name = type.Name.Split('`')[0];
            if (type.Name.Contains('`', StringComparison.Ordinal))
                name += $"<{string.Join(", ", type.GetGenericArguments().Select(Argument))}>";
            return type is { IsNested: true, IsGenericParameter: false } ? $"{Name(type.DeclaringType!)}.{name}" : name;
        }

        string Argument(Type argument, int i) => Name(argument, nullability?.GenericTypeArguments.ElementAtOrDefault(i));
    }
}
