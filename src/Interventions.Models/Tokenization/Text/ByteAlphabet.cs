namespace Interventions.Models.Tokenization;

/// <summary>
/// GPT-2's alphabet: a visible character for each byte. Printable Latin-1 stands for itself; the other 68 bytes, in order, are U+0100 and
/// up (so the space, the 33rd of them, is Ġ).
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = new char[256];
    private static readonly Dictionary<char, byte> s_bytes = [];

    static ByteAlphabet()
    {
        int next = 0x100;
        for (int value = 0; value < 256; value++)
        {
            bool visible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            s_characters[value] = visible ? (char)value : (char)next++;
            s_bytes[s_characters[value]] = (byte)value;
        }
    }

    /// <summary>What stands for a space: Ġ.</summary>
    public static char Space => s_characters[' '];

    public static char ToCharacter(byte value) => s_characters[value];

    public static bool TryToByte(char character, out byte value) => s_bytes.TryGetValue(character, out value);
}
