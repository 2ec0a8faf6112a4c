using Interventions.Models;

namespace Interventions.Models.Tests;

/// <summary>What the package promises. A changed snapshot is a changed promise: accept it knowingly.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void Promises() => Snapshot.Verify(PublicApi.Of(typeof(Gpt2Model).Assembly));
}
