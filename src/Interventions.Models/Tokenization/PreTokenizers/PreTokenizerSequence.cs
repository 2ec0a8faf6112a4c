namespace Interventions.Models.Tokenization;

/// <summary>Pre-tokenizers one after the other, each on the words of the one before.</summary>
internal sealed class PreTokenizerSequence(IPreTokenizer[] steps) : IPreTokenizer
{
    public void Split(AlignedText text, bool cut, List<AlignedText> words)
    {
        List<AlignedText> current = [text];
        foreach (var step in steps)
        {
            var next = new List<AlignedText>(current.Count);
            foreach (var word in current)
                if (word.Length > 0) step.Split(word, cut, next);
            current = next;
        }
        words.AddRange(current);
    }
}
