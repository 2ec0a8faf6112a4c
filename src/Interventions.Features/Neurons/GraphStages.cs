using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>
/// The steps from examples to paths, for several neurons at once: what a step asks of the model is one set of short texts, which is run in
/// few batches.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="reader">The neurons.</param>
/// <param name="options">Thresholds and substitutes.</param>
/// <param name="substitutes">Where substitutes come from; null for none.</param>
/// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
internal sealed class GraphStages(
    HookedModel model, NeuronReader reader, NeuronToGraphOptions options, TokenSubstitutes? substitutes,
    CancellationToken cancellationToken)
{
    /// <summary>A cut text keeps more than this share of the activation.</summary>
    private const double Kept = 0.5;

    /// <summary>What the pivot loses at least without a token that is substituted.</summary>
    private const double Substituted = 0.8;

    /// <summary>Activations closer to 0 than this are divided by as if they were this.</summary>
    private const double Smallest = 1e-5;

    /// <summary>How many tokens are tried before it is known which texts need more: most need few.</summary>
    private static readonly int[] s_rounds = [4, 12, CutText.Longest];

    private readonly RowActivations _rows = new(reader);

    /// <summary>Cuts each text in front, as far as the pivot stays what it is.</summary>
    public void Prune(IReadOnlyList<CutText> texts)
    {
        foreach (int longest in s_rounds)
        {
            CutText[] open = [.. texts.Where(text => text.Start < 0)];
            _rows.Run(open.SelectMany(text => text.Ends(longest)), cancellationToken);
            foreach (CutText text in open)
                text.Choose(longest, row => IsEnough(text, row));
        }
    }

    /// <summary>Finds what each activation loses where each token is masked.</summary>
    public IEnumerable<NeuronWindow> Windows(IReadOnlyList<CutText> texts)
    {
        _rows.Run(texts.SelectMany(text => Masked(text, text.Tokens)), cancellationToken);
        return texts.Select(text => new NeuronWindow
        {
            Example = text.Example,
            Start = text.Start,
            Tokens = [.. text.Tokens],
            Texts = [.. text.Tokens.Select(model.TextOf)],
            Activations = [.. text.Tokens.Select((_, token) => _rows.At(text.Tokens, token, text.Column))],
            Saliency =
            [
                .. text.Tokens.Select((_, masked) => text.Tokens
                    .Select((_, token) => token < masked ? 0 : Importance(text, text.Tokens, masked, token)).ToImmutableArray()),
            ],
        });
    }

    /// <summary>The paths of cut texts, and of the same with important tokens substituted.</summary>
    public IReadOnlyList<(CutText Text, IReadOnlyList<NeuronPath> Paths)> Paths(IReadOnlyList<CutText> texts)
    {
        _rows.Run(texts.SelectMany(text => Masked(text, text.Tokens)), cancellationToken);
        (CutText Text, long[] Row)[] others = [.. texts.SelectMany(text => WithSubstitutes(text).Select(row => (text, row)))];
        _rows.Run(others.Select(other => other.Row), cancellationToken);
        // Of these only those masks are needed that may make a token a part of a path which is none in the text itself.
        _rows.Run(others.SelectMany(other => NeededMasks(other.Text, other.Row)), cancellationToken);
        IEnumerable<(CutText Text, long[] Row)> all = texts.Select(text => (text, text.Tokens)).Concat(others);
        return [.. all.Select(one => (one.Text, PathsOf(one.Text, one.Row)))];
    }

    private bool IsEnough(CutText text, long[] row)
    {
        int last = row.Length - 1;
        double activation = _rows.At(row, last, text.Column);
        return activation / text.Example.Activation > Kept
            && Enumerable.Range(text.Front, last - text.Front).All(token => _rows.At(row, token, text.Column) < activation);
    }

    private IEnumerable<long[]> WithSubstitutes(CutText text)
    {
        if (substitutes is null)
            return [];
        int pivot = text.Tokens.Length - 1;
        return Places(text).Where(token => Importance(text, text.Tokens, token, pivot) >= Substituted).SelectMany(token =>
            substitutes(text.Tokens, token).Where(other => Fits(text.Tokens[token], other)).Take(options.SubstituteCount)
                .Select(other => With(text.Tokens, token, other)));
    }

    /// <summary>Whether a token may stand for another: both are words, not the same one, alike in case and in the space in front.</summary>
    private bool Fits(long token, long other)
    {
        if (model.Decode([token]) is null)
            return other != token;
        return WordForm.Of(model.TextOf(token)) is { } word && WordForm.Of(model.TextOf(other)) is { } form
            && word.IsLike(form) && word.Lower != form.Lower;
    }

    private IReadOnlyList<NeuronPath> PathsOf(CutText text, long[] row)
    {
        List<NeuronPath> paths = [];
        foreach (int token in Places(text).Where(token => Fires(text, row, token)))
        {
            List<NeuronStep> steps = [new(KeyOf(row[token]), 1)];
            int kept = 1;
            for (int before = token - 1; before >= text.Front; before--)
            {
                bool isKnown = IsKnown(text, before, token);
                double importance = Importance(text, isKnown ? text.Tokens : row, before, token);
                bool isPart = isKnown || importance > options.ImportanceThreshold;
                steps.Add(new NeuronStep(isPart ? KeyOf(row[before]) : null, Math.Clamp(importance, 0, 1)));
                kept = isPart ? steps.Count : kept;
            }
            paths.Add(new NeuronPath([.. steps.Take(kept)], _rows.At(row, token, text.Column) * Scale(text)));
        }
        return paths;
    }

    private IEnumerable<long[]> NeededMasks(CutText text, long[] row)
    {
        int[] firing = [.. Places(text).Where(token => Fires(text, row, token))];
        return Places(text).Where(before => firing.Any(token => token > before && !IsKnown(text, before, token)))
            .Select(before => With(row, before, Mask(text)));
    }

    /// <summary>Whether, in the text itself, a token is a part of the path of a token on which the neuron fires.</summary>
    private bool IsKnown(CutText text, int before, int token) =>
        Fires(text, text.Tokens, token) && Importance(text, text.Tokens, before, token) > options.ImportanceThreshold;

    private bool Fires(CutText text, long[] row, int token) =>
        _rows.At(row, token, text.Column) / text.Neuron.Maximum * Scale(text) > options.ActivationThreshold;

    /// <summary>By how much activations in a cut text are smaller than in the whole one.</summary>
    private double Scale(CutText text) =>
        _rows.At(text.Tokens, text.Tokens.Length - 1, text.Column) is > 0 and var cut ? text.Example.Activation / cut : 1;

    private double Importance(CutText text, long[] row, int masked, int token) => 1
        - (_rows.At(With(row, masked, Mask(text)), token, text.Column) / Math.Max(Math.Abs(_rows.At(row, token, text.Column)), Smallest));

    private IEnumerable<long[]> Masked(CutText text, long[] row) =>
        Enumerable.Range(0, row.Length).Select(token => With(row, token, Mask(text))).Append(row);

    private long Mask(CutText text) => options.MaskFor(text.Neuron.Bos);

    private string KeyOf(long token) => NeuronGraph.KeyOf(model.TextOf(token));

    /// <summary>The tokens of a cut text without the one that begins it.</summary>
    private static IEnumerable<int> Places(CutText text) => Enumerable.Range(text.Front, text.Tokens.Length - text.Front);

    private static long[] With(long[] row, int position, long token)
    {
        long[] changed = [.. row];
        changed[position] = token;
        return changed;
    }

    /// <summary>How a word is written.</summary>
    /// <param name="HasSpace">Whether a space stands in front.</param>
    /// <param name="Casing">Small letters, capitals, a capital in front, or mixed.</param>
    /// <param name="Lower">The word in small letters.</param>
    private readonly record struct WordForm(bool HasSpace, int Casing, string Lower)
    {
        public static WordForm? Of(string text)
        {
            string word = text.TrimStart(' ');
            if (word.Length == 0 || !word.All(char.IsLetter))
                return null;
            int casing =
                word.All(char.IsLower) ? 0
                : char.IsUpper(word[0]) && word.Skip(1).All(char.IsLower) ? 1
                : word.All(char.IsUpper) ? 2 : 3;
            return new WordForm(word.Length < text.Length, casing, word.ToLowerInvariant());
        }

        public bool IsLike(WordForm other) => (HasSpace, Casing) == (other.HasSpace, other.Casing);
    }
}
