using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace TorchSharp.Compat.Tests.Metadata;

/// <summary>What a caller can see of an assembly, a line each, read from its metadata without loading it.</summary>
internal sealed class PublicApi
{
    private readonly MetadataReader _reader;
    private readonly SignatureNames _names = new();
    private readonly SortedSet<string> _lines = new(StringComparer.Ordinal);

    private PublicApi(MetadataReader reader) => _reader = reader;

    public static IReadOnlySet<string> Of(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var api = new PublicApi(file.GetMetadataReader());
        foreach (var handle in api._reader.TypeDefinitions)
            if (api.IsVisible(handle)) api.AddType(handle);
        return api._lines;
    }

    private bool IsVisible(TypeDefinitionHandle handle)
    {
        var type = _reader.GetTypeDefinition(handle);
        var visibility = type.Attributes & TypeAttributes.VisibilityMask;
        if (visibility == TypeAttributes.Public) return true;
        return visibility is TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem && IsVisible(type.GetDeclaringType());
    }

    private void AddType(TypeDefinitionHandle handle)
    {
        var type = _reader.GetTypeDefinition(handle);
        var name = SignatureNames.NameOf(_reader, handle);
        var shape = type.Attributes & (TypeAttributes.Abstract | TypeAttributes.Sealed | TypeAttributes.Interface);
        _lines.Add($"{name}: {shape}");
        if (!type.BaseType.IsNil) _lines.Add($"{name}: derives from {TypeName(type.BaseType)}");
        foreach (var implemented in type.GetInterfaceImplementations())
            _lines.Add($"{name}: implements {TypeName(_reader.GetInterfaceImplementation(implemented).Interface)}");
        foreach (var method in type.GetMethods()) AddMethod(name, _reader.GetMethodDefinition(method));
        foreach (var field in type.GetFields()) AddField(name, _reader.GetFieldDefinition(field));
        foreach (var property in type.GetProperties()) AddProperty(name, _reader.GetPropertyDefinition(property));
    }

    private void AddMethod(string type, MethodDefinition method)
    {
        if (!IsVisible(method.Attributes)) return;
        var signature = method.DecodeSignature(_names, null);
        var parameters = method.GetParameters().Select(_reader.GetParameter).ToDictionary(static p => p.SequenceNumber);
        var list = signature.ParameterTypes.Select((parameter, i) => parameters.TryGetValue(i + 1, out var p) ? Describe(parameter, p) : parameter);
        var names = parameters.TryGetValue(0, out var result) ? TupleNames(result.GetCustomAttributes()) : "";
        var constraints = string.Concat(method.GetGenericParameters().Select(_reader.GetGenericParameter).Select(g => $" where {g.Attributes} {string.Join(", ", g.GetConstraints().Select(c => TypeName(_reader.GetGenericParameterConstraint(c).Type)))}"));
        var where = method.Attributes.HasFlag(MethodAttributes.Static) ? "static " : "";
        _lines.Add($"{type}: {where}{signature.ReturnType}{names} {_reader.GetString(method.Name)}({string.Join(", ", list)}){constraints}");
    }

    private string Describe(string type, Parameter parameter)
    {
        var attributes = parameter.GetCustomAttributes();
        var prefix = attributes.Any(a => AttributeName(a) == "System.ParamArrayAttribute") ? "params " : "";
        var direction = parameter.Attributes.HasFlag(ParameterAttributes.Out) ? "out " : "";
        var value = parameter.GetDefaultValue();
        var text = value.IsNil ? "" : " = " + Describe(value);
        return $"{prefix}{direction}{type}{TupleNames(attributes)} {_reader.GetString(parameter.Name)}{text}";
    }

    private string Describe(ConstantHandle handle)
    {
        var constant = _reader.GetConstant(handle);
        return _reader.GetBlobReader(constant.Value).ReadConstant(constant.TypeCode) is { } value ? FormattableString.Invariant($"{value}") : "null";
    }

    private void AddField(string type, FieldDefinition field)
    {
        var access = field.Attributes & FieldAttributes.FieldAccessMask;
        if (access is not (FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem)) return;
        var kind = field.Attributes & (FieldAttributes.Static | FieldAttributes.Literal | FieldAttributes.InitOnly);
        var value = field.GetDefaultValue();
        _lines.Add($"{type}: field {kind} {field.DecodeSignature(_names, null)} {_reader.GetString(field.Name)}{(value.IsNil ? "" : " = " + Describe(value))}");
    }

    private void AddProperty(string type, PropertyDefinition property)
    {
        var accessors = property.GetAccessors();
        var get = !accessors.Getter.IsNil && IsVisible(_reader.GetMethodDefinition(accessors.Getter).Attributes);
        var set = !accessors.Setter.IsNil && IsVisible(_reader.GetMethodDefinition(accessors.Setter).Attributes);
        if (!get && !set) return;
        var signature = property.DecodeSignature(_names, null);
        var line = $"{type}: property {signature.ReturnType}{TupleNames(property.GetCustomAttributes())} {_reader.GetString(property.Name)}[{string.Join(", ", signature.ParameterTypes)}]";
        if (get) _lines.Add(line + " get");
        if (set) _lines.Add(line + " set");
    }

    private static bool IsVisible(MethodAttributes attributes) =>
        (attributes & MethodAttributes.MemberAccessMask) is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;

    private string TypeName(EntityHandle handle) => handle.Kind switch
    {
        HandleKind.TypeDefinition => SignatureNames.NameOf(_reader, (TypeDefinitionHandle)handle),
        HandleKind.TypeReference => SignatureNames.NameOf(_reader, (TypeReferenceHandle)handle),
        _ => _reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_names, null),
    };

    /// <summary>The names of a tuple's elements, which callers write after a dot.</summary>
    private string TupleNames(CustomAttributeHandleCollection attributes)
    {
        foreach (var handle in attributes)
        {
            if (AttributeName(handle) != "System.Runtime.CompilerServices.TupleElementNamesAttribute") continue;
            var blob = _reader.GetBlobReader(_reader.GetCustomAttribute(handle).Value);
            blob.ReadUInt16();
            var names = Enumerable.Range(0, blob.ReadInt32()).Select(_ => blob.ReadSerializedString() ?? "-").ToImmutableArray();
            return $" named {string.Join(" ", names)}";
        }
        return "";
    }

    private string AttributeName(CustomAttributeHandle handle)
    {
        var constructor = _reader.GetCustomAttribute(handle).Constructor;
        var type = constructor.Kind == HandleKind.MemberReference
            ? _reader.GetMemberReference((MemberReferenceHandle)constructor).Parent
            : _reader.GetMethodDefinition((MethodDefinitionHandle)constructor).GetDeclaringType();
        return TypeName(type);
    }
}
