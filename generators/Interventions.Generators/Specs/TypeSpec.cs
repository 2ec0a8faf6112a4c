using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>A partial type that the generator adds to.</summary>
/// <param name="Namespace">Its namespace; empty for the global one.</param>
/// <param name="Outer">The headers of the types around it, outermost first: <c>partial class Outer&lt;T&gt;</c>.</param>
/// <param name="Header">Its own header: <c>partial class HeadSweep</c>.</param>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Identifier">Its name in code: with <c>@</c> where it is a keyword.</param>
/// <param name="Reference">How its own members call it: the identifier with its type parameters.</param>
/// <param name="HintName">The name of the generated file.</param>
internal sealed record TypeSpec(
    string Namespace, EquatableArray<string> Outer, string Header, string Name, string Identifier, string Reference, string HintName);
