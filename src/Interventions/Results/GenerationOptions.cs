namespace Interventions;

/// <summary>How tokens are generated.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens that are generated for a prompt, at least one. Default: 20.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int MaxNewTokens
    {
        get;
        init => field = value > 0 ? value : throw Out(nameof(MaxNewTokens), value, "At least one token is generated.");
    } = 20;

    /// <summary>The divisor of the logits before a token is drawn. Default: 0, which takes the likeliest token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or no number.</exception>
    public double Temperature
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value : throw Out(nameof(Temperature), value, "A temperature is 0 or more.");
    }

    /// <summary>The number of likeliest tokens to draw from. Default: all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int? TopK
    {
        get;
        init => field = value is null or > 0 ? value : throw Out(nameof(TopK), value, "At least one token is drawn from.");
    }

    /// <summary>
    /// The share of the probability to draw from: only the likeliest tokens that together reach it are drawn (nucleus sampling; Holtzman et
    /// al. 2019, arXiv:1904.09751), of those that <see cref="TopK"/> leaves. Default: 1, all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0 and at most 1.</exception>
    public double TopP
    {
        get;
        init => field = value is > 0 and <= 1
            ? value
            : throw Out(nameof(TopP), value, "A share of the probability is above 0 and at most 1.");
    } = 1;

    /// <summary>
    /// What the logit of a token loses, after it is divided by <see cref="Temperature"/>, for each time that the token stands in the prompt
    /// or was generated after it: a negative number favours repetition. The likeliest token, at a temperature of 0, is the one after this.
    /// Default: 0.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is no number.</exception>
    public double FrequencyPenalty
    {
        get;
        init => field = double.IsFinite(value) ? value : throw Out(nameof(FrequencyPenalty), value, "A penalty is a number.");
    }

    /// <summary>
    /// The seed of the draws. With equal seeds a prompt goes on alike, in any batch and beside any other prompts: what is drawn depends on
    /// its tokens, the number of its continuation and the number of the new token. Default: 0.
    /// </summary>
    public long Seed { get; init; }

    /// <summary>
    /// The number of continuations of each prompt, at least one; several need a <see cref="Temperature"/> above 0. The first of several is
    /// the one that there is alone. Default: 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int Continuations
    {
        get;
        init => field = value > 0 ? value : throw Out(nameof(Continuations), value, "A prompt has at least one continuation.");
    } = 1;

    /// <summary>
    /// Whether a text ends where the model ends it: at one of its <see cref="ModelGraphs.HookedModel.EndTokens"/>, beside those of
    /// <see cref="StopTokens"/>. <see cref="GeneratedText.StoppedBy"/> says which it was. Default: false, so that all texts are equally
    /// long.
    /// </summary>
    public bool StopAtEnd { get; init; }

    /// <summary>Tokens that end a prompt's generation; they are part of the generated tokens. Default: none.</summary>
    public IReadOnlyCollection<long> StopTokens { get; init; } = [];

    /// <summary>
    /// Whether only new positions are computed, from values of earlier positions that are held. Default: true, where model and intervention
    /// allow it; <see cref="GenerationResult{TRun}.WhyUncached"/> says why not. It changes no value.
    /// </summary>
    public bool UseCache { get; init; } = true;

    /// <summary>Whether the unchanged run is generated too. Default: false.</summary>
    public bool WithBase { get; init; }

    /// <summary>The number of prompts that are generated together, each at all points of the sweep, at least one. Default: 32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int BatchSize
    {
        get;
        init => field = value > 0 ? value : throw Out(nameof(BatchSize), value, "A batch has at least one prompt.");
    } = 32;

    /// <summary>
    /// The bytes of tensors that may be alive beside the weights, by estimate. Points of the sweep that do not fit together are generated
    /// one after the other; if one does not fit alone, the batches become smaller. Default: 2 GiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public long MemoryBudget
    {
        get;
        init => field = value > 0 ? value : throw Out(nameof(MemoryBudget), value, "A budget is a number of bytes, at least one.");
    } = 2L << 30;

    /// <summary>Receives the progress after every token of a batch.</summary>
    public IProgress<RunProgress>? Progress { get; init; }

    /// <summary>
    /// Receives every token of the changed runs as soon as it is chosen, to show a text while it grows: the numbers of the sweep's point (0
    /// without a sweep), of the prompt and of its continuation, and the token. It is called between two passes, where they are made.
    /// </summary>
    public IProgress<(int Point, int Prompt, int Continuation, long Token)>? Tokens { get; init; }

    private static ArgumentOutOfRangeException Out(string name, object? value, string message) => new(name, value, message);
}
