using System.Collections.Generic;

namespace Interventions.Sites;

/// <summary>
/// pyvene's names of components: <c>block_output</c>, <c>head_attention_value_output</c>. Both libraries name what goes into and comes out
/// of the modules of a transformers model, so that most of them are names of TransformerLens's.
/// </summary>
internal static class PyveneNames
{
    private const string Library = "pyvene";

    private static readonly Dictionary<string, string> s_modules = new()
    {
        ["block_input"] = "hook_in",
        ["block_output"] = "hook_out",
        ["attention_input"] = "attn.hook_in",
        ["query_output"] = "attn.q.hook_out",
        ["key_output"] = "attn.k.hook_out",
        ["value_output"] = "attn.v.hook_out",
        ["head_query_output"] = "attn.q.hook_out",
        ["head_key_output"] = "attn.k.hook_out",
        ["head_value_output"] = "attn.v.hook_out",
        ["attention_weight"] = "attn.hook_pattern",
        ["attention_value_output"] = "attn.o.hook_in",
        ["head_attention_value_output"] = "attn.o.hook_in",
        ["attention_output"] = "attn.hook_out",
        ["mlp_input"] = "mlp.hook_in",
        ["mlp_output"] = "mlp.hook_out",
    };

    /// <summary>What a name means; <see langword="null"/> when it is none of the library's.</summary>
    public static ForeignName? Find(ForeignPath path)
    {
        if (path.Name == "mlp_activation")
            return path.IsGated
                ? new(Library, null, $"it is the activation of {path.Here("mlp.pre")}, which times {path.Here("mlp.pre_linear")} is "
                    + path.Here("mlp.post"))
                : new(Library, ForeignPath.OfBlock("mlp.post"));
        return s_modules.TryGetValue(path.Name!, out string? module) && TransformerLensNames.OfBlock(module, path) is { } name
            ? name with { Library = Library }
            : null;
    }
}
