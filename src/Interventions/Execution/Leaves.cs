using Interventions.Binding;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Zeros that are added to values so that gradients flow: the gradient with respect to what is added to a site is the gradient with respect to the site. Adding also touches the
/// site, so that it lies on the path to the metric.
/// </summary>
internal sealed class Leaves(DisposeScope owner)
{
    private readonly Dictionary<string, Tensor> _leaves = [];

    /// <summary>A write that adds the node's leaf.</summary>
    public Func<Tensor, Tensor> Write(string node) => value =>
    {
        Tensor leaf = zeros_like(value).detach().requires_grad_().moved_to(owner);
        _leaves[node] = leaf;
        return value.plus(leaf);
    };

    /// <summary>Adds a tensor that is a leaf already.</summary>
    public void Add(string name, Tensor leaf) => _leaves[name] = leaf;

    /// <summary>Gradients of each metric's total, by metric and leaf; zero where nothing depends on the leaf.</summary>
    public Dictionary<(string Metric, string Leaf), Tensor> Differentiate(IEnumerable<BoundMetric> metrics, Func<BoundMetric, Tensor> total)
    {
        Dictionary<(string, string), Tensor> gradients = [];
        string[] names = [.. _leaves.Keys];
        foreach (BoundMetric metric in metrics)
        {
            foreach ((string name, Tensor gradient) in names.Zip(Derivatives.Of(total(metric), [.. _leaves.Values])))
                gradients[(metric.Node.Name, name)] = gradient;
        }
        return gradients;
    }
}
