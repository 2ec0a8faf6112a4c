using System.Text.Json;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>
/// Activation patching, path patching and knockouts as declarations, against golden values of a plain float64 transformer.
/// </summary>
public sealed class CircuitReferenceTests
{
    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Activation_patching_agrees(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        bool shared = circuit.Model.Schema.SizeOf("kv_head") < circuit.Model.Schema.SizeOf("head");
        int shortest = circuit.Prompts.Min(prompt => prompt.Runs[0].Ids.Count);
        foreach ((string direction, string changes, string donor) in new[] { ("noise", "clean", "corrupted"), (
            "denoise", "corrupted", "clean") })
        {
            Check("z", "attn.z[head={head}]");
            Check("q", "attn.q[head={head}]");
            // A query head's own key is that of its port, where heads share one.
            Check("k", shared ? "attn.k_input[head={head}]" : "attn.k[kv_head={head}]");
            Check("v", shared ? "attn.v_input[head={head}]" : "attn.v[kv_head={head}]");
            Check("pattern", "attn.pattern[head={head}]");
            if (shared)
            {
                Check("k_grouped", "attn.k[kv_head={head}]");
                Check("v_grouped", "attn.v[kv_head={head}]");
            }
            Check("resid_pre", "resid_pre[pos={pos}]");
            Check("attn_out", "attn_out[pos={pos}]");
            if (circuit.Has("activation_patching", $"{direction}.mlp_out"))
                Check("mlp_out", "mlp_out[pos={pos}]");
            Check("z_by_position", "attn.z[head={head}; pos={pos}]");
            Check("q_by_position", "attn.q[head={head}; pos={pos}]");
            Check("k_by_position", shared ? "attn.k_input[head={head}; pos={pos}]" : "attn.k[kv_head={head}; pos={pos}]");
            Check("v_by_position", shared ? "attn.v_input[head={head}; pos={pos}]" : "attn.v[kv_head={head}; pos={pos}]");
            Check("pattern_by_query", "attn.pattern[head={head}; query={pos}]");
            if (circuit.Has("activation_patching", $"{direction}.pattern_by_entry"))
                Check("pattern_by_entry", "attn.pattern[head={head}; query={pos}; key={key}]");

            void Check(string stored, string site)
            {
                Tensor expected = circuit["activation_patching", $"{direction}.{stored}.per_example"];
                // Positions that every prompt has.
                foreach ((string axis, int at) in new[]
                    { ("{pos}", site.Contains("head={", StringComparison.Ordinal) ? 2 : 1), ("{key}", 3) })
                    if (site.Contains(axis, StringComparison.Ordinal))
                        expected = expected.narrow(at, 0, shortest);
                Agree(circuit, expected, new()
                {
                    Name = stored,
                    Changes = changes,
                    Writes = [BuiltInWrites.Freeze(
                        "blocks.{layer}." + site.Replace("{pos}", $"{{pos=0..{shortest - 1}}}", StringComparison.Ordinal)
                        .Replace("{key}", $"{{key=0..{shortest - 1}}}", StringComparison.Ordinal), donor)],
                });
            }
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Path_patching_agrees(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        foreach (bool freezeMlps in MlpsFrozen(circuit))
        {
            foreach ((string where, string position) in new[] { ("all", ""), ("end", "; pos=end") })
            {
                string sender = $"blocks.{{layer}}.attn.z[head={{head}}{position}]";
                string stored = $"mlps_{(freezeMlps ? "frozen" : "recomputed")}.{where}";
                InterventionGraph graph = new() { Name = stored };
                Agree(
                    circuit, circuit["path_patching", $"{stored}.to_logits.per_example"],
                    graph.PathPatch(sender, [where == "all" ? "logits" : "logits[pos=end]"], "corrupted", freezeMlps));
                Tensor toHeads = circuit["path_patching", $"{stored}.to_head_qkv.per_example"];
                foreach ((string port, int index) in new[] { ("q", 0), ("k", 1), ("v", 2) })
                    Agree(circuit, toHeads[index], graph.PathPatch(
                        sender, [$"blocks.{{reader}}.attn.{port}_input[head={{reading}}{position}]"], "corrupted", freezeMlps));
            }
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Path_patching_of_several_senders_agrees(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        using JsonDocument json = circuit.Json("path_patching");
        foreach (JsonElement example in json.RootElement.EnumerateArray())
        {
            foreach (bool freezeMlps in MlpsFrozen(circuit))
            {
                foreach ((string where, string position) in new[] { ("all", ""), ("end", "; pos=end") })
                {
                    Tensor expected = tensor(
                        example.GetProperty($"mlps_{(freezeMlps ? "frozen" : "recomputed")}.{where}")
                            .EnumerateArray().Select(value => value.GetDouble()).ToArray());
                    string[] senders = [.. Names("senders").Select(
                        parts => $"blocks.{parts[0][1..]}.attn.z[head={parts[1][1..]}{position}]")];
                    // A receiver that no sender reaches has no effect, and a path patch to it is refused.
                    int first = Names("senders").Min(Layer);
                    IEnumerable<string[]> reached = Names("receivers").Where(parts => parts.Length == 1 || Layer(parts) > first);
                    string[] receivers = [.. reached.Select(parts => parts is [var logits]
                        ? logits + position.Replace("; ", "[", StringComparison.Ordinal) + (position.Length > 0 ? "]" : "")
                        : $"blocks.{parts[0][1..]}.attn.{parts[2]}_input[head={parts[1][1..]}{position}]")];
                    Agree(circuit, expected, new InterventionGraph { Name = "Several" }.PathPatch(
                        senders, receivers, "corrupted", freezeMlps));
                }
            }

            static int Layer(string[] parts) => int.Parse(parts[0][1..], System.Globalization.CultureInfo.InvariantCulture);

            IEnumerable<string[]> Names(string property) =>
                example.GetProperty(property).EnumerateArray().Select(node => node.GetString()!.Split('.'));
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Knockouts_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        using JsonDocument json = circuit.Json("knockouts");
        string[] kinds = [.. json.RootElement.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetString()!)];
        Tensor expected = circuit["knockouts", "ld"];
        IPromptSet reference = circuit.Reference;
        int set = -1;
        foreach (JsonElement nodes in json.RootElement.GetProperty("sets").EnumerateArray())
        {
            set++;
            int place = -1;
            foreach (JsonElement positions in json.RootElement.GetProperty("positions").EnumerateArray())
            {
                place++;
                string selected = positions.GetString() is "all" ? "" : $"pos={positions.GetString()}";
                string[] sites = [.. nodes.EnumerateArray().Select(node => Site(node.GetString()!, selected))];
                Agree(
                    circuit, expected[set, place, Array.IndexOf(kinds, "zero")],
                    new() { Name = "Zero", Writes = [.. sites.Select(site => BuiltInWrites.Zero(site))] });
                Mean("mean_template", site => BuiltInWrites.Mean(site, null, pooled: false, over: reference));
                // At the end of prompts of several lengths, the reference's mean is over absolute positions, ours over the ends.
                if (selected != "pos=end")
                    Mean("mean_position", site => BuiltInWrites.Mean(site, null, pooled: false, over: reference, acrossTemplates: true));
                // Ours pools what is selected.
                if (selected.Length == 0)
                    Mean("mean_pooled", site => BuiltInWrites.Mean(site, null, pooled: true, over: reference));

                void Mean(string kind, Func<string, WriteNode> write) =>
                    Agree(
                        circuit, expected[set, place, Array.IndexOf(kinds, kind)],
                        new() { Name = kind, Writes = [.. sites.Select(write)] });

                Agree(circuit, expected[set, place, Array.IndexOf(kinds, "resample")], new()
                {
                    Name = "Resample",
                    Writes = [.. sites.Select(site => BuiltInWrites.Freeze(site, "corrupted"))],
                });
            }
        }

        static string Site(string node, string selected)
        {
            string brackets = selected.Length > 0 ? $"[{selected}]" : "";
            if (node == "embed")
                return "embed" + brackets;
            if (node[0] == 'm')
                return $"blocks.{node[1..]}.mlp_out{brackets}";
            string[] parts = node.Split('.');
            return $"blocks.{parts[0][1..]}.attn.z[head={parts[1][1..]}{(selected.Length > 0 ? "; " + selected : "")}]";
        }
    }

    private static bool[] MlpsFrozen(CircuitCase circuit) => circuit.Model.Graph.Contains("blocks.0.mlp_out") ? [false, true] : [false];

    /// <summary>LD of every point and prompt, in the reference's order of axes.</summary>
    private static void Agree(CircuitCase circuit, Tensor expected, InterventionGraph graph)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = InterventionRunner.Run(graph with { Metrics = [CircuitCase.LogitDifference] }, circuit.Model, circuit);
        double worst = Distance.Largest(run.Changed("LD").Values, expected);
        Assert.True(worst <= 1e-9, $"{graph.Name}, {graph.Writes[^1].Site}: differs by {worst}");
    }
}
