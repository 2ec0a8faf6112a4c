namespace Interventions.Models.Tokenization;

/// <summary>Decoders one after the other.</summary>
internal sealed class DecoderSequence(IDecoder[] steps) : IDecoder
{
    public IEnumerable<string> Decode(IEnumerable<string> tokens) => steps.Aggregate(tokens, (current, step) => step.Decode(current));
}
