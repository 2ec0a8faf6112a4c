using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Pursuits;

/// <summary>Pursuits against golden values, examples by hand and what must hold of each.</summary>
public sealed class PursuitTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [SharedTheory("reference/features/pursuit")]
    [InlineData("matching_signed", PursuitRule.Matching)]
    [InlineData("matching_positive", PursuitRule.MatchingPositive)]
    [InlineData("orthogonal_signed", PursuitRule.Orthogonal)]
    [InlineData("orthogonal_nonnegative", PursuitRule.OrthogonalPositive)]
    [InlineData("gradient_recompute_support", PursuitRule.Gradient)]
    [InlineData("gradient_keep_support", PursuitRule.GradientKeepingAtoms)]
    public void Codes_agree_after_every_step(string name, PursuitRule rule)
    {
        Dictionary<string, Tensor> golden = Golden();
        for (int steps = 1; steps <= 8; steps++)
        {
            using PursuitResult ours = Pursuit.Of(golden["inputs"], golden["dictionary"], steps, rule);
            Near(golden[$"{name}.weights"][steps - 1], ours.Codes, 1e-9);
            if (steps < 8)
                continue;
            Near(golden[$"{name}.relative_error"], ours.RelativeErrors, 1e-9);
            Assert.True(golden[$"{name}.picks"].Equals(ours.Picks));
        }
    }

    [SharedTheory("reference/features/pursuit")]
    [InlineData("gradient_recompute_support", PursuitRule.Gradient)]
    [InlineData("gradient_keep_support", PursuitRule.GradientKeepingAtoms)]
    public void More_atoms_than_dimensions_are_cut_off_as_stored(string name, PursuitRule rule)
    {
        Dictionary<string, Tensor> golden = Golden();
        for (int steps = 1; steps <= 12; steps++)
        {
            using PursuitResult ours = Pursuit.Of(golden["clipping.inputs"], golden["clipping.dictionary"], steps, rule);
            Near(golden[$"clipping.{name}.weights"][steps - 1], ours.Codes, 1e-6);
        }
    }

    [Fact]
    public void Two_atoms_by_hand()
    {
        Tensor dictionary = tensor(new double[,] { { 1, 0 }, { 0.6, 0.8 } }), y = tensor(new double[,] { { 2, 0.9 } });
        foreach ((int steps, double first, double second) in new[] { (1, 2, 0), (2, 2, 0.72), (3, 1.568, 0.72) })
        {
            using PursuitResult ours = Pursuit.Of(y, dictionary, steps);
            Near(tensor(new double[,] { { first, second } }), ours.Codes, 1e-12);
        }
        using PursuitResult later = Pursuit.Of(y, dictionary, 40);
        Near(tensor(new double[,] { { 1.325001151426665, 1.124999309144001 } }), later.Codes, 1e-12);
    }

    [Theory]
    [InlineData(PursuitRule.MatchingPositive)]
    [InlineData(PursuitRule.OrthogonalPositive)]
    [InlineData(PursuitRule.Gradient)]
    [InlineData(PursuitRule.GradientKeepingAtoms)]
    public void A_value_against_all_atoms_has_the_code_0(PursuitRule rule)
    {
        using PursuitResult ours = Pursuit.Of(tensor(new double[,] { { -1, 0 } }), tensor(new double[,] { { 1, 0 } }), 3, rule);
        Near(zeros(1, 1, dtype: ScalarType.Float64), ours.Codes, 0);
    }

    [Theory]
    [InlineData(PursuitRule.Matching)]
    [InlineData(PursuitRule.Orthogonal)]
    [InlineData(PursuitRule.OrthogonalPositive)]
    [InlineData(PursuitRule.Gradient)]
    public void Orthonormal_atoms_are_found_in_as_many_steps_as_there_are_and_further_steps_change_nothing(PursuitRule rule)
    {
        manual_seed(4);
        Tensor dictionary = linalg.qr(randn(6, 6, dtype: ScalarType.Float64)).Q.t();
        Tensor codes = tensor(new double[,] { { 0, 2, 0, 0.5, 0, 1 }, { 1, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0 } });
        using PursuitResult three = Pursuit.Of(codes.matmul(dictionary), dictionary, 3, rule);
        using PursuitResult eight = Pursuit.Of(codes.matmul(dictionary), dictionary, 8, rule);
        Near(codes, three.Codes, 1e-9);
        Near(codes, eight.Codes, 1e-9);
    }

    [Theory]
    [InlineData(PursuitRule.Matching)]
    [InlineData(PursuitRule.MatchingPositive)]
    [InlineData(PursuitRule.Orthogonal)]
    [InlineData(PursuitRule.OrthogonalPositive)]
    [InlineData(PursuitRule.Gradient)]
    [InlineData(PursuitRule.GradientKeepingAtoms)]
    public void All_rows_together_are_each_row_alone_and_errors_fall(PursuitRule rule)
    {
        manual_seed(5);
        Tensor dictionary = nn.functional.normalize(randn(40, 12, dtype: ScalarType.Float64));
        Tensor y = randn(7, 12, dtype: ScalarType.Float64);
        using PursuitResult together = Pursuit.Of(y, dictionary, 6, rule);
        for (int row = 0; row < 7; row++)
        {
            using PursuitResult alone = Pursuit.Of(y.narrow(0, row, 1), dictionary, 6, rule);
            Near(alone.Codes, together.Codes.narrow(0, row, 1), 1e-9);
        }
        Tensor residual = y - together.Codes.matmul(dictionary);
        Near(together.RelativeErrors[-1], residual.norm(1) / y.norm(1), 1e-9);
        if (rule is not (PursuitRule.Gradient or PursuitRule.GradientKeepingAtoms))
            Assert.True((together.RelativeErrors[1..] - together.RelativeErrors[..^1]).max().item<double>() <= 1e-12);
        if (rule == PursuitRule.Orthogonal)
            Near(zeros(7, 40, dtype: ScalarType.Float64), residual.matmul(dictionary.t()) * together.Codes.ne(0), 1e-9);
        if (rule == PursuitRule.Matching)
            Near(
                zeros(7, dtype: ScalarType.Float64),
                (residual * dictionary.index_select(0, together.Picks[-1])).sum(1), 1e-9);
    }

    [Fact]
    public void Atoms_of_another_norm_are_refused() => Assert.Contains(
        "one is off by 1", Assert.Throws<ArgumentException>(() => Pursuit.Of(ones(1, 2), eye(2) * 2, 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void Nothing_is_left_behind()
    {
        Tensor dictionary = nn.functional.normalize(randn(10, 4)), y = randn(3, 4);
        foreach (PursuitRule rule in Enum.GetValues<PursuitRule>())
        {
            long before = Tensor.TotalCount;
            Pursuit.Of(y, dictionary, 4, rule).Dispose();
            Assert.Equal(before, Tensor.TotalCount);
        }
    }

    private static Dictionary<string, Tensor> Golden() =>
        SafeTensors.Load(SharedData.Path("reference/features/pursuit/pursuit.safetensors"));

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected - actual).abs().max().item<double>();
        Assert.True(worst <= tolerance, $"off by {worst}");
    }
}
