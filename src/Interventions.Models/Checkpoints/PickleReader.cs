using System.Buffers.Binary;
using System.Text;
using Interventions.Files;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>A tensor as a pickle describes it: a view of a stored list of numbers.</summary>
/// <param name="Storage">The name of the list.</param>
/// <param name="Type">The type of its numbers.</param>
/// <param name="Count">How many numbers it has.</param>
/// <param name="Offset">The tensor's first number.</param>
/// <param name="Shape">The tensor's shape.</param>
/// <param name="Strides">Its strides, in numbers.</param>
internal sealed record PickledTensor(string Storage, ScalarType Type, long Count, long Offset, long[] Shape, long[] Strides);

/// <summary>
/// Reads the pickle of a PyTorch state dict. A pickle is a program; this reader knows lists, dictionaries and numbers, and of all that a
/// pickle may call it knows the functions that rebuild tensors, which it does not call but notes down. So nothing in the file is run.
/// </summary>
internal sealed class PickleReader
{
    private static readonly Dictionary<string, ScalarType> s_storages = new()
    {
        ["FloatStorage"] = ScalarType.Float32,
        ["DoubleStorage"] = ScalarType.Float64,
        ["HalfStorage"] = ScalarType.Float16,
        ["BFloat16Storage"] = ScalarType.BFloat16,
        ["LongStorage"] = ScalarType.Int64,
        ["IntStorage"] = ScalarType.Int32,
        ["ShortStorage"] = ScalarType.Int16,
        ["CharStorage"] = ScalarType.Int8,
        ["ByteStorage"] = ScalarType.Byte,
        ["BoolStorage"] = ScalarType.Bool,
    };

    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _at;

    private PickleReader(string path, byte[] bytes)
    {
        _path = path;
        _bytes = bytes;
    }

    /// <summary>The tensors of a state dict, by name.</summary>
    /// <exception cref="CheckpointException">The pickle is malformed, or holds something else than a state dict.</exception>
    public static IReadOnlyDictionary<string, PickledTensor> Read(string path, byte[] bytes)
    {
        PickleReader reader = new(path, bytes);
        object? value;
        try
        {
            value = reader.Run();
        }
        catch (OverflowException error)
        {
            throw new CheckpointException(path, $"holds a damaged pickle: {error.Message}", error);
        }
        // Trainers put the state dict into a dictionary of their own.
        if (value is Dictionary<object, object?> outer && outer.TryGetValue("state_dict", out object? inner))
            value = inner;
        if (value is not Dictionary<object, object?> named)
            throw new CheckpointException(path, "holds a pickle that is no state dict.");
        Dictionary<string, PickledTensor> tensors = [];
        foreach ((object name, object? tensor) in named)
        {
            if (name is not string text || tensor is not PickledTensor pickled)
            {
                throw new CheckpointException(path,
                    $"holds {FileText.Quoted($"{name}")}, which is no tensor: a state dict has names and tensors alone.");
            }
            tensors.Add(text, pickled);
        }
        return tensors;
    }

    private object? Run()
    {
        while (true)
        {
            byte code = Byte();
            if (code == '.')
                return Pop();
            Step(code);
        }
    }

    private void Step(byte code)
    {
        switch (code)
        {
            case 0x80: // the protocol's number
                if (Byte() > 5)
                    throw Damaged("its protocol is unknown");
                break;
            case 0x95: // a frame, which says how many bytes follow
                Bytes(8);
                break;
            case (byte)'(':
                _marks.Push(_stack.Count);
                break;
            case (byte)'0' or (byte)'b': // 'b' gives a dictionary attributes, which say nothing about tensors
                Pop();
                break;
            case (byte)'q' or (byte)'r' or 0x94:
                _memo[code == 'q' ? Byte() : code == 'r' ? Size() : _memo.Count] = Top();
                break;
            case (byte)'a' or (byte)'e' or (byte)'s' or (byte)'u':
                Add(code);
                break;
            default:
                Push(Value(code));
                break;
        }
    }

    private object? Value(byte code)
    {
        switch (code)
        {
            case (byte)'N':
                return null;
            case 0x88 or 0x89:
                return code == 0x88;
            case (byte)'}':
                return new Dictionary<object, object?>();
            case (byte)']':
                return new List<object?>();
            case (byte)'K' or (byte)'M' or (byte)'J' or 0x8a or (byte)'G':
                return Number(code);
            case (byte)'X' or 0x8c:
                return Encoding.UTF8.GetString(Bytes(code == 'X' ? Size() : Byte()));
            case (byte)')' or 0x85 or 0x86 or 0x87 or (byte)'t':
                return Tuple(code);
            case (byte)'h' or (byte)'j':
                return Recall(code == 'h' ? Byte() : Size());
            case (byte)'c' or 0x93:
                return Global(code);
            case (byte)'Q':
                return Storage(Popped<object?[]>());
            case (byte)'R':
                object?[] arguments = Popped<object?[]>();
                return Call(Popped<Callable>(), arguments);
            default:
                throw Damaged($"instruction {code} is none that tensors need");
        }
    }

