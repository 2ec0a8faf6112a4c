using System.IO.Compression;
using System.Xml.Linq;

namespace Interventions.PackageTests;

/// <summary>Packages of references alone.</summary>
[Collection(nameof(Packages))]
public sealed class BundleTests(Packages packages)
{
    [Theory]
    [InlineData("Interventions.Cpu", "TorchSharp-cpu")]
    [InlineData("Interventions.Cuda", "TorchSharp-cuda-linux")]
    public void A_bundle_is_the_models_and_a_torch_that_runs(string bundle, string torch)
    {
        using ZipArchive package = ZipFile.OpenRead(Path.Combine(packages.Feed, $"{bundle}.{packages.Version}.nupkg"));
        using Stream stream = package.GetEntry($"{bundle}.nuspec")!.Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().Single();
        XElement group = Assert.Single(Named("group"));
        Assert.Equal("net10.0", group.Attribute("targetFramework")?.Value);
        Assert.Equal(
            [("Interventions.Models", packages.Version, null), (torch, Packages.VersionOf(torch), null)],
            group.Elements().Select(dependency => (
                dependency.Attribute("id")?.Value, dependency.Attribute("version")?.Value, dependency.Attribute("exclude")?.Value)));
        Assert.Equal([bundle, packages.Version, "MIT"], [Text("id"), Text("version"), Text("license")]);
        Assert.NotNull(package.GetEntry(Text("readme")));
        // No assembly, and yet a package of one framework.
        Assert.Equal(["lib/net10.0/_._"], package.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/")));

        IEnumerable<XElement> Named(string name) => metadata.Descendants().Where(element => element.Name.LocalName == name);

        string Text(string name) => Named(name).Single().Value;
    }
}
