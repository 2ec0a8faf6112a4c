using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions;

/// <content>
/// Lambdas. As in a class, a plain parameter is the selected value; here the plain ones come first, and the last ones are what
/// <see cref="Reads"/> says.
/// </content>
public sealed partial record Intervention
{
    /// <summary>
    /// Overwrites the selected values with what a lambda returns, see <see cref="PatchAttribute"/>. Its first parameter is the selected
    /// value, unless <paramref name="from"/> has a read for each.
    /// </summary>
    /// <param name="site">The site path.</param>
    /// <param name="method">Returns the selection's shape, or one that broadcasts to it. It is pure: it writes into no argument.</param>
    /// <param name="from">What its last parameters read: a run's name, a read, or several in brackets.</param>
    /// <param name="run">The derived run that is written.</param>
    /// <param name="name">The lambda's name, which saving and <c>RunTo</c> need; a method has its own.</param>
    /// <param name="pointwise">Whether it promises to treat each position alone, see <see cref="PointwiseAttribute"/>.</param>
    /// <param name="acrossBatch">Whether it mixes prompts, see <see cref="AcrossBatchAttribute"/>.</param>
    public Intervention Patch(
        string site,
        Func<Tensor, Tensor> method,
        Reads? from = null,
        string? run = null,
        string? name = null,
        bool pointwise = false,
        bool acrossBatch = false) =>
        Patch(site, UserMethod.Of(method, x => method(x[0])), from, run, name, pointwise, acrossBatch);

    /// <inheritdoc cref="Patch(string, Func{Tensor, Tensor}, Reads, string, string, bool, bool)"/>
    public Intervention Patch(
        string site,
        Func<Tensor, Tensor, Tensor> method,
        Reads? from = null,
        string? run = null,
        string? name = null,
        bool pointwise = false,
        bool acrossBatch = false) =>
        Patch(site, UserMethod.Of(method, x => method(x[0], x[1])), from, run, name, pointwise, acrossBatch);

    /// <inheritdoc cref="Patch(string, Func{Tensor, Tensor}, Reads, string, string, bool, bool)"/>
    public Intervention Patch(
        string site,
        Func<Tensor, Tensor, Tensor, Tensor> method,
        Reads? from = null,
        string? run = null,
        string? name = null,
        bool pointwise = false,
        bool acrossBatch = false) =>
        Patch(site, UserMethod.Of(method, x => method(x[0], x[1], x[2])), from, run, name, pointwise, acrossBatch);

    /// <inheritdoc cref="Patch(string, Func{Tensor, Tensor}, Reads, string, string, bool, bool)"/>
    public Intervention Patch(
        string site,
        Func<Tensor, Tensor, Tensor, Tensor, Tensor> method,
        Reads? from = null,
        string? run = null,
        string? name = null,
        bool pointwise = false,
        bool acrossBatch = false) =>
        Patch(site, UserMethod.Of(method, x => method(x[0], x[1], x[2], x[3])), from, run, name, pointwise, acrossBatch);

    /// <summary>
    /// Keeps what a lambda makes of the selected values, see <see cref="CaptureAttribute"/>. Its first parameter is the selected value,
    /// unless <paramref name="from"/> has a read for each.
    /// </summary>
    /// <param name="name">The name on the result.</param>
    /// <param name="site">The site path; a wildcard stacks the layers along a new first axis.</param>
    /// <param name="method">Returns what is kept. It is pure: it writes into no argument.</param>
    /// <param name="from">What its last parameters read: a run's name, a read, or several in brackets.</param>
    /// <param name="beforeWrites">Whether the value is the one before the writes to the site.</param>
    /// <param name="acrossBatch">Whether it mixes prompts, see <see cref="AcrossBatchAttribute"/>.</param>
    public Intervention Capture(
        string name, string site, Func<Tensor, Tensor> method, Reads? from = null, bool beforeWrites = false, bool acrossBatch = false) =>
        Capture(name, site, UserMethod.Of(method, x => method(x[0])), from, beforeWrites, acrossBatch);

    /// <inheritdoc cref="Capture(string, string, Func{Tensor, Tensor}, Reads, bool, bool)"/>
    public Intervention Capture(
        string name,
        string site,
        Func<Tensor, Tensor, Tensor> method,
        Reads? from = null,
        bool beforeWrites = false,
        bool acrossBatch = false) =>
        Capture(name, site, UserMethod.Of(method, x => method(x[0], x[1])), from, beforeWrites, acrossBatch);

    /// <inheritdoc cref="Capture(string, string, Func{Tensor, Tensor}, Reads, bool, bool)"/>
    public Intervention Capture(
        string name,
        string site,
        Func<Tensor, Tensor, Tensor, Tensor> method,
        Reads? from = null,
        bool beforeWrites = false,
        bool acrossBatch = false) =>
        Capture(name, site, UserMethod.Of(method, x => method(x[0], x[1], x[2])), from, beforeWrites, acrossBatch);