    private object Number(byte code) => code switch
    {
        // Each is boxed as its own type.
        (byte)'K' => (object)(long)Byte(),
        (byte)'M' => (object)(long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)),
        (byte)'J' => (object)(long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4)),
        (byte)'G' => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)),
        _ => Long(Bytes(Byte())),
    };

    private long Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8)
            throw Damaged("a number is too large");
        long value = bytes.Length > 0 && (bytes[^1] & 0x80) != 0 ? -1 : 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private object?[] Tuple(byte code) => code switch
    {
        (byte)')' => [],
        (byte)'t' => SinceMark(),
        _ => Taken(_stack.Count - (code - 0x84)),
    };

    private void Add(byte code)
    {
        object?[] items = code is (byte)'a' ? [Pop()] : code is (byte)'s' ? Taken(_stack.Count - 2) : SinceMark();
        if (code is (byte)'a' or (byte)'e')
        {
            As<List<object?>>(Top()).AddRange(items);
            return;
        }
        Dictionary<object, object?> dictionary = As<Dictionary<object, object?>>(Top());
        if (items.Length % 2 != 0)
            throw Damaged("a dictionary has a key without a value");
        for (int i = 0; i < items.Length; i += 2)
            dictionary[items[i] ?? throw Damaged("a dictionary has no key")] = items[i + 1];
    }

    private Callable Global(byte code)
    {
        string name = code == 'c' ? Line() : Popped<string>(), module = code == 'c' ? name : Popped<string>();
        if (code == 'c')
            name = Line();
        return (module, name) switch
        {
            ("collections", "OrderedDict") => new Callable.Dictionary(),
            ("torch._utils", "_rebuild_tensor_v2") => new Callable.Tensor(),
            ("torch._utils", "_rebuild_parameter") => new Callable.Parameter(),
            ("torch", _) when s_storages.TryGetValue(name, out ScalarType type) => new Callable.Storage(type),
            _ => throw new CheckpointException(_path,
                $"asks to call {FileText.Quoted($"{module}.{name}")}, which a state dict does not need: it is not read, and nothing of " +
                "it was run."),
        };
    }

    /// <summary>A stored list of numbers: <c>("storage", type, name, device, count)</c>.</summary>
    private StoredNumbers Storage(object?[] arguments) =>
        arguments is ["storage", Callable.Storage type, string name, string, long count] && count >= 0
            ? new StoredNumbers(name, type.Type, count)
            : throw Damaged("a storage is described otherwise than PyTorch does");

    private object Call(Callable function, object?[] arguments) => (function, arguments) switch
    {
        (Callable.Dictionary, []) => new Dictionary<object, object?>(),
        (Callable.Tensor, [StoredNumbers numbers, long offset, object?[] shape, object?[] strides, ..]) => Tensor(
            numbers, offset, [.. shape.Select(As<long>)], [.. strides.Select(As<long>)]),
        (Callable.Parameter, [PickledTensor tensor, ..]) => tensor,
        _ => throw Damaged("a tensor is described otherwise than PyTorch does"),
    };

    private PickledTensor Tensor(StoredNumbers numbers, long offset, long[] shape, long[] strides)
    {
        if (offset < 0 || shape.Length != strides.Length || shape.Concat(strides).Any(number => number < 0))
            throw Damaged("a tensor has a negative size");
        checked
        {
            long last = offset;
            for (int axis = 0; axis < shape.Length; axis++)
                last += Math.Max(0, shape[axis] - 1) * strides[axis];
            long elements = shape.Contains(0) ? 0 : shape.Aggregate(1L, (product, size) => product * size);
            if (elements > 0 && last >= numbers.Count)
                throw Damaged($"a tensor reaches to number {last} of {numbers.Count}");
            // A tensor that repeats its numbers could have any size, whatever the size of the file.
            return elements <= numbers.Count
                ? new PickledTensor(numbers.Name, numbers.Type, numbers.Count, offset, shape, strides)
                : throw Damaged($"a tensor of {elements} elements has {numbers.Count} numbers");
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Top() => _stack.Count > 0 ? _stack[^1] : throw Damaged("nothing is on the stack");

    private object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private T Popped<T>() => As<T>(Pop());

    private T As<T>(object? value) =>
        value is T wanted ? wanted : throw Damaged("an instruction finds something else than it works with");

    private object?[] SinceMark() => Taken(_marks.TryPop(out int mark) ? mark : throw Damaged("a mark is missing"));

    private object?[] Taken(int from)
    {
        if (from < 0 || from > _stack.Count)
            throw Damaged("too little is on the stack");
        object?[] items = [.. _stack.Skip(from)];
        _stack.RemoveRange(from, items.Length);
        return items;
    }

    private object? Recall(long number) =>
        _memo.TryGetValue(number, out object? value) ? value : throw Damaged($"nothing is kept as {number}");

    private byte Byte() => Bytes(1)[0];

    private int Size()
    {
        int size = BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));
        return size >= 0 ? size : throw Damaged("a length is negative");
    }

    private string Line()
    {
        int end = Array.IndexOf(_bytes, (byte)'\n', _at);
        if (end < 0)
            throw Damaged("it ends in the middle of a line");
        string line = Encoding.UTF8.GetString(_bytes, _at, end - _at);
        _at = end + 1;
        return line;
    }

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _bytes.Length - _at)
            throw Damaged("it ends too early");
        _at += count;
        return _bytes.AsSpan(_at - count, count);
    }

    private CheckpointException Damaged(string reason) => new(_path, $"holds a damaged pickle: {reason}.");

    private sealed record StoredNumbers(string Name, ScalarType Type, long Count);

    /// <summary>What a pickle may name.</summary>
    private abstract record Callable
    {
        public sealed record Dictionary : Callable;

        public sealed record Tensor : Callable;

        public sealed record Parameter : Callable;

        public sealed record Storage(ScalarType Type) : Callable;
    }
}
