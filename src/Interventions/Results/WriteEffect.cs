namespace Interventions;

/// <summary>What a declared write did, over all prompts and points of the sweep: the proof that it had an effect.</summary>
/// <remarks>
/// Only what is read is computed, so that <c>Selected ≥ Written ≥ Compared ≥ Changed</c>. A naive run writes and compares everything that is selected. The values that a write finds are
/// those that the writes before it left.
/// </remarks>
/// <param name="Write">The method, property or attribute; of an included intervention after the property's name.</param>
/// <param name="Site">The site path.</param>
/// <param name="Run">The derived run that it writes; <see langword="null"/> is the changed run.</param>
/// <param name="Selected">How many values it selects.</param>
/// <param name="Written">Those of them that were written. Nothing reads the others; 0 if a write is never read.</param>
/// <param name="Compared">
/// Those of them that were compared with what the write found. A value that is overwritten without having been read is computed in strict runs alone; a copy of what is there already, by
/// construction, counts as compared.
/// </param>
/// <param name="Changed">Those of them that it changed.</param>
/// <param name="Largest">The largest absolute difference; 0 where nothing changed.</param>
public sealed record WriteEffect(string Write, string Site, string? Run, long Selected, long Written, long Compared, long Changed, double Largest);
