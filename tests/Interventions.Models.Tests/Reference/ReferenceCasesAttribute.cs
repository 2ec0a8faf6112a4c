using System.Reflection;
using Xunit.Sdk;

namespace Interventions.Models.Tests.Reference;

/// <summary>The reference folders, one a case.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ReferenceCasesAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        ReferenceCase.Names().Select(name => new object[] { name });
}
