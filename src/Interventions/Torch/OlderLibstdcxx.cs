using System.Buffers.Binary;
using System.Text;

namespace Interventions.Torch;

/// <summary>
/// Adapts TorchSharp's library to libstdc++ 12 (Debian 12, Ubuntu 22.04). The library was built with GCC 15 and asks for one symbol of
/// libstdc++ 13, <c>std::ios_base_library_init()</c>, which has no other purpose than to be asked for. This class removes the demand from
/// the library's bytes.
/// </summary>
internal static class OlderLibstdcxx
{
    private const string Symbol = "_ZSt21ios_base_library_initv";
    private const string Version = "GLIBCXX_3.4.32";
    // The function that stands in for the symbol, should it be called: it takes no arguments and changes nothing.
    private const string Stand = "THSTorch_get_num_threads";

    private const uint DynamicSymbols = 11, VersionNeeds = 0x6ffffffe, SymbolVersions = 0x6fffffff;
    private const ushort WeakVersion = 2, Unversioned = 1;

    /// <summary>The library without the demand; <see langword="null"/> and the reason if it is not the expected library.</summary>
    internal static byte[]? Patched(ReadOnlySpan<byte> library, out string? whyNot)
    {
        byte[] bytes = library.ToArray();
        try
        {
            whyNot = Patch(bytes);
        }
        catch (ArgumentOutOfRangeException)
        {
            whyNot = "an offset in it points outside the file";
        }
        return whyNot is null ? bytes : null;
    }

    private static string? Patch(byte[] bytes)
    {
        if (!bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
            return "it is no 64-bit little-endian ELF file";
        if (Section(bytes, DynamicSymbols) is not { } symbols
            || Section(bytes, SymbolVersions) is not { } versions
            || Section(bytes, VersionNeeds) is not { } needs)
            return "it has no table of dynamic symbols and their versions";
        int names = symbols.Names;
        if (NeededVersion(bytes, needs, names) is not { } need)
            return $"it does not ask for {Version}";

        int? asked = null, stand = null;
        ushort version = U16(bytes, need + 6);
        for (int i = 0; i < symbols.Length / 24; i++)
        {
            int at = symbols.Offset + i * 24;
            bool undefined = U16(bytes, at + 6) == 0;
            if (undefined && U16(bytes, versions.Offset + 2 * i) == version)
            {
                if (Name(bytes, names, at) != Symbol)
                    return $"it asks for '{Name(bytes, names, at)}' of {Version}, which nothing replaces";
                asked = i;
            }
            else if (!undefined && Name(bytes, names, at) == Stand)
                stand = at;
        }
        if (asked is not { } index || stand is not { } standing)
            return asked is null ? $"it asks for no symbol of {Version}" : $"it has no {Stand}";

        bytes.AsSpan(standing, 4).CopyTo(bytes.AsSpan(symbols.Offset + index * 24, 4));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(versions.Offset + 2 * index), Unversioned);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(need + 4), (ushort)(U16(bytes, need + 4) | WeakVersion));
        return null;
    }

    /// <summary>The first section of a type: its offset and length, and the offset of the names that it refers to.</summary>
    private static (int Offset, int Length, int Names)? Section(byte[] bytes, uint type)
    {
        int table = I64(bytes, 0x28), size = U16(bytes, 0x3a), count = U16(bytes, 0x3c);
        for (int i = 0; i < count; i++)
        {
            int at = table + i * size;
            if (U32(bytes, at + 4) != type)
                continue;
            int linked = table + I32(bytes, at + 0x28) * size;
            return (I64(bytes, at + 0x18), I64(bytes, at + 0x20), I64(bytes, linked + 0x18));
        }
        return null;
    }

    /// <summary>The offset of the needed version among those of all needed libraries (two linked lists of relative offsets).</summary>
    private static int? NeededVersion(byte[] bytes, (int Offset, int Length, int Names) needs, int names)
    {
        for (int library = needs.Offset; ;)
        {
            int entry = library + I32(bytes, library + 8);
            for (int i = 0; i < U16(bytes, library + 2); i++)
            {
                if (Text(bytes, names + I32(bytes, entry + 8)) == Version)
                    return entry;
                entry += I32(bytes, entry + 12);
            }
            int next = I32(bytes, library + 12);
            if (next == 0)
                return null;
            library += next;
        }
    }

    private static string Name(byte[] bytes, int names, int symbol) => Text(bytes, names + I32(bytes, symbol));

    private static string Text(byte[] bytes, int at)
    {
        ReadOnlySpan<byte> rest = bytes.AsSpan(at);
        int end = rest.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? rest : rest[..end]);
    }

    private static ushort U16(byte[] bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    // Offsets in the file: none is negative, so that every walk along them comes to an end.
    private static int I32(byte[] bytes, int at) =>
        U32(bytes, at) is <= int.MaxValue and var value ? (int)value : throw new ArgumentOutOfRangeException(nameof(at));

    private static int I64(byte[] bytes, int at) =>
        BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)) is >= 0 and <= int.MaxValue and var value
            ? (int)value
            : throw new ArgumentOutOfRangeException(nameof(at));
}
