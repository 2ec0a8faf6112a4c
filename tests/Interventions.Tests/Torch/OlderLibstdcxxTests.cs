using System.Buffers.Binary;
using System.Text;
using Interventions.Torch;

namespace Interventions.Tests.Torch;

/// <summary>The patch of TorchSharp's library, on a library of four sections that is made here.</summary>
public sealed class OlderLibstdcxxTests
{
    private const string Asked = "_ZSt21ios_base_library_initv", Stand = "THSTorch_get_num_threads", New = "GLIBCXX_3.4.32";

    [Fact]
    public void The_one_symbol_is_replaced_and_its_version_is_weak()
    {
        Elf elf = new(
            [("libm.so.6", ["GLIBC_2.2.5"]), ("libstdc++.so.6", ["GLIBCXX_3.4.30", New, "CXXABI_1.3"])],
            [("other", "GLIBCXX_3.4.30"), (Asked, New), (Stand, null), ("pow", "GLIBC_2.2.5")]);
        byte[] before = elf.Bytes, patched = OlderLibstdcxx.Patched(before, out string? whyNot)!;
        Assert.Null(whyNot);
        Assert.Equal([New], elf.VersionNames.Where(name => elf.Flags(patched, name) == 2));
        Assert.All(elf.VersionNames, name => Assert.Equal(0, elf.Flags(before, name)));
        Assert.Equal((Stand, 1), elf.Symbol(patched, 1));
        foreach (int other in new[] { 0, 2, 3 })
            Assert.Equal(elf.Symbol(before, other), elf.Symbol(patched, other));
        // Four bytes of a name, two of a version, two of flags: nothing else.
        Assert.InRange(before.Zip(patched).Count(pair => pair.First != pair.Second), 1, 8);
        Assert.Equal(before.Length, patched.Length);
    }

