using System.Reflection;
using System.Reflection.Emit;
using TorchSharp;

namespace Interventions.Tests.Torch;

/// <summary>
/// The list of what must not be called is what TorchSharp at hand makes necessary: each method that makes a number whose handle a
/// collection may free.
/// </summary>
public sealed class BannedSymbolsTests
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<ushort,
    OpCode> s_codes = typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (ushort)code.Value);

    /// <summary>Whose methods are calls on tensors. Distributions, modules and scripts are not ours to call.</summary>
    private static readonly string[] s_types =
    [
        "TorchSharp.torch", "TorchSharp.torch+Tensor", "TorchSharp.torch+nn+functional", "TorchSharp.torch+linalg",
        "TorchSharp.torch+special", "TorchSharp.Scalar",
        "TorchSharp.ScalarExtensionMethods", "TorchSharp.TensorExtensionMethods", "TorchSharp.torch+nn+utils",
    ];

    [Fact]
    public void Every_call_that_makes_a_number_is_banned()
    {
        HashSet<string> banned = [.. File.ReadLines(System.IO.Path.Combine(AppContext.BaseDirectory, "BannedSymbols.txt")).Select(
            line => line.Split(';')[0])];
        string[] needed = [.. Makers().Where(IsCallable).Select(Id).Order(StringComparer.Ordinal)];
        Assert.True(needed.Length > 100, "The walk should find the calls that are known.");
        string[] missing = [.. needed.Where(id => !banned.Contains(id))];
        Assert.True(missing.Length == 0, "Not in BannedSymbols.txt:\n" + string.Join('\n', missing));
        string[] stale = [.. banned.Where(id => !needed.Contains(id) && !IsOtherTrap(id))];
        Assert.True(stale.Length == 0, "Needlessly in BannedSymbols.txt:\n" + string.Join('\n', stale));
    }

    private static bool IsOtherTrap(string id) =>
        new[] { ".unflatten(", ".baddbmm(", ".MoveToOtherDisposeScope(", "autograd.grad(", "Parameter" }.Any(
            part => id.Contains(part, StringComparison.Ordinal));

    private static bool IsCallable(MethodBase method) => method.IsPublic && s_types.Contains(method.DeclaringType!.FullName);

    /// <summary>Methods that call what makes a <see cref="Scalar"/>, directly or through others.</summary>
    private static HashSet<MethodBase> Makers()
    {
        Dictionary<MethodBase, MethodBase[]> calls = typeof(Scalar).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)))
            .Where(method => method.GetMethodBody() is not null).ToDictionary(method => method, method => Called(method).ToArray());
        HashSet<MethodBase> makers = [];
        while (calls.Where(pair => !makers.Contains(pair.Key) && pair.Value.Any(called => IsConversion(called) || makers.Contains(called)))
            .Select(pair => pair.Key).ToArray() is { Length: > 0 } found)
            makers.UnionWith(found);
        return makers;

        static bool IsConversion(MethodBase method) =>
            method.DeclaringType == typeof(Scalar) && method.Name == "op_Implicit"
                || method.DeclaringType == typeof(ScalarExtensionMethods) || method.Name.EndsWith("_to_scalar", StringComparison.Ordinal);
    }

    private static IEnumerable<MethodBase> Called(MethodBase method)
    {
        byte[] body = method.GetMethodBody()!.GetILAsByteArray()!;
        for (int i = 0; i < body.Length;)
        {
            OpCode code = s_codes[body[i] == 0xfe ? (ushort)(0xfe00 | body[i + 1]) : body[i]];
            i += code.Size;
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineTok
                && Resolved(method, BitConverter.ToInt32(body, i)) is { } called)
                yield return called;
            i += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(body, i)),
                _ => 4,
            };
        }
    }

    private static MethodBase? Resolved(MethodBase method, int token)
    {
        try
        {
            return method.Module.ResolveMethod(
                token, method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null,
                method.IsGenericMethod ? method.GetGenericArguments() : null);
        }
        catch (ArgumentException)
        {
            return null; // A type or a field.
        }
    }

    /// <summary>The method as documentation names it.</summary>
    private static string Id(MethodBase method)
    {
        string parameters = string.Join(',', method.GetParameters().Select(parameter => Name(parameter.ParameterType)));
        return $"M:{Path(method.DeclaringType!)}.{method.Name}{(method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "")}{(parameters.Length > 0 ? $"({parameters})" : "")}"
            + (method.Name is "op_Implicit" or "op_Explicit" ? $"~{Name(((MethodInfo)method).ReturnType)}" : "");
    }

    private static string Name(Type type) =>
        type.IsByRef ? $"{Name(type.GetElementType()!)}@"
        : type.IsArray ? $"{Name(type.GetElementType()!)}[]"
        : type.IsGenericParameter ? $"``{type.GenericParameterPosition}"
        : type.IsGenericType ? $"{Path(type)[..Path(type).IndexOf('`', StringComparison.Ordinal)]}{{{string.Join(',', type.GetGenericArguments().Select(Name))}}}"
        : Path(type);

    private static string Path(Type type) => type.IsNested ? $"{Path(type.DeclaringType!)}.{type.Name}" : $"{type.Namespace}.{type.Name}";
}
