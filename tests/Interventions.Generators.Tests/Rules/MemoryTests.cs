using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class MemoryTests
{
    [Theory]
    [InlineData(
        "INV301", "zero_ writes into 'x', which other variants share", """[Patch("embed")] static Tensor P(Tensor x) => [|x.zero_()|];""")]
    [InlineData(
        "INV301", "writes into 'x'",
        """[Patch("embed")] static Tensor P(Tensor x) { [|x.select(1, 0).unsqueeze(0).zero_()|]; return x; }""")]
    [InlineData(
        "INV301", "The assignment writes into 'x'", """[Patch("embed")] static Tensor P(Tensor x) { [|x[0] = zeros(1)|]; return x; }""")]
    [InlineData("INV301", "The assignment writes into 'x'", """[Patch("embed")] static Tensor P(Tensor x) { [|x[0] += 1|]; return x; }""")]
    [InlineData(
        "INV301", "writes into 'y'",
        """[Capture("embed")] static Tensor C(Tensor x, [From("clean")] Tensor y) { Func<Tensor> f = () => [|y.zero_()|]; return f() + """
            + """x; }""")]
    [InlineData("INV302", "'x' is borrowed", """[Patch("embed")] static Tensor P(Tensor x) { using ([|x|]) return x + 1; }""")]
    [InlineData(
        "INV302", "'x' is borrowed", """[Patch("embed")] static Tensor P(Tensor x) { Tensor y = x + 1; [|x|].Dispose(); return y; }""")]
    [InlineData(
        "INV302", "'x' is borrowed", """[Patch("embed")] static Tensor P(Tensor x) { [|x|].DecoupleFromNativeHandle(); return x + 1; }""")]
    public Task A_borrowed_tensor_is_neither_changed_nor_disposed(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Patch("embed")] static Tensor P(Tensor x) { Tensor y = x.clone(); y.zero_(); y[0] = x; return y; }""")]
    [InlineData("""[Patch("embed")] static Tensor P(Tensor x) { x += 1; x = x * 2; return x; }""")]
    [InlineData("""[Patch("embed")] static Tensor P(Tensor x) { using Tensor first = x.select(1, 0); x.select(1, 0).Dispose(); return """
        + """x.clone().zero_() + first; }""")]
    [InlineData("""static Tensor Own(Tensor x) { using (x) return x.zero_(); }""")]
    public Task An_own_tensor_may_be_changed(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));
}
