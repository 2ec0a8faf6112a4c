using System.Globalization;

namespace Interventions.Sites;

/// <summary>
/// What is wrong with how the parts of a declaration fit together, as formats: the analyzers say it of a class, and the run says it of
/// calls, and of classes that were compiled without analyzers.
/// </summary>
internal static class Sentences
{
    /// <summary>INV103: the method, its first plain parameter, the second one, and how a read is written.</summary>
    public const string SecondValue = "'{0}' already has the selected value as '{1}'; say what '{2}' reads, as in {3}";

    /// <summary>INV104: the method, and the read.</summary>
    public const string LogitsOutsideMetric = "{1} belongs to a [Metric]: '{0}' runs before there are logits";

    /// <summary>INV105: the metric, its parameter, and how a read is written.</summary>
    public const string NoSiteOfMetric = "Metric '{0}' has no site of its own; say what '{1}' reads, as in {2}";

    /// <summary>INV201: the name.</summary>
    public const string DuplicateResult = "The result already has a '{0}'; what is kept needs different names";

    /// <summary>INV212: the receiver, and its senders.</summary>
    public const string UpstreamReceiver = "'{0}' is not downstream of {1}: nothing that the sender changes reaches it";

    /// <summary>INV212: the sender.</summary>
    public const string NoReceiver = "'{0}' has no receivers, so nothing is patched";

    /// <summary>INV212.</summary>
    public const string NoSender = "There is no sender, so nothing is patched";

    /// <summary>INV213: the written site, and what exists later.</summary>
    public const string LaterValue = "'{0}' is written before {1}";

    /// <summary>INV213: the run that a write of it reads.</summary>
    public const string RunIsComplete = "its own run '{0}', which it reads, is complete";

    /// <summary>INV213: the site that a write reads.</summary>
    public const string ExistsLater = "'{0}', which it reads, exists in the same run";

    /// <summary>INV214: the class, and its base.</summary>
    public const string ConcreteBase = "'{0}' derives from '{1}', which is run itself: what several interventions share is abstract";

    /// <summary>INV217: who reads, the run that is written, how another run is read, and what it is called.</summary>
    public const string OwnValue = "{0} reads run '{1}', which is the run that is written, so it finds the value that is there: {2}, or "
        + "[Changes(\"{3}\")] to write the other run";

    /// <summary>INV217: how a method reads the other run.</summary>
    public const string ReadOther = "read [From(\"{0}\")]";

    /// <summary>INV217: how a write without a method reads the other run.</summary>
    public const string SayOther = "say From = \"{0}\"";

    /// <summary>INV221: the written site, and the derived run or nothing.</summary>
    public const string UnreadWrite = "Nothing that is kept reads what is written to '{0}'{1}: it all comes before, or is of another run";

    /// <summary>INV223: the path.</summary>
    public const string NothingBefore = "Nothing writes '{0}' in the changed run, so there is no value before: leave BeforeWrites out";

    /// <summary>INV231: the property, and the placeholders.</summary>
    public const string ListedTwice = "'{0}' lists what '{1}' goes through: leave the values of the attribute out";

    /// <summary>INV231: the property, the placeholders, and what is needed.</summary>
    public const string ListsNothing = "'{0}' lists nothing that '{1}' can go through: it needs {2}";

    /// <summary>INV231: the placeholders, and how points are listed.</summary>
    public const string PointsAreTexts = "'{0}' go through points, which are texts: [Sweep(\"{0}\", {1})]";

    /// <summary>INV238: the placeholders, the point, and why it is none.</summary>
    public const string NoPoint = "'{0}' cannot go through {1}: {2}";

    /// <summary>INV239: the mask, what is said, and who does not read it.</summary>
    public const string UnreadOption = "'{0}' says '{1}', and {2} does not read it";

    /// <summary>INV243: the site.</summary>
    public const string WholeNumbers = "'{0}' holds whole numbers, which have no gradient";

    /// <summary>The sentence.</summary>
    public static string Of(string format, params object[] parts) => string.Format(CultureInfo.InvariantCulture, format, parts);
}
