using Interventions.Runtime;

namespace Interventions.Generators.Infrastructure;

/// <summary>The types by their metadata names, as the generators and analyzers look them up.</summary>
internal static class KnownNames
{
    public const string ModelSchema = "Interventions.ModelSchemaAttribute";
    public const string HookedModel = "Interventions.HookedModelAttribute";
    public const string Site = "Interventions.SiteAttribute";
    public const string AbsentSite = "Interventions.AbsentSiteAttribute";
    public const string FamilySites = "Interventions.Models.Families.FamilySitesAttribute";
    public const string Axis = "Interventions.AxisAttribute";
    public const string PromptSchema = "Interventions.PromptSchemaAttribute";
    public const string Intervention = "Interventions.InterventionAttribute";
    public const string InterventionOverModel = "Interventions.InterventionAttribute`1";
    public const string InterventionOverModelAndPrompts = "Interventions.InterventionAttribute`2";
    public const string Patch = "Interventions.PatchAttribute";
    public const string Capture = "Interventions.CaptureAttribute";
    public const string Gradient = "Interventions.GradientAttribute";
    public const string Metric = "Interventions.MetricAttribute";
    public const string From = "Interventions.FromAttribute";
    public const string Logit = "Interventions.LogitAttribute";
    public const string Logits = "Interventions.LogitsAttribute";
    public const string Answer = "Interventions.AnswerAttribute";
    public const string ValueOf = "Interventions.ValueOfAttribute";
    public const string Zero = "Interventions.ZeroAttribute";
    public const string Scale = "Interventions.ScaleAttribute";
    public const string Freeze = "Interventions.FreezeAttribute";
    public const string Resample = "Interventions.ResampleAttribute";
    public const string Mean = "Interventions.MeanAttribute";
    public const string PathPatch = "Interventions.PathPatchAttribute";
    public const string Add = "Interventions.AddAttribute";
    public const string ProjectOut = "Interventions.ProjectOutAttribute";
    public const string ProjectOnto = "Interventions.ProjectOntoAttribute";
    public const string Sweep = "Interventions.SweepAttribute";
    public const string Swept = "Interventions.SweptAttribute";
    public const string Splice = "Interventions.SpliceAttribute";
    public const string SpliceType = "Interventions.ISplice";
    public const string Shape = "Interventions.ShapeAttribute";
    public const string Mix = "Interventions.MixAttribute";
    public const string PromptSetInterface = "Interventions.IPromptSet";
    public const string Pointwise = "Interventions.PointwiseAttribute";
    public const string AcrossBatch = "Interventions.AcrossBatchAttribute";
    public const string Run = "Interventions.RunAttribute";
    public const string Changes = "Interventions.ChangesAttribute";
    public const string Include = "Interventions.IncludeAttribute";
    public const string Parameter = "Interventions.ParameterAttribute";
    public const string DeclaredSite = "Interventions.Runtime.DeclaredSiteAttribute";
    public const string Inherited = "Interventions.Runtime.InheritedAttribute";
    public const string AnyModel = "Interventions.ModelGraphs.HookedModel";
    public const string DecoderModel = "Interventions.Models.Decoder.DecoderModel";
    public const string HubId = "Interventions.Models.HubIdAttribute";
    public const string DefaultPrompts = "Interventions.Models.PromptPairs";

    /// <summary>The base of prompt sets, by its simple name: it is not in the namespace of the attributes.</summary>
    public const string PromptSet = "PromptSet";

    public const string TorchLoader = "Interventions.Runtime.TorchLoader";
    public const string Tensor = "TorchSharp.torch+Tensor";
}

/// <summary>The types as generated code writes them.</summary>
internal static class CodeNames
{
    public const string EquatableArray = "global::Interventions.Runtime.EquatableArray";
    public const string ModelSchema = "global::Interventions.ModelSchema";
    public const string AxisSize = "global::Interventions.AxisSize";
    public const string AbsentSite = "global::Interventions.AbsentSite";
    public const string SiteDefinition = "global::Interventions.SiteDefinition";
    public const string PromptVocabulary = "global::Interventions.PromptVocabulary";
    public const string WeightProcessing = "global::Interventions.Models.WeightProcessing";
    public const string Checkpoint = "global::Interventions.Models.Decoder.DecoderCheckpoint";
    public const string PromptText = "global::Interventions.Models.PromptText";
    public const string PromptFile = "global::Interventions.Models.PromptFile";
    public const string AnswerTokens = "global::Interventions.Models.AnswerTokens";
    public const string PromptRow = "global::Interventions.Models.PromptRow";
    public const string PromptTokens = "global::Interventions.PromptTokens";
    public const string Tokenizer = "global::Microsoft.ML.Tokenizers.Tokenizer";
    public const string Runtime = "global::Interventions.Runtime";
    public const string InterventionGraph = "global::Interventions.InterventionGraph";
    public const string GraphMembers = "global::Interventions.GraphMembers";
    public const string UnchangedRun = "global::Interventions.Runtime.UnchangedRun";
    public const string RunResult = "global::Interventions.RunResult";
    public const string SweepAxis = "global::Interventions.SweepAxis";
    public const string RunOptions = "global::Interventions.RunOptions";
    public const string SweptTensor = "global::Interventions.SweptTensor";
    public const string LayerStack = "global::Interventions.LayerStack";
    public const string SweepCoordinate = "global::Interventions.SweepCoordinate";
    public const string GenerationRunner = "global::Interventions.GenerationRunner";
    public const string GenerationOutput = "global::Interventions.GenerationResult<global::Interventions.GeneratedRun>";
    public const string GenerationOptions = "global::Interventions.GenerationOptions";
    public const string GenerationResult = "global::Interventions.GenerationResult";
    public const string GeneratedRun = "global::Interventions.GeneratedRun";
    public const string GeneratedValue = "global::Interventions.GeneratedValue";
    public const string Runner = "global::Interventions.InterventionRunner";
    public const string Tensor = "global::TorchSharp.torch.Tensor";
    public const string Device = "global::TorchSharp.torch.Device";
    public const string ScalarType = "global::TorchSharp.torch.ScalarType";
    public const string ReadOnlyList = "global::System.Collections.Generic.IReadOnlyList";
    public const string Dictionary = "global::System.Collections.Generic.Dictionary";
    public const string AsyncEnumerable = "global::System.Collections.Generic.IAsyncEnumerable";
    public const string Enumerable = "global::System.Collections.Generic.IEnumerable";
    public const string Linq = "global::System.Linq.Enumerable";
    public const string CancellationToken = "global::System.Threading.CancellationToken";
    public const string InvalidOperation = "global::System.InvalidOperationException";
    public const string SiteAttribute = "global::Interventions.Site";
    public const string AxisAttribute = "global::Interventions.Axis";
    public const string ModelSchemaAttribute = "global::Interventions.ModelSchema";
    public const string DeclaredSiteAttribute = "global::Interventions.Runtime.DeclaredSite";
    public const string InheritedAttribute = "global::Interventions.Runtime.Inherited";
    public const string TorchLoader = "global::Interventions.Runtime.TorchLoader";
}
