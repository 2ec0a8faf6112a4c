using System.Text.Json;
using Interventions.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Toys;

/// <summary>Measures of superposition against golden values, closed forms and what must hold of any directions.</summary>
public sealed class SuperpositionTests : IDisposable
{
    private const string Folder = "reference/features/superposition";
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [SharedTheory(Folder)]
    [InlineData("pentagon")]
    [InlineData("two_antipodal_pairs")]
    [InlineData("random")]
    public void Models_and_their_measures_agree(string name)
    {
        Dictionary<string, Tensor> golden = Golden();
        using JsonDocument stored = Stored();
        JsonElement numbers = stored.RootElement.GetProperty(name);
        (Tensor x, Tensor importance) = (golden[$"{name}.x"], golden[$"{name}.importance"]);
        Tensor w = golden[$"{name}.W"].requires_grad_(), b = golden[$"{name}.b"].requires_grad_();

        Tensor errors = Superposition.Errors(x, w, b, importance), loss = Superposition.Loss(x, w, b, importance);
        Near(golden[$"{name}.hidden"], x.matmul(w.t()));
        Near(golden[$"{name}.reconstruction"], Superposition.Reconstruct(x, w, b));
        Near(golden[$"{name}.loss_per_sample"], errors.sum(-1));
        Near(Numbers(numbers.GetProperty("loss_per_feature")), errors.mean([0L]));
        Assert.Equal(numbers.GetProperty("loss").GetDouble(), loss.item<double>(), Tolerance);
        loss.backward();
        Near(golden[$"{name}.gradient_W"], w.grad!);
        Near(golden[$"{name}.gradient_b"], b.grad!);

        Near(golden[$"{name}.feature_norms"], w.norm(-2));
        Near(golden[$"{name}.gram"], Superposition.Gram(w));
        Near(golden[$"{name}.interference"], Superposition.Interference(w));
        Tensor dimensionality = Superposition.Dimensionality(w);
        Near(golden[$"{name}.dimensionality"], dimensionality);
        Assert.Equal(numbers.GetProperty("dimensionality_sum").GetDouble(), dimensionality.sum().item<double>(), Tolerance);
        Assert.Equal(
            numbers.GetProperty("dimensions_per_feature").GetDouble(), Superposition.DimensionsPerFeature(w).item<double>(), Tolerance);
    }

    [SharedFact(Folder)]
    public void Closed_forms_agree()
    {
        using JsonDocument stored = Stored();
        JsonElement closed = stored.RootElement.GetProperty("closed_form"), pentagon = closed.GetProperty("pentagon");
        Tensor w = Polygon(5), dimensionality = Superposition.Dimensionality(w);
        Near(full(5, pentagon.GetProperty("dimensionality_of_each").GetDouble(), dtype: ScalarType.Float64), dimensionality);
        Assert.Equal(pentagon.GetProperty("dimensionality_sum").GetDouble(), dimensionality.sum().item<double>(), Tolerance);
        // Exactly one feature is there, uniform from 0 to 1: a square's integral is its mean at Gauss' two points.
        double point = 0.5 / Math.Sqrt(3);
        Tensor x = cat([eye(5, dtype: ScalarType.Float64) * (0.5 - point), eye(5, dtype: ScalarType.Float64) * (0.5 + point)]);
        Assert.Equal(
            pentagon.GetProperty("expected_loss_when_exactly_one_feature_is_on_uniform_0_1").GetDouble(),
            Superposition.Loss(x, w, zeros(5, dtype: ScalarType.Float64), ones(5, dtype: ScalarType.Float64)).item<double>(), Tolerance);
        JsonElement pairs = closed.GetProperty("two_antipodal_pairs");
        Tensor two = tensor(new[,] { { 1.1, -1.1, 0, 0, 0 }, { 0, 0, 0.9, -0.9, 0 } });
        Near(Numbers(pairs.GetProperty("dimensionality")), Superposition.Dimensionality(two));
        Assert.Equal(
            pairs.GetProperty("dimensionality_sum").GetDouble(), Superposition.Dimensionality(two).sum().item<double>(), Tolerance);
    }

    /// <summary>Regular polygons and solids share dimensions equally, whatever their size.</summary>
    [Fact]
    public void Regular_shapes_have_known_dimensionalities()
    {
        double third = 1 / Math.Sqrt(3);
        Tensor tetrahedron = tensor(new[,]
        {
            { third, third, -third, -third }, { third, -third, third, -third }, { third, -third, -third, third },
        });
        foreach ((Tensor w, double each) in new[] { (Polygon(3), 2.0 / 3), (Polygon(4), 0.5), (Polygon(7), 2.0 / 7), (tetrahedron, 0.75) })
        {
            Near(full(w.shape[1], each, dtype: ScalarType.Float64), Superposition.Dimensionality(w * 1.3));
            Near(full(w.shape[1], ((1 / each) - 1) * 1.69, dtype: ScalarType.Float64), Superposition.Interference(w * 1.3));
        }
    }