    /// <inheritdoc cref="Capture(string, string, Func{Tensor, Tensor}, Reads, bool, bool)"/>
    public Intervention Capture(
        string name,
        string site,
        Func<Tensor, Tensor, Tensor, Tensor, Tensor> method,
        Reads? from = null,
        bool beforeWrites = false,
        bool acrossBatch = false) =>
        Capture(name, site, UserMethod.Of(method, x => method(x[0], x[1], x[2], x[3])), from, beforeWrites, acrossBatch);

    /// <summary>
    /// Keeps what a lambda makes of a metric's gradient, see <see cref="GradientAttribute"/>. Its first parameter is the gradient, its
    /// second the value, as far as <paramref name="from"/> has no read for them.
    /// </summary>
    /// <param name="name">The name on the result.</param>
    /// <param name="site">The site path; a wildcard stacks the layers along a new first axis.</param>
    /// <param name="method">Returns what is kept. It is pure: it writes into no argument.</param>
    /// <param name="from">What its last parameters read: a run's name, a read, or several in brackets.</param>
    /// <param name="of">The metric; needed where there are several.</param>
    /// <param name="acrossBatch">Whether it mixes prompts, see <see cref="AcrossBatchAttribute"/>.</param>
    public Intervention Gradient(
        string name, string site, Func<Tensor, Tensor> method, Reads? from = null, string? of = null, bool acrossBatch = false) =>
        Gradient(name, site, UserMethod.Of(method, x => method(x[0])), from, of, acrossBatch);

    /// <inheritdoc cref="Gradient(string, string, Func{Tensor, Tensor}, Reads, string, bool)"/>
    public Intervention Gradient(
        string name, string site, Func<Tensor, Tensor, Tensor> method, Reads? from = null, string? of = null, bool acrossBatch = false) =>
        Gradient(name, site, UserMethod.Of(method, x => method(x[0], x[1])), from, of, acrossBatch);

    /// <inheritdoc cref="Gradient(string, string, Func{Tensor, Tensor}, Reads, string, bool)"/>
    public Intervention Gradient(
        string name,
        string site,
        Func<Tensor, Tensor, Tensor, Tensor> method,
        Reads? from = null,
        string? of = null,
        bool acrossBatch = false) =>
        Gradient(name, site, UserMethod.Of(method, x => method(x[0], x[1], x[2])), from, of, acrossBatch);

    /// <inheritdoc cref="Gradient(string, string, Func{Tensor, Tensor}, Reads, string, bool)"/>
    public Intervention Gradient(
        string name,
        string site,
        Func<Tensor, Tensor, Tensor, Tensor, Tensor> method,
        Reads? from = null,
        string? of = null,
        bool acrossBatch = false) =>
        Gradient(name, site, UserMethod.Of(method, x => method(x[0], x[1], x[2], x[3])), from, of, acrossBatch);

    /// <summary>Keeps one number a prompt, see <see cref="MetricAttribute"/>.</summary>
    /// <param name="name">The name on the result.</param>
    /// <param name="method">Returns <c>[batch]</c>.</param>
    /// <param name="from">What its parameters read, each of them: <c>[Reads.Logit("IO"), Reads.Logit("S")]</c>.</param>
    /// <param name="acrossBatch">Whether it mixes prompts, see <see cref="AcrossBatchAttribute"/>.</param>
    public Intervention Metric(string name, Func<Tensor, Tensor> method, Reads from, bool acrossBatch = false) =>
        Metric(name, UserMethod.Of(method, x => method(x[0])), from, acrossBatch);

    /// <inheritdoc cref="Metric(string, Func{Tensor, Tensor}, Reads, bool)"/>
    public Intervention Metric(string name, Func<Tensor, Tensor, Tensor> method, Reads from, bool acrossBatch = false) =>
        Metric(name, UserMethod.Of(method, x => method(x[0], x[1])), from, acrossBatch);

    /// <inheritdoc cref="Metric(string, Func{Tensor, Tensor}, Reads, bool)"/>
    public Intervention Metric(string name, Func<Tensor, Tensor, Tensor, Tensor> method, Reads from, bool acrossBatch = false) =>
        Metric(name, UserMethod.Of(method, x => method(x[0], x[1], x[2])), from, acrossBatch);

    /// <inheritdoc cref="Metric(string, Func{Tensor, Tensor}, Reads, bool)"/>
    public Intervention Metric(string name, Func<Tensor, Tensor, Tensor, Tensor, Tensor> method, Reads from, bool acrossBatch = false) =>
        Metric(name, UserMethod.Of(method, x => method(x[0], x[1], x[2], x[3])), from, acrossBatch);
}
