using System.Collections.Immutable;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// The edges that a circuit lacks, as writes to the ports: what their sources write in this very run is exchanged for what stands for it.
/// A change of a source is computed once, and all ports that see the same sources are one product of the missing edges and the changes.
/// </summary>
/// <param name="circuit">The circuit.</param>
/// <param name="sites">The model's sites.</param>
/// <param name="options">What missing edges carry.</param>
internal sealed class MissingEdges(Circuit circuit, CircuitSites sites, CircuitOptions options)
{
    private readonly CircuitGraph _graph = circuit.Graph;
    private readonly Dictionary<string, Read> _changes = [];
    private readonly SortedDictionary<int, Read> _before = [];

    /// <summary>The writes, in the order of computation; none to a site all of whose edges are there.</summary>
    public IEnumerable<WriteNode> Writes()
    {
        foreach (IGrouping<int, Reader> readers in sites.Readers.GroupBy(reader => _graph.Upstream(reader.Ports[0])))
        {
            Port[] ports = [.. readers.SelectMany(reader => reader.Ports)];
            // [port, source]
            double[] missing = [.. ports.SelectMany(port => circuit.Into(port).ToArray().Select(has => has ? 0.0 : 1))];
            if (!missing.Contains(1))
                continue;
            Read exchanged = Exchanged(readers.First().Name, missing, readers.Key);
            int first = 0;
            foreach (Reader reader in readers)
            {
                (int from, int count) = (first, reader.Ports.Length);
                first += count;
                if (missing.AsSpan(from * readers.Key, count * readers.Key).Contains(1))
                    yield return new WriteNode(
                        reader.Name, reader.Site, [new Read.Value(), exchanged], x => With(x[0], x[1].narrow(0, from, count)))
                    {
                        Uncompared = true,
                    };
            }
        }
    }

    /// <summary>A site's value with what is exchanged at its ports, <c>[port, batch, pos · d_model]</c>.</summary>
    private static Tensor With(Tensor value, Tensor exchanged)
    {
        long[] shape = value.shape;
        Tensor change = exchanged.reshape(-1, shape[0], shape[1], shape[^1]).permute(1, 2, 0, 3);
        return value.plus(shape.Length == 3 ? change.squeeze(2) : change);
    }

    /// <summary>What is exchanged at ports that see the same sources: <c>[port, batch, pos · d_model]</c>.</summary>
    private Read Exchanged(string name, double[] missing, int upstream)
    {
        List<(Read Changes, int First, int Count)> blocks = Blocks(missing, upstream);
        return new Read.Shared(new SharedNode($"Exchanged before {name}", new(blocks.Select(block => block.Changes)), x =>
        {
            Tensor edges = tensor(missing).view(-1, upstream).to(x[0].dtype).to(x[0].device);
            Tensor? sum = null;
            for (int i = 0; i < blocks.Count; i++)
            {
                Tensor part = edges.narrow(1, blocks[i].First, blocks[i].Count).mm(x[i].flatten(1));
                sum = sum is null ? part : sum.plus_(part);
            }
            return sum!.view(-1, x[0].shape[1], x[0].shape[2]);
        }));
    }

    /// <summary>
    /// The changes that ports read: those of all sources up to a layer together, and site by site the others; or only the sites with
    /// missing edges, where these are few.
    /// </summary>
    private List<(Read Changes, int First, int Count)> Blocks(double[] missing, int upstream)
    {
        List<(string Site, int First, int Count)> lacking =
        [
            .. Sites(0, upstream).Where(site => Enumerable.Range(0, missing.Length / upstream)
                .Any(port => missing.AsSpan((port * upstream) + site.First, site.Count).Contains(1))),
        ];
        int layer = sites.Readers.Where(reader => reader.HasHeads).Select(reader => _graph.Upstream(reader.Ports[0]))
            .Last(before => before <= upstream);
        bool areFew = 2 * lacking.Count(site => site.First < layer) <= Sites(0, layer).Count();
        return
        [
            .. areFew ? [] : new[] { (Before(layer), 0, layer) },
            .. lacking.Where(site => areFew || site.First >= layer).Select(site => (ChangeOf(site.Site), site.First, site.Count)),
        ];
    }

    /// <summary>The changes of all sources that a layer's heads see: those of the layer before, and that layer's own.</summary>
    private Read Before(int upstream)
    {
        if (_before.TryGetValue(upstream, out Read? known))
            return known;
        int last = _before.Keys.Where(before => before < upstream).DefaultIfEmpty(0).Max();
        Read[] parts = [.. last > 0 ? [_before[last]] : Array.Empty<Read>(), .. Sites(last, upstream).Select(site => ChangeOf(site.Site))];
        return _before[upstream] = parts is [Read one]
            ? one
            : new Read.Shared(SharedNode.Joined($"Changes of {upstream} sources", new(parts)));
    }

    /// <summary>The change of a site's sources: <c>[source, batch, pos · d_model]</c>.</summary>
    private Read ChangeOf(string site) => _changes.TryGetValue(site, out Read? known) ? known : _changes[site] = new Read.Shared(
        new SharedNode($"Change of {site}", new([new Read.Of(site), .. options.Replacements([site])]), x => Sources.Changes(x, sites: 1)));

    /// <summary>The sites of some sources, in order.</summary>
    private IEnumerable<(string Site, int First, int Count)> Sites(int from, int to) => _graph.Sources[from..to]
        .Select((source, i) => (Site: sites.SiteOf(source), Place: from + i)).GroupBy(source => source.Site)
        .Select(site => (site.Key, site.First().Place, site.Count()));
}
