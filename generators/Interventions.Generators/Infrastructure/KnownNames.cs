namespace Interventions.Generators.Infrastructure;

/// <summary>The metadata names of what the generators look for.</summary>
internal static class KnownNames
{
    public const string ModelSchema = "Interventions.ModelSchemaAttribute";
    public const string HookedModel = "Interventions.HookedModelAttribute";
    public const string Site = "Interventions.SiteAttribute";
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
    public const string AnyModel = "Interventions.ModelGraphs.HookedModel";
    public const string DecoderModel = "Interventions.Models.Decoder.DecoderModel";
    public const string DefaultPrompts = "Interventions.Models.PromptPairs";
    public const string PromptSet = "PromptSet";
    public const string TorchLoader = "Interventions.Runtime.TorchLoader";
    public const string Tensor = "TorchSharp.torch+Tensor";
}
