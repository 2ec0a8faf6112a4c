using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV235: a mask along axes that its site has not.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MaskAnalyzer() : InterventionAnalyzer(Rules.Mask, MaskCheck.Problems);
