namespace Interventions.Binding;

/// <summary>Finds means over one prompt: such a mean is that prompt's own value, and an ablation by it ablates nothing.</summary>
internal static class LoneMeans
{
    /// <summary>A note for each write that puts a prompt's own mean where its value is. Nothing is refused: it may be meant.</summary>
    public static IEnumerable<string> Notes(BoundIntervention intervention, IPromptSet prompts)
    {
        int[] lone = [.. prompts.Prompts.Index().GroupBy(prompt => prompt.Item.Template).Where(template => template.Count() == 1)
            .Select(template => template.Single().Index)];
        foreach (BoundWrite write in lone.Length == 0 ? [] : intervention.Writes.SelectMany(write => write.Declared))
        {
            int written = intervention.TokensOf(write);
            if (write.Reads.OfType<BoundRead.Mean>().Any(IsOwn))
                yield return $"{intervention.Name}.{write.Node.Name}: the mean over prompts of one template is the value that is there in "
                    + $"{lone.Length} of {prompts.Prompts.Count} prompts (such as {lone[0]}), which have a template of their own. "
                    + "Read another run (From), other prompts (Over), or the prompts of all templates (AcrossTemplates).";

            bool IsOwn(BoundRead.Mean mean) => mean is { Pooled: false, AcrossTemplates: false, Run.Sweep: null }
                && ReferenceEquals(mean.Over, prompts) && mean.Run.At(SweepPoint.None) == written;
        }
    }
}

/// <summary>Finds means over few prompts, of those reads that say how many are few.</summary>
internal static class FewMeans
{
    /// <summary>A note for each template of which there are fewer prompts, at the last position that a prompt asks for.</summary>
    public static IEnumerable<string> Notes(BoundIntervention intervention, IPromptSet prompts) =>
        intervention.Means.Where(mean => mean.Fewest > 0).SelectMany(mean => Of(mean, prompts)).Distinct();

    private static IEnumerable<string> Of(BoundRead.Mean mean, IPromptSet prompts)
    {
        foreach (IGrouping<int, PromptTokens> alike in prompts.Prompts.GroupBy(mean.TemplateOf).OrderBy(alike => alike.Key))
        {
            int last = alike.Max(Length) - 1;
            int count = mean.Over.Prompts.Count(prompt =>
                mean.TemplateOf(prompt) == alike.Key && (mean.Pooled || Length(prompt) > last));
            if (count > 0 && count < mean.Fewest)
                yield return $"A mean is taken over {count} of the {mean.Over.Prompts.Count} prompts of {mean.Over.Vocabulary.PromptSet}"
                    + (mean.Pooled ? "" : $" at position {last}")
                    + (mean is { Pooled: false, AcrossTemplates: false } ? $" of template {alike.Key}" : "")
                    + $": of fewer than {mean.Fewest} it depends much on each of them.";
        }
    }

    private static int Length(PromptTokens prompt) => prompt.Runs[0].Ids.Count;
}
