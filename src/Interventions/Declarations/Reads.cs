using System.Collections;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Runtime.CompilerServices;
using Interventions.Runtime;

namespace Interventions;

/// <summary>
/// What the last parameters of a lambda read, in their order: the attributes of a class's parameters, as calls. One read or the name of a
/// run stands for itself, several stand in brackets: <c>from: "corrupted"</c>, <c>from: [Reads.Logit("IO"), Reads.Logit("S")]</c>.
/// </summary>
[CollectionBuilder(typeof(Reads), nameof(Of))]
public sealed class Reads : IEnumerable<Read>
{
    private readonly ImmutableArray<Read> _reads;

    private Reads(ImmutableArray<Read> reads) => _reads = reads;

    /// <summary>The method's own site in a run, see <see cref="FromAttribute"/>.</summary>
    public static implicit operator Reads(string run) => Of(From(run));

    /// <summary>One read.</summary>
    public static implicit operator Reads(Read read) => Of(read);

    /// <summary>Several reads. Called for brackets.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static Reads Of(params ReadOnlySpan<Read> reads) => new([.. reads]);

    /// <summary>The value in a run of the prompt set, or, in a patch, in a derived one: of the method's own site, or of another.</summary>
    /// <param name="run">The run, or a placeholder that sweeps runs: <c>{donor}</c>.</param>
    /// <param name="site">The path of one site; the method's own unless it is given.</param>
    public static Read From(string run, string? site = null) => new Read.From(run ?? throw new ArgumentNullException(nameof(run)), site);

    /// <summary>The value of another site in the same run, see <see cref="ValueOfAttribute"/>.</summary>
    /// <param name="site">The path of one site; in a patch one that is computed earlier.</param>
    public static Read ValueOf(string site) => new Read.Of(site ?? throw new ArgumentNullException(nameof(site)));

    /// <summary>The logit of an answer, <c>[batch]</c>, in a metric; see <see cref="LogitAttribute"/>.</summary>
    /// <param name="answer">The answer of the prompt set.</param>
    /// <param name="at">The position.</param>
    /// <param name="run">The run; the measured one unless it is given.</param>
    public static Read Logit(string answer, string at = "end", string? run = null) =>
        new Read.Logit(answer ?? throw new ArgumentNullException(nameof(answer)), at, run);

    /// <summary>The logits of listed words, one token each: <c>[batch, word]</c>, in a metric; see <see cref="LogitAttribute"/>.</summary>
    /// <param name="words">The words, each as it stands in the text: with the space in front of it.</param>
    /// <param name="at">The position.</param>
    /// <param name="run">The run; the measured one unless it is given.</param>
    /// <param name="name">The name of the list, for messages and files.</param>
    public static Read Logit(IEnumerable<string> words, string at = "end", string? run = null, string name = "Words") =>
        Read.WordLogits.Listed(name, words ?? throw new ArgumentNullException(nameof(words)), at, run);

    /// <summary>All logits at a position, <c>[batch, vocab]</c>, in a metric; see <see cref="LogitsAttribute"/>.</summary>
    /// <param name="at">The position.</param>
    /// <param name="run">The run; the measured one unless it is given.</param>
    public static Read Logits(string at = "end", string? run = null) => new Read.Logits(at, run);

    /// <summary>The token ids of an answer, <c>[batch]</c>, int64; see <see cref="AnswerAttribute"/>.</summary>
    /// <param name="answer">The answer of the prompt set.</param>
    public static Read Answer(string answer) => new Read.AnswerIds(answer ?? throw new ArgumentNullException(nameof(answer)));

    /// <summary>The number at which a sweep stands: a tensor without axes, float64, on the CPU.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    public static Read Swept(string name) => new Read.Swept(name ?? throw new ArgumentNullException(nameof(name)));

    /// <inheritdoc/>
    public IEnumerator<Read> GetEnumerator() => ((IEnumerable<Read>)_reads).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
