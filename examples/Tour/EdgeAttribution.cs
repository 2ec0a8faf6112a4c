using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>
/// Edge attribution patching: how much the path from one head's output to another head's queries, keys or values matters, for all pairs
/// from one backward pass (Syed et al. 2023, arXiv:2310.10348).
/// </summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class EdgeAttribution<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.attn.result")]
    static Tensor Difference(Tensor x, [From("corrupted")] Tensor corrupted) => corrupted - x; // [layer, batch, pos, head, d_model]

    [Gradient("blocks.*.attn.q_input")]
    static Tensor Queries(Tensor gradient) => gradient;

    [Gradient("blocks.*.attn.k_input")]
    static Tensor Keys(Tensor gradient) => gradient;

    [Gradient("blocks.*.attn.v_input")]
    static Tensor Values(Tensor gradient) => gradient;

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new EdgeAttribution<TModel>().Run(model, prompts, report.Options);
        report.Edges("edges into queries", einsum("lbphd,mbpid->lhmi", run.Clean.Difference, run.Queries));
        report.Edges("edges into keys", einsum("lbphd,mbpid->lhmi", run.Clean.Difference, run.Keys));
        report.Edges("edges into values", einsum("lbphd,mbpid->lhmi", run.Clean.Difference, run.Values));
    }
}
