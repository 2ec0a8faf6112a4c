using Interventions.Models.Decoder;

namespace Interventions.Examples.Tour;

/// <summary>All tasks, by name.</summary>
public static class Tour
{
    /// <summary>The tasks on a model.</summary>
    public static IReadOnlyDictionary<string, Action<TModel, IoiPrompts, Report>> Tasks<TModel>()
        where TModel : DecoderModel => new Dictionary<string, Action<TModel, IoiPrompts, Report>>
        {
            ["Lens"] = Lens<TModel>.Study,
            ["HeadKinds"] = HeadKinds<TModel>.Study,
            ["Denoising"] = Denoising<TModel>.Study,
            ["Noising"] = Noising<TModel>.Study,
            ["QueriesKeysValues"] = QueriesKeysValues.Study,
            ["PathPatching"] = PathPatching<TModel>.Study,
            ["Knockouts"] = Knockouts<TModel>.Study,
            ["DirectAttribution"] = DirectAttribution<TModel>.Study,
            ["Attribution"] = Attribution<TModel>.Study,
            ["Steering"] = Steering<TModel>.Study,
            ["AblatedDirection"] = AblatedDirection<TModel>.Study,
            ["AttentionFromEnd"] = AttentionFromEnd<TModel>.Study,
            ["Statistics"] = Statistics<TModel>.Study,
            ["EdgeAttribution"] = EdgeAttribution<TModel>.Study,
            ["Probe"] = Probe<TModel>.Study,
            ["GenerationUnderKnockout"] = GenerationUnderKnockout<TModel>.Study,
        };

    /// <summary>Runs tasks, all of them where none is named.</summary>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    public static void Run<TModel>(TModel model, IoiPrompts prompts, IReadOnlyList<string> names, TextWriter writer)
        where TModel : DecoderModel
    {
        IReadOnlyDictionary<string, Action<TModel, IoiPrompts, Report>> tasks = Tasks<TModel>();
        if (names.FirstOrDefault(name => !tasks.ContainsKey(name)) is string unknown)
            throw new ArgumentException($"There is no task '{unknown}'; there are {string.Join(", ", tasks.Keys)}.");
        foreach ((string name, Action<TModel, IoiPrompts, Report> task) in tasks.Where(one => names is [] || names.Contains(one.Key)))
        {
            using Report report = new(writer);
            writer.WriteLine($"\n{name}");
            task(model, prompts, report);
        }
    }
}
