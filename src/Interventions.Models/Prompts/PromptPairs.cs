namespace Interventions.Models;

/// <summary>
/// The default vocabulary: a clean and a corrupted prompt, the position <c>end</c> (the last token unless marked), a correct and a wrong answer.
/// </summary>
[PromptSchema]
public sealed partial class PromptPairs : PromptSet;
