using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Tests.Testing;

/// <summary>An additional file.</summary>
internal sealed class InMemoryFile(string path, string text) : AdditionalText
{
    public override string Path => path;

    public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
}
