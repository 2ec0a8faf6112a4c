using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Benchmarks;

/// <summary>
/// What the generators and analyzers cost the compiler and the editor, warm, on <see cref="EditorProject"/>: processor time of all threads,
/// the least of several runs, so that what else the machine does is no cost of ours.
/// </summary>
internal static class EditorSpeed
{
    private const int Repeats = 5;

    public static async Task Print()
    {
        Console.WriteLine($"{EditorProject.Interventions} interventions of 10 declarations each");
        Generators();
        await Compile();
    }

    private static void Generators()
    {
        CSharpCompilation before = EditorProject.Compilation(EditorProject.Files);
        Row("generators, everything", Least(() => EditorProject.Driver(track: false).RunGenerators(before)));

        GeneratorDriver driver = EditorProject.Driver(track: true).RunGenerators(before);
        Edit("generators, an edit elsewhere", EditorProject.UnrelatedFile, "Value => 1", "Value => 2", written: 0);
        Edit("generators, an edit of a method's body", EditorProject.ClassFile(7), "clamp(0, 1)", "clamp(0, 2)", written: 0);
        Edit("generators, an edit of one class", EditorProject.ClassFile(7), "blocks.*.attn.pattern", "blocks.*.attn.scores", written: 1);

        void Edit(string name, string file, string old, string changed, int written)
        {
            SyntaxTree tree = before.SyntaxTrees.Single(tree => tree.FilePath == file);
            string text = tree.ToString();
            string edited = text.Replace(old, changed, StringComparison.Ordinal);
            if (edited == text)
                throw new InvalidOperationException($"{file} has no '{old}'.");
            // A new compilation each time: an editor's is never bound yet.
            double time = Least(() => driver.RunGenerators(before.ReplaceSyntaxTree(tree, EditorProject.Parse(file, edited))));
            GeneratorDriverRunResult result = driver.RunGenerators(before.ReplaceSyntaxTree(tree, EditorProject.Parse(file, edited)))
                .GetRunResult();
            List<IncrementalStepRunReason> reasons =
            [
                .. result.Results.SelectMany(generator => generator.TrackedOutputSteps).SelectMany(step => step.Value).SelectMany(
                    run => run.Outputs)
                    .Select(output => output.Reason),
            ];
            int again = reasons.Count(reason => reason != IncrementalStepRunReason.Cached);
            if (reasons.Count <= EditorProject.Interventions || again != written)
                throw new InvalidOperationException(
                    $"{name}: {again} of {reasons.Count} files were written again, and {written} should be.");
            Row(name, time, string.Create(CultureInfo.InvariantCulture, $"{again} of {reasons.Count} files written again"));
        }
    }

