using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>Reads all tokens as one run of bytes in GPT-2's alphabet. A token with any other character stands for its own UTF-8.</summary>
internal sealed class ByteLevelDecoder : IDecoder
{
    public IEnumerable<string> Decode(IEnumerable<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (string token in tokens)
        {
            int first = bytes.Count;
            foreach (char character in token)
            {
                if (ByteAlphabet.TryToByte(character, out byte value))
                {
                    bytes.Add(value);
                    continue;
                }
                bytes.RemoveRange(first, bytes.Count - first);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                break;
            }
        }
        return [Encoding.UTF8.GetString([.. bytes])];    // what is not UTF-8 becomes U+FFFD
    }
}