    [Fact]
    public void A_library_that_is_another_is_left_alone()
    {
        (string, string[])[] needs = [("libstdc++.so.6", ["GLIBCXX_3.4.30", New])];
        Refused("does not ask for", new([("libstdc++.so.6", ["GLIBCXX_3.4.30"])], [(Asked, "GLIBCXX_3.4.30"), (Stand, null)]));
        Refused("'brand_new' of GLIBCXX_3.4.32, which nothing replaces", new(needs, [(Asked, New), ("brand_new", New), (Stand, null)]));
        Refused("asks for no symbol", new(needs, [(Stand, null)]));
        Refused("has no THSTorch_get_num_threads", new(needs, [(Asked, New)]));
        Assert.Null(OlderLibstdcxx.Patched("MZ is no ELF file"u8, out string? whyNot));
        Assert.Contains("no 64-bit", whyNot, StringComparison.Ordinal);

        static void Refused(string why, Elf elf)
        {
            Assert.Null(OlderLibstdcxx.Patched(elf.Bytes, out string? whyNot));
            Assert.Contains(why, whyNot, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_damaged_library_is_refused_and_never_throws()
    {
        byte[] bytes = new Elf([("libstdc++.so.6", ["GLIBCXX_3.4.30", New])], [(Asked, New), (Stand, null)]).Bytes;
        for (int length = 0; length < bytes.Length; length++)
            OlderLibstdcxx.Patched(bytes.AsSpan(0, length), out _);
        Random random = new(1);
        for (int i = 0; i < 5000; i++)
        {
            byte[] damaged = [.. bytes];
            for (int j = random.Next(1, 4); j > 0; j--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            OlderLibstdcxx.Patched(damaged, out _);
        }
    }

    /// <summary>TorchSharp's own library, where this machine has it: what the patch changes is what it was written for.</summary>
    [Fact]
    public void TorchSharps_library_is_the_one_that_it_knows()
    {
        string file = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        if (!File.Exists(file))
            return; // Natives of another platform.
        byte[] before = File.ReadAllBytes(file);
        byte[]? patched = OlderLibstdcxx.Patched(before, out string? whyNot);
        Assert.True(patched is not null, whyNot);
        Assert.InRange(before.Zip(patched).Count(pair => pair.First != pair.Second), 1, 8);
    }

    /// <summary>A library with nothing but names, symbols and the versions that it needs.</summary>
    private sealed class Elf
    {
        private const int Header = 64, SectionHeader = 64;
        private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal) { [""] = 0 };
        private readonly Dictionary<string, int> _entries = new(StringComparer.Ordinal);
        private readonly List<byte> _text = [0];
        private readonly int _symbolsAt, _versionsAt;

        public Elf((string Library, string[] Versions)[] needs, (string Name, string? Version)[] symbols)
        {
            foreach (string name in needs.SelectMany(need => need.Versions.Append(need.Library))
                .Concat(symbols.Select(symbol => symbol.Name)))
                Offset(name);
            Dictionary<string, ushort> indices = needs.SelectMany(need => need.Versions).Select((version, i) => (version, i)).ToDictionary(
                pair => pair.version, pair => (ushort)(pair.i + 2));

            byte[] symbolBytes = new byte[24 * symbols.Length], versionBytes = new byte[2 * symbols.Length];
            for (int i = 0; i < symbols.Length; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(symbolBytes.AsSpan(24 * i), Offset(symbols[i].Name));
                BinaryPrimitives.WriteUInt16LittleEndian(symbolBytes.AsSpan((24 * i) + 6), (ushort)(symbols[i].Version is null ? 9 : 0));
                BinaryPrimitives.WriteUInt16LittleEndian(
                    versionBytes.AsSpan(2 * i), symbols[i].Version is { } version ? indices[version] : (ushort)1);
            }

            int namesAt = Header, needsAt = namesAt + _text.Count;
            List<byte> needBytes = [];
            for (int n = 0; n < needs.Length; n++)
            {
                int size = 16 * (1 + needs[n].Versions.Length);
                Add(
                    needBytes, (ushort)1, (ushort)needs[n].Versions.Length, (uint)Offset(needs[n].Library), 16u,
                    n + 1 < needs.Length ? (uint)size : 0u);
                for (int v = 0; v < needs[n].Versions.Length; v++)
                {
                    _entries[needs[n].Versions[v]] = needsAt + needBytes.Count;
                    Add(
                        needBytes, 0u, (ushort)0, indices[needs[n].Versions[v]], (uint)Offset(needs[n].Versions[v]),
                        v + 1 < needs[n].Versions.Length ? 16u : 0u);
                }
            }
            _symbolsAt = needsAt + needBytes.Count;
            _versionsAt = _symbolsAt + symbolBytes.Length;
            int sectionsAt = _versionsAt + versionBytes.Length;

            byte[] header = new byte[Header];
            new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(header, 0);
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(0x28), sectionsAt);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(0x3a), SectionHeader);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(0x3c), 5);
            Bytes =
            [
                .. header, .. _text, .. needBytes, .. symbolBytes, .. versionBytes,
                .. Section(0, 0, 0, 0), .. Section(3, namesAt, _text.Count, 0), .. Section(11, _symbolsAt, symbolBytes.Length, 1),
                .. Section(0x6fffffff, _versionsAt, versionBytes.Length, 2), .. Section(0x6ffffffe, needsAt, needBytes.Count, 1),
            ];
        }

        public byte[] Bytes { get; }

        public IEnumerable<string> VersionNames => _entries.Keys;

        public int Flags(byte[] bytes, string version) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(_entries[version] + 4));

        public (string Name, int Version) Symbol(byte[] bytes, int index)
        {
            int at = Header + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(_symbolsAt + (24 * index)));
            return (Encoding.ASCII.GetString(bytes, at, Array.IndexOf(bytes, (byte)0, at) - at), BinaryPrimitives.ReadUInt16LittleEndian(
                bytes.AsSpan(_versionsAt + (2 * index))));
        }

        private int Offset(string name)
        {
            if (_names.TryGetValue(name, out int offset))
                return offset;
            offset = _names[name] = _text.Count;
            _text.AddRange([.. Encoding.ASCII.GetBytes(name), 0]);
            return offset;
        }

        private static byte[] Section(uint type, long offset, long size, uint link)
        {
            byte[] bytes = new byte[SectionHeader];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), type);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x18), offset);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x20), size);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x28), link);
            return bytes;
        }

        private static void Add(List<byte> bytes, params object[] values)
        {
            foreach (object value in values)
                bytes.AddRange(value is ushort two ? BitConverter.GetBytes(two) : BitConverter.GetBytes((uint)value));
        }
    }
}
