using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;

namespace Interventions.Circuits;

/// <summary>Where the sources and ports of a model's circuit graph are among its sites.</summary>
/// <param name="Graph">The graph.</param>
/// <param name="Embed">The site of the token embedding as it enters the residual stream.</param>
internal sealed record CircuitSites(CircuitGraph Graph, string Embed)
{
    /// <summary>The site of each port, in the order of computation. Those of a layer's heads are one site for each of q, k and v.</summary>
    public IEnumerable<Reader> Readers
    {
        get
        {
            for (int layer = 0; layer < Graph.Layers; layer++)
            {
                foreach ((PortInput input, char letter) in ((PortInput, char)[])
                    [(PortInput.Query, 'q'), (PortInput.Key, 'k'), (PortInput.Value, 'v')])
                    yield return new Reader(
                        $"{letter}{layer}", $"blocks.{layer}.attn.{letter}_input",
                        [.. Enumerable.Range(0, Graph.Heads).Select(head => new Port(Component.OfHead(layer, head), input))]);
                if (Graph.HasMlps)
                    yield return new Reader($"m{layer}", $"blocks.{layer}.mlp_in", [new Port(Component.OfMlp(layer))]);
            }
            yield return new Reader("logits", $"blocks.{Graph.Layers - 1}.resid_post", [new Port(Component.Logits)]);
        }
    }

    /// <summary>The sites of a model.</summary>
    /// <exception cref="InterventionException">It lacks one, or heads' results are not what is added to the residual stream.</exception>
    public static CircuitSites Of(HookedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        string name = model.Schema.Model;
        foreach (string needed in (string[])
            ["attn.q_input", "attn.k_input", "attn.v_input", "attn.result", "resid_post"])
            if (!Has(model, needed))
                throw new InterventionException($"{name} has no site 'blocks.{{layer}}.{needed}', which the edges of circuits need.");
        if (Has(model, "ln1_post.normalized"))
            throw new InterventionException(
                $"{name} has a norm behind attention, so that what single heads write is not added to the residual stream as it is: its "
                + "edges are not those of single heads.");
        if (model is DecoderModel { Config.ResidualScale: not 1 })
            throw new InterventionException(
                $"{name} multiplies what attention adds to the residual stream by a factor, which 'attn.result' is without: its edges are "
                + "not those of single heads.");
        return new CircuitSites(Sizes(model), NodeSites.EmbedOf(model));
    }

    /// <summary>The sizes of a model's graph, also of a model whose heads do not simply add to the stream.</summary>
    /// <exception cref="InterventionException">It has no layers or no heads.</exception>
    public static CircuitGraph Sizes(HookedModel model)
    {
        bool hasMlps = Has(model, "mlp_out") && Has(model, "mlp_in");
        return new CircuitGraph(
            Size("layer"), Size("head"), hasMlps, hasMlps && !Sees(model.Graph, "blocks.0.mlp_in", "blocks.0.attn.z"));

        int Size(string axis) => model.Schema.SizeOf(axis)
            ?? throw new InterventionException($"{model.Schema.Model} has no axis '{axis}', which circuits need.");
    }

    /// <summary>The sites of the first sources: every site of a layer's heads holds all of them.</summary>
    /// <param name="count">How many sources; the last one's layer is complete, or its heads are.</param>
    public ImmutableArray<string> Senders(int count) => [.. Graph.Sources.Take(count).Select(SiteOf).Distinct()];

    /// <summary>The site of a source: a layer's heads share one.</summary>
    public string SiteOf(Component source) => source.Kind switch
    {
        ComponentKind.Embed => Embed,
        ComponentKind.Head => $"blocks.{source.Layer}.attn.result",
        _ => $"blocks.{source.Layer}.mlp_out",
    };

    /// <summary>
    /// The sites from which the rest of a circuit's run is computed: the stream before and between blocks, and what sources write.
    /// </summary>
    public IEnumerable<string> Streams(HookedModel model)
    {
        string[] inner = [.. ((string[])["resid_pre", "attn.result", "resid_mid", "mlp_out"]).Where(site => Has(model, site))];
        return Enumerable.Range(0, Graph.Layers).SelectMany(layer => inner.Select(site => $"blocks.{layer}.{site}"))
            .Prepend(Embed).Append($"blocks.{Graph.Layers - 1}.resid_post");
    }

    /// <summary>Whether every layer has a site.</summary>
    private static bool Has(HookedModel model, string site) => model.Schema.Sites.Any(one => one.Path == "blocks.{layer}." + site);

    /// <summary>Whether a node is computed from another one.</summary>
    private static bool Sees(ModelGraph graph, string node, string other)
    {
        HashSet<string> seen = [];
        Stack<string> open = new([node]);
        while (open.TryPop(out string? next))
            if (seen.Add(next) && graph.Contains(next))
                foreach (NodeInput input in graph[next].Definition.Inputs)
                    open.Push(input.Node);
        return seen.Contains(other);
    }
}

/// <summary>Ports that are one site, and see the same sources.</summary>
/// <param name="Name">A name for results.</param>
/// <param name="Site">The site: <c>[batch, pos, head, d_model]</c>, or without heads <c>[batch, pos, d_model]</c>.</param>
/// <param name="Ports">The ports: one a head, or one alone.</param>
internal sealed record Reader(string Name, string Site, ImmutableArray<Port> Ports)
{
    /// <summary>Whether the site has an axis of heads.</summary>
    public bool HasHeads => Ports[0].Component.Kind == ComponentKind.Head;
}
