using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Interventions.Files;

namespace Interventions.Features;

/// <summary>A page of neurons: one file of HTML that loads nothing.</summary>
internal static class NeuronPage
{
    private const string Style = """
        body { font: 14px/1.6 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
        h2 { font: 600 16px/1.4 ui-monospace, monospace; margin: 2.5em 0 0.3em; border-top: 1px solid #ddd; padding-top: 1em }
        nav { display: flex; flex-wrap: wrap; gap: 0 1em }
        p, summary { color: #555 }
        .text { font: 13px/1.7 ui-monospace, monospace; margin: 0.2em 0; display: flex }
        .text b { flex: 0 0 5em; font-weight: normal; color: #888; text-align: right; padding-right: 1em }
        .text span span { white-space: pre-wrap }
        .pivot { outline: 1px solid #b35806 }
        summary { cursor: pointer }
        """;

    /// <summary>How many tokens of a text are shown, and how many examples of a list without a click.</summary>
    private const int Excerpt = 60, Open = 10;

    /// <summary>Writes the page. It appears under its name only when it is complete.</summary>
    public static void Write(string path, IReadOnlyList<NeuronExamples> neurons)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        XElement page = new(
            "html", new XAttribute("lang", "en"),
            new XElement("head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                new XElement("title", $"{neurons.Count} neurons"), new XElement("style", Style)),
            new XElement("body",
                new XElement("h1", "Maximally activating examples"),
                new XElement(
                    "p",
                    "A token is the darker the larger its activation is beside the neuron's largest; orange above 0, blue below. The "
                    + "pointer over a token shows the number. The pivot, the first token with the largest activation, has a frame."),
                new XElement("nav", neurons.Select((one, i) => new XElement("a", new XAttribute("href", $"#n{i}"), $"{one.Neuron}"))),
                neurons.Select(Section)));
        byte[] text = Encoding.UTF8.GetBytes("<!doctype html>\n" + page.ToString(SaveOptions.DisableFormatting) + "\n");
        CompleteFile.Replace(path, stream => stream.Write(text));
    }

    private static XElement Section(NeuronExamples examples, int number)
    {
        string facts = string.Create(
            CultureInfo.InvariantCulture,
            $"fires on {examples.Frequency:0.##%} of {examples.Tokens:#,0} tokens, mean {examples.Mean:0.###}, "
                + $"max {examples.Maximum:0.###}");
        return new XElement(
            "section", new XElement("h2", new XAttribute("id", $"n{number}"), $"{examples.Neuron}"), new XElement("p", facts),
            Histogram(examples.Histogram),
            Examples("Largest activations", examples, examples.Top.Take(Open), isOpen: true),
            Examples("More of them", examples, examples.Top.Skip(Open), isOpen: false),
            Examples("Over all activations", examples, examples.Quantiles(Open), isOpen: false),
            Examples("Where it does not fire", examples, examples.Silent.Take(Open), isOpen: false));
    }

    /// <summary>Bars whose heights are logarithms of counts.</summary>
    private static XElement Histogram(ActivationHistogram histogram)
    {
        const int bar = 10, height = 60;
        (double From, long Count)[] bins = [.. histogram.Bins];
        double tallest = Math.Log(1 + bins.Select(bin => bin.Count).DefaultIfEmpty(1).Max());
        return new XElement(
            "svg", new XAttribute("width", (bins.Length * bar) + 2), new XAttribute("height", height + 2), new XAttribute("role", "img"),
            new XElement("title", $"{histogram}"),
            bins.Select((bin, i) => new XElement(
                "rect", new XAttribute("x", 1 + (i * bar)), new XAttribute("width", bar - 1),
                new XAttribute("y", Number(height - (height * Math.Log(1 + bin.Count) / tallest))),
                new XAttribute("height", Number(height * Math.Log(1 + bin.Count) / tallest)),
                new XAttribute("fill", bin.From < 0 ? "#4393c3" : "#e08214"),
                new XElement("title", string.Create(
                    CultureInfo.InvariantCulture, $"{bin.From:0.####} to {bin.From + histogram.Width:0.####}: {bin.Count:#,0}")))));
    }

    private static XElement? Examples(string title, NeuronExamples neuron, IEnumerable<NeuronExample> examples, bool isOpen)
    {
        XElement[] texts = [.. examples.Select(example => Text(example.Excerpt(Excerpt), neuron.Maximum))];
        return texts.Length == 0 ? null : new XElement(
            "details", isOpen ? new XAttribute("open", "open") : null, new XElement("summary", $"{title} ({texts.Length})"), texts);
    }

    private static XElement Text(NeuronExample example, double largest) => new(
        "div", new XAttribute("class", "text"), new XElement("b", Number(example.Activation)),
        new XElement("span", example.Texts.Select((text, i) => new XElement(
            "span", new XAttribute("title", Number(example.Activations[i])), Colour(example.Activations[i], largest),
            i == example.Pivot ? new XAttribute("class", "pivot") : null, Shown(text)))));

    private static XAttribute? Colour(double activation, double largest)
    {
        double share = largest == 0 ? 0 : Math.Min(1, Math.Abs(activation) / largest);
        string colour = activation > 0 ? "224,130,20" : "67,147,195", depth = share.ToString("0.##", CultureInfo.InvariantCulture);
        return share < 0.01 ? null : new XAttribute("style", $"background: rgba({colour},{depth})");
    }

    /// <summary>A token's text; line breaks are seen, and characters that XML lacks are marks.</summary>
    private static string Shown(string text) => string.Concat(text.Replace("\n", "↵\n", StringComparison.Ordinal).EnumerateRunes()
        .Select(rune => rune.Value is '\n' or '\t' || (rune.Value >= 32 && rune.Value is not (0xFFFE or 0xFFFF)) ? $"{rune}" : "\uFFFD"));

    private static string Number(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);
}
