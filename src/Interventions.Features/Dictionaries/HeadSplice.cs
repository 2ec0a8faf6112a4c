using System.Globalization;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>A dictionary of one head's value, where the site has those of all heads.</summary>
internal sealed class HeadSplice : ISplice
{
    private readonly Sae _sae;
    private readonly int _head;

    public HeadSplice(Sae sae, int? head)
    {
        int? named = sae.Config.Head;
        _head = head ?? named ?? throw new ArgumentException(
            $"{sae} names no head: say which one it is of.", nameof(head));
        if (named is { } other && other != _head)
            throw new ArgumentException($"{sae} is of head {other} by its file, and not of head {_head}.", nameof(head));
        if (_head < 0 || sae.Config.FlattensHeads || sae.Config.IsTranscoder)
            throw new ArgumentException(
                _head < 0 ? $"There is no head {_head}."
                : $"{sae} is {(sae.Config.IsTranscoder ? "a transcoder" : "of all heads at once")}, and not of one head.", nameof(head));
        _sae = sae;
    }

    public int Features => _sae.Features;

    public Tensor Encode(Tensor x) => _sae.Encode(Own(x));

    public Tensor Decode(Tensor features, Tensor x)
    {
        Tensor decoded = _sae.Decode(features, Own(x)).unsqueeze(-2);
        long behind = x.shape[^2] - _head - 1;
        return cat([x.narrow(-2, 0, _head), decoded, x.narrow(-2, _head + 1, behind)], -2);
    }

    public string WeightsFingerprint() => string.Create(CultureInfo.InvariantCulture, $"head {_head}: {_sae.WeightsFingerprint()}");

    private Tensor Own(Tensor x) => x.dim() >= 2 && x.shape[^2] > _head
        ? x.select(-2, _head)
        : throw new InterventionException($"{_sae} is of head {_head}, and is given {Shapes.Describe(x)}, which has not so many heads.");
}