    [Fact]
    public void Models_side_by_side_are_measured_as_each_alone()
    {
        using Generator generator = new(3);
        Tensor w = randn([2, 3, 4, 7], ScalarType.Float64, generator: generator);
        Tensor b = randn([2, 3, 7], ScalarType.Float64, generator: generator);
        Tensor importance = rand([2, 3, 7], ScalarType.Float64, generator: generator);
        Tensor x = Superposition.Sample(20, 7, full([2, 3], 0.4, dtype: ScalarType.Float64), generator);
        IReadOnlyList<IReadOnlyList<FeaturePhase>> phases = Superposition.Phases(w);
        Assert.Equal(6, phases.Count);
        for (int i = 0; i < 6; i++)
        {
            (long one, long other) = (i / 3, i % 3);
            Tensor alone = w[one, other];
            Near(Superposition.Gram(alone), Superposition.Gram(w)[one, other]);
            Near(Superposition.Interference(alone), Superposition.Interference(w)[one, other]);
            Near(Superposition.Dimensionality(alone), Superposition.Dimensionality(w)[one, other]);
            Near(Superposition.DimensionsPerFeature(alone), Superposition.DimensionsPerFeature(w)[one, other]);
            Near(
                Superposition.Loss(x[one, other], alone, b[one, other], importance[one, other]),
                Superposition.Loss(x, w, b, importance)[one, other]);
            Assert.Equal(Superposition.Phases(alone)[0], phases[i]);
            // No more dimensions are shared out than there are.
            Assert.InRange(Superposition.Dimensionality(alone).sum().item<double>(), 1, 4 + Tolerance);
        }
    }

    [Fact]
    public void Phases_are_of_length_and_dimensionality()
    {
        Tensor w = tensor(new[,] { { 1, 0, 0, 0 }, { 0, 1, -1, 0 }, { 0, 0, 0, 0.4 } });
        Assert.Equal(
            [FeaturePhase.Alone, FeaturePhase.Shared, FeaturePhase.Shared, FeaturePhase.Absent], Superposition.Phases(w)[0]);
        Assert.Equal([0.0, 1, 1, 0], Superposition.Interference(w).data<double>().ToArray());
        Tensor none = zeros(3, 2, dtype: ScalarType.Float32);
        Assert.Equal([0f, 0], Superposition.Dimensionality(none).data<float>().ToArray());
        Assert.Equal([0f, 0], Superposition.Interference(none).data<float>().ToArray());
        Assert.Contains("[m, n]", Assert.Throws<ArgumentException>(() => Superposition.Gram(zeros(3))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_are_as_sparse_as_is_said()
    {
        using Generator generator = new(5), again = new(5);
        Tensor probability = tensor(new[] { 0.0, 0.1, 1 }), x = Superposition.Sample(4000, 5, probability, generator);
        Assert.Equal([3, 4000, 5], x.shape);
        Tensor there = x.gt(0).to_type(ScalarType.Float64).mean([1L, 2L]);
        Assert.Equal(0, there[0].item<double>());
        Assert.InRange(there[1].item<double>(), 0.09, 0.11);
        Assert.InRange(there[2].item<double>(), 0.999, 1);
        Assert.InRange(x[2].mean().item<double>(), 0.49, 0.51);
        Assert.True(x.Equals(Superposition.Sample(4000, 5, probability, again)));
    }

    /// <summary>Unit vectors at equal angles, <c>[2, n]</c>.</summary>
    private static Tensor Polygon(int n)
    {
        Tensor angle = arange(n, dtype: ScalarType.Float64) * (2 * Math.PI / n);
        return stack([angle.cos(), angle.sin()]);
    }

    private static Dictionary<string, Tensor> Golden() => SafeTensors.Load(SharedData.Path($"{Folder}/superposition.safetensors"));

    private static JsonDocument Stored() => JsonDocument.Parse(File.ReadAllText(SharedData.Path($"{Folder}/superposition.json")));

    private static Tensor Numbers(JsonElement list) => tensor(list.EnumerateArray().Select(number => number.GetDouble()).ToArray());

    private static void Near(Tensor expected, Tensor actual) => Assert.InRange(Distance.Largest(actual, expected), 0, Tolerance);
}
