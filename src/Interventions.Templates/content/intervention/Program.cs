// Which heads name the indirect object? `dotnet run` asks the model that Study.csproj names; `dotnet run -- PATH` asks another checkpoint
// of the same sizes: a folder, a file, or a hub id.
using Interventions;
using Interventions.Models;
using static TorchSharp.torch;

using StudyModel model = StudyModel.Load(args is [string path] ? path : (string)AppContext.GetData("ModelFolder")!);
StudyPrompts prompts = StudyPrompts.Create(model.Tokenizer,
[
    new()
    {
        Clean = "When[IO| Mary] and[S1| Tom] went to the store,[S2| Tom] gave a drink to",
        Corrupted = "When[IO| Anna] and[S1| Paul] went to the store,[S2| Ruth] gave a drink to",
        IO = " Mary",
        S = " Tom",
    },
]);

using var run = new HeadSweep().Run(model, prompts);
Console.WriteLine($"clean logit difference {run.Clean.LogitDifference.mean().item<float>():0.00}");
foreach (SweptPoint point in run.LogitDifference.Top(5))
    Console.WriteLine(point);

// The model's family and sizes, and so the names that are checked while you type, are those of the config.json in Study.csproj.
[HookedModel("config.json")]
sealed partial class StudyModel;

[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
sealed partial class StudyPrompts : PromptSet;

[Intervention<StudyModel, StudyPrompts>]
sealed partial class HeadSweep
{
    // Braces sweep: one variant a layer and head.
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    // One number a prompt, for every variant and every unchanged run.
    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
