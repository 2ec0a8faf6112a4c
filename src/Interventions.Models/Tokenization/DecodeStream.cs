namespace Interventions.Models;

/// <summary>
/// Decodes ids that come one by one, as a generation makes them. What it gives is text that further ids do not change; the bytes of an
/// unfinished character are held back until it is whole. The pieces together are the text of all ids decoded at once.
/// </summary>
/// <remarks>
/// One exception: in a vocabulary with tokens such as <c>&lt;0xE2&gt;</c>, decoding at once shows a whole run of them as U+FFFD when one
/// is wrong, good ones included; characters of such a run may have been given already. Not safe from several threads.
/// </remarks>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
public sealed class DecodeStream(HuggingFaceTokenizer tokenizer, bool skipSpecialTokens = true)
{
    private const char Broken = '\uFFFD';

    // The text of a token may depend on the one before it (the space in front of the first word), so the ids that were given out last
    // stay, as the context of those that were not.
    private readonly List<int> _ids = [];
    private int _context;         // how many of them were given out
    private string _given = "";   // their text

    /// <summary>Takes the next id.</summary>
    /// <returns>The text that is certain now and was not before; often a word, empty where an unfinished character is held back.</returns>
    public string Add(int id)
    {
        if (_given.Length == 0 && Text().Length == 0)    // ids without text are no context
            _context = _ids.Count;
        _ids.Add(id);
        string text = Text();
        if (text.Length <= _given.Length || text.EndsWith(Broken))
            return "";
        string piece = text[Shared(text)..];
        int added = _ids.Count - _context;
        _ids.RemoveRange(0, _context);
        (_given, _context) = (Text(), added);
        return piece;
    }

    /// <summary>The end of the ids.</summary>
    /// <returns>The text that was held back: unfinished characters as U+FFFD.</returns>
    public string Finish()
    {
        string text = Text(), rest = text[Shared(text)..];
        _ids.Clear();
        (_given, _context) = ("", 0);
        return rest;
    }

    private string Text() => tokenizer.Decode(_ids, skipSpecialTokens);

    private int Shared(string text) => text.AsSpan().CommonPrefixLength(_given);
}