    /// <summary>The whole compile, against the compile of the same code with what is generated already in it.</summary>
    private static async Task Compile()
    {
        GeneratorDriverRunResult generated = EditorProject.Driver(track: false)
            .RunGenerators(EditorProject.Compilation(EditorProject.Files)).GetRunResult();
        ImmutableArray<(string, string)> complete =
            [.. EditorProject.Files, .. generated.GeneratedTrees.Select(tree => (tree.FilePath, tree.ToString()))];
        await Check();

        List<double> plain = [], generating = [], idle = [], all = [];
        for (int i = -2; i < Repeats; i++)
        {
            double first = await Time(() => Emit(EditorProject.Compilation(complete)));
            double second = await Time(() => Emit(Generated()));
            // Some analyzer runs in every build (the SDK brings its own): what it costs to run any is none of ours.
            double third = await Time(() => Analyze(EditorProject.Compilation(complete), [new IdleAnalyzer()]));
            double fourth = await Time(() => Analyze(Generated(), EditorProject.Analyzers));
            if (i < 0)
                continue;
            plain.Add(first);
            generating.Add(second);
            idle.Add(third);
            all.Add(fourth);
        }
        Row("compile, nothing of ours", plain.Min());
        Row("compile, generators", generating.Min(), Added(generating, plain));
        Row("compile, an analyzer that does nothing", idle.Min());
        Row("compile, generators and analyzers", all.Min(), Added(all, idle));
        await Telemetry();

        static async Task Analyze(CSharpCompilation compilation, ImmutableArray<DiagnosticAnalyzer> analyzers)
        {
            await compilation.WithAnalyzers(analyzers).GetAnalyzerDiagnosticsAsync();
            await Emit(compilation);
        }

        static async Task Telemetry()
        {
            double generators = double.PositiveInfinity;
            Dictionary<string, double> analyzers = [];
            for (int i = 0; i < Repeats; i++)
            {
                GeneratorDriver driver = EditorProject.Driver(track: false)
                    .RunGeneratorsAndUpdateCompilation(EditorProject.Compilation(EditorProject.Files), out Compilation compilation, out _);
                generators = Math.Min(
                    generators, driver.GetTimingInfo().GeneratorTimes.Sum(generator => generator.ElapsedTime.TotalMilliseconds));
                // What every compile binds is no analyzer's cost, whichever happens to ask first.
                compilation.GetDiagnostics();
                CompilationWithAnalyzers analyzed = compilation.WithAnalyzers(
                    EditorProject.Analyzers, new CompilationWithAnalyzersOptions(
                        new AnalyzerOptions([]), null, concurrentAnalysis: false, logAnalyzerExecutionTime: true));
                AnalysisResult result = await analyzed.GetAnalysisResultAsync(CancellationToken.None);
                double sum = result.AnalyzerTelemetryInfo.Sum(analyzer => analyzer.Value.ExecutionTime.TotalMilliseconds);
                if (analyzers.Count == 0 || sum < analyzers.Values.Sum())
                    analyzers = result.AnalyzerTelemetryInfo.ToDictionary(
                        analyzer => analyzer.Key.GetType().Name, analyzer => analyzer.Value.ExecutionTime.TotalMilliseconds);
            }
            Row("generators, by the compiler's own clock", generators);
            Row("analyzers, by the compiler's own clock", analyzers.Values.Sum());
            foreach ((string analyzer, double time) in analyzers.OrderByDescending(analyzer => analyzer.Value).Take(12))
                Row("  " + analyzer, time);
        }

        static async Task Check()
        {
            ImmutableArray<Diagnostic> wrong = await Generated().WithAnalyzers(EditorProject.Analyzers).GetAllDiagnosticsAsync();
            if (wrong.FirstOrDefault(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error) is { } error)
                throw new InvalidOperationException(error.ToString());
        }

        static CSharpCompilation Generated()
        {
            EditorProject.Driver(track: false).RunGeneratorsAndUpdateCompilation(
                EditorProject.Compilation(EditorProject.Files), out Compilation compilation, out _);
            return (CSharpCompilation)compilation;
        }

        static Task Emit(CSharpCompilation compilation)
        {
            using MemoryStream stream = new();
            return compilation.Emit(stream)
                .Success ? Task.CompletedTask : throw new InvalidOperationException("The project does not compile.");
        }
    }

    private static string Added(List<double> with, List<double> without)
    {
        double added = with.Min() - without.Min();
        return string.Create(CultureInfo.InvariantCulture, $"{added,6:0} ms added, {added / without.Min():0%} of the compile");
    }

    private static double Least(Action action)
    {
        List<double> times = [];
        for (int i = -2; i < Repeats; i++)
        {
            TimeSpan start = Environment.CpuUsage.TotalTime;
            action();
            if (i >= 0)
                times.Add((Environment.CpuUsage.TotalTime - start).TotalMilliseconds);
        }
        return times.Min();
    }

    private static async Task<double> Time(Func<Task> action)
    {
        // What the last one left behind is no cost of this one.
        GC.Collect();
        TimeSpan start = Environment.CpuUsage.TotalTime;
        await action();
        return (Environment.CpuUsage.TotalTime - start).TotalMilliseconds;
    }

    private static void Row(string name, double milliseconds, string note = "") =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44}{milliseconds,7:0.0} ms   {note}").TrimEnd());
}
