// Which heads name the indirect object? dotnet run -- MODEL, where MODEL is a folder, a file, or a hub id in the local cache.
using Interventions;
using Interventions.Models;
using static TorchSharp.torch;

using StudyModel model = StudyModel.Load(args.Length > 0 ? args[0] : "openai-community/gpt2");
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

// What the weights must be, and so which names the compiler knows.
[ModelSchema]
[Axis("layer", MODEL_LAYERS), Axis("head", MODEL_HEADS), Axis("kv_head", MODEL_HEADS), Axis("d_head", HEAD_SIZE)]
[Axis("d_model", MODEL_WIDTH), Axis("neuron", MODEL_NEURONS), Axis("vocab", VOCABULARY_SIZE)]
sealed partial class StudyModel : Gpt2Model;

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
