using System.Reflection;
using Xunit.Sdk;

namespace Interventions.Models.Tests.Reference;

/// <summary>The reference folders of supported families.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SupportedCasesAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        ReferenceCase.Names(supported: true).Select(name => new object[] { name });
}

/// <summary>The reference folders of the other families: skipped, one by one, so that they are seen.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class UnsupportedCasesAttribute : DataAttribute
{
    public UnsupportedCasesAttribute() => Skip = "this family is not supported yet";

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        ReferenceCase.Names(supported: false).Select(name => new object[] { name });
}
