using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>The logits that a graph explains.</summary>
/// <param name="Targets">The tokens.</param>
/// <param name="Probabilities">The probability of each.</param>
internal sealed record LogitChoice(LogitTarget[] Targets, double[] Probabilities)
{
    /// <summary>What the options name, or the likeliest tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="logits">The logits at the last position, <c>[vocab]</c>.</param>
    /// <param name="options">How many.</param>
    /// <exception cref="InterventionException">A token is outside the vocabulary.</exception>
    public static LogitChoice Of(DecoderModel model, Tensor logits, AttributionGraphOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] all = nn.functional.softmax(logits.to_type(ScalarType.Float64), 0).cpu().data<double>().ToArray();
        if (options.Targets is { } targets)
        {
            foreach (long token in targets.SelectMany(target => new[] { target.Token, target.Against ?? target.Token }))
                if (token < 0 || token >= all.Length)
                    throw new InterventionException($"There is no token {token}: {model.Schema.Model} knows tokens 0 to {all.Length - 1}.");
            if (targets.FirstOrDefault(target => target.Token == target.Against) is { Against: { } same })
                throw new InterventionException($"The logit of token {same} less itself is 0: name another one.");
            return new LogitChoice([.. targets], [.. targets.Select(target => all[target.Token])]);
        }
        int[] ranked = [.. Enumerable.Range(0, all.Length).OrderByDescending(token => all[token]).Take(options.MostLogits)];
        int count = 1;
        for (double sum = all[ranked[0]]; count < ranked.Length && sum < options.LogitProbability; count++)
            sum += all[ranked[count]];
        return new LogitChoice(
            [.. ranked.Take(count).Select(token => new LogitTarget(token))], [.. ranked.Take(count).Select(token => all[token])]);
    }

    /// <summary>The directions in which they read the last norm's output: <c>[logit, d_model]</c>; the scope owns them.</summary>
    public Tensor Readers(DecoderModel model)
    {
        Tensor weight = model.Weights[model.Config.TiedUnembedding ? "embed.weight" : "unembed.weight"];
        return Compared(weight, weight.mean([0L], keepdim: true)).over(model.Config.LogitDivisor);
    }

    /// <summary>What the unembedding's bias adds to them, <c>[logit]</c>.</summary>
    public Tensor Biases(DecoderModel model)
    {
        Tensor weight = model.Weights["embed.weight"];
        return model.Weights.TryGetValue("unembed.bias", out Tensor? bias)
            ? Compared(bias.unsqueeze(-1), bias.mean().reshape(1, 1)).squeeze(-1).over(model.Config.LogitDivisor)
            : zeros(Targets.Length, dtype: weight.dtype, device: weight.device);
    }

    /// <summary>The nodes.</summary>
    public IEnumerable<AttributionNode> Nodes(DecoderModel model, int length) => Targets.Zip(Probabilities, (target, probability) =>
        new AttributionNode(AttributionNodeKind.Logit, model.Config.Layers, length - 1, (int)target.Token)
        {
            Probability = probability,
            Against = (int?)target.Against,
            Text = target.Against is { } other
                ? $"{TokenTexts.Of(model, target.Token)} - {TokenTexts.Of(model, other)}"
                : TokenTexts.Of(model, target.Token),
        });

    /// <summary>Rows of the targets less what they are compared with.</summary>
    private Tensor Compared(Tensor rows, Tensor mean)
    {
        Tensor own = rows.Pick(0, Indices(Targets.Select(target => target.Token)));
        Tensor others = rows.Pick(0, Indices(Targets.Select(target => target.Against ?? 0)));
        Tensor hasOther = tensor(Targets.Select(target => target.Against is not null).ToArray(), device: rows.device).unsqueeze(-1);
        return own.sub(where(hasOther, others, mean));

        Tensor Indices(IEnumerable<long> tokens) => tensor(tokens.ToArray(), device: rows.device);
    }
}
