using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Stores;

/// <summary>Rows of a model in files.</summary>
public sealed class StoreTests : IDisposable
{
    private const string Site = "blocks.1.resid_post";

    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");
    private readonly StoreOptions _options = new() { Type = ScalarType.Float64, BatchSize = 3, ShardBytes = 20 * 32 * 8 };

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        _folder.Dispose();
    }

    /// <summary>Against naive runs of one context each: no row is missing, none is there twice.</summary>
    [Theory]
    [InlineData("gpt2", "blocks.1.resid_post")]
    [InlineData("gpt2", "blocks.2.attn.z")]
    [InlineData("gpt2", "blocks.0.attn.z[head=2]")]
    [InlineData("llama", "blocks.1.mlp.post")]
    [InlineData("llama", "embed")]
    [InlineData("gemma2", "blocks.2.mlp_out")]
    public void Rows_are_the_values_of_the_model(string family, string site)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Corpus corpus = TinyCorpora.Random(40);
        LeftOut leftOut = new() { First = 2, Tokens = [5, 17, 30] };
        StoreOptions options = _options with { LeftOut = leftOut, ShardBytes = 600 };
        using ActivationStore store = ActivationStore.Fill(model, corpus, site, _folder["rows"], options);
        Same(Naive(model, corpus, site, leftOut), All(store).Input);
        Assert.True(Directory.GetFiles(_folder["rows"], "*.safetensors").Length > 2);
        Assert.Equal(site, store.Site);
    }

    [Fact]
    public void A_pair_of_sites_has_the_same_positions()
    {
        Corpus corpus = TinyCorpora.Random(17);
        StoreOptions options = _options with { Target = "blocks.1.mlp_out", LeftOut = LeftOut.Nothing };
        using ActivationStore store = ActivationStore.Fill(_model, corpus, "blocks.1.ln2.normalized", _folder["pair"], options);
        ActivationBatch rows = All(store);
        Tensor both = cat([rows.Input, rows.Target], 1);
        string[] sites = ["blocks.1.ln2.normalized", "blocks.1.mlp_out"];
        Same(cat([.. sites.Select(site => Naive(_model, corpus, site, LeftOut.Nothing))], 1), both);
        Assert.Equal((32, 32, "blocks.1.mlp_out"), (store.InputWidth, store.OutputWidth, store.Target));
        Assert.False(ReferenceEquals(rows.Input, rows.Target));
    }

    [Fact]
    public void By_default_the_first_position_and_special_tokens_are_left_out()
    {
        using TemporaryFolder folder = new();
        Corpus corpus = Corpus.OfTokens([[9, 10, 1, 11, 2, 12], [1, 10]], TinyCorpora.Tokenizer(folder.Path));
        using ActivationStore store = ActivationStore.Fill(_model, corpus, Site, _folder["default"], _options);
        Assert.Equal(4, store.Count);
        Same(Naive(_model, corpus, Site, new() { First = 1, Tokens = [1, 2] }), All(store).Input);
        Assert.Contains("left out  the first position and tokens 1, 2\n", store.ToString());
    }

    /// <summary>The engine ends a pass where nothing more is read.</summary>
    [Fact]
    public void Nothing_behind_the_site_is_computed()
    {
        HashSet<string> computed = [];
        using ObservedModel observed = new(_model, node => computed.Add(node), _ => { });
        ActivationReader reader = new(observed, TinyCorpora.Random(3), "blocks.1.resid_mid", _options);
        // The first time, the shapes of all nodes are looked at.
        reader.Rows(reader.Batches().First()).Dispose();
        computed.Clear();
        reader.Rows(reader.Batches().First()).Dispose();
        Assert.Contains("blocks.1.attn.z", computed);
        Assert.DoesNotContain(computed, node => node.StartsWith("blocks.1.mlp", StringComparison.Ordinal)
            || node.StartsWith("blocks.2", StringComparison.Ordinal) || node == "logits");
    }

    [Fact]
    public void Batches_go_through_all_rows_in_an_order_of_the_seed()
    {
        using ActivationStore store = ActivationStore.Fill(_model, TinyCorpora.Random(17), Site, _folder["batches"], _options);
        const int Size = 7;
        int count = (int)store.Count, batches = 3 * count;
        Assert.NotEqual(0, count % Size);
        Tensor[] read = [.. Inputs(store.Batches(Size, seed: 4), 0, batches)];
        Tensor rows = cat(read), all = All(store).Input;
        for (int turn = 0; turn < 3 * Size; turn++)
            Same(all, rows.narrow(0, turn * count, count));
        Assert.False(rows.narrow(0, 0, count).Equals(rows.narrow(0, count, count)));
        // From any step on, the same; of another seed, others.
        foreach (int step in new[] { 1, 5, batches - 2 })
            Assert.Equal(Bytes(read[step..(step + 2)]), Bytes(Inputs(store.Batches(Size, seed: 4), step, 2)));
        Assert.NotEqual(Bytes(read[..2]), Bytes(Inputs(store.Batches(Size, seed: 5), 0, 2)));
        Assert.NotEqual(Bytes(read[..2]), Bytes(Inputs(store.Batches(Size), 0, 2)));
    }

    [Fact]
    public void A_store_that_was_stopped_goes_on_and_has_the_same_bytes()
    {
        long[][] tokens = TinyCorpora.Tokens(30);
        Corpus corpus = Corpus.OfTokens(tokens);
        ActivationStore.Fill(_model, corpus, Site, _folder["whole"], _options).Dispose();
        for (int stop = 0; stop < tokens.Length; stop++)
        {
            int at = stop;
            Corpus stopped = Corpus.OfTokens(tokens.Select((context, i) => i < at ? context : throw new OperationCanceledException()));
            Assert.Throws<OperationCanceledException>(() => ActivationStore.Fill(_model, stopped, Site, _folder["stopped"], _options));
        }
        ActivationStore.Fill(_model, corpus, Site, _folder["stopped"], _options).Dispose();
        SameFiles(_folder["whole"], _folder["stopped"]);
    }

    [Fact]
    public void A_complete_store_is_only_opened_and_may_be_asked_for_more()
    {
        Corpus corpus = TinyCorpora.Random(30);
        List<StoreProgress> progress = [];
        StoreOptions options = _options with { Rows = 25, Progress = new Told<StoreProgress>(progress.Add) };
        using (ActivationStore few = ActivationStore.Fill(_model, corpus, Site, _folder["more"], options))
        {
            Assert.InRange(few.Count, 25, 25 + (3 * 8) - 1);
            Assert.Equal(progress[^1], new StoreProgress(progress.Count * 3, few.Count, 25));
        }
        int calls = progress.Count;
        ActivationStore.Fill(_model, corpus, Site, _folder["more"], options).Dispose();
        Assert.Equal(calls, progress.Count);
        using ActivationStore all = ActivationStore.Fill(_model, corpus, Site, _folder["more"], options with { Rows = null });
        Same(Naive(_model, corpus, Site, _options.LeftOut), All(all).Input);
        Assert.Contains("30 contexts, all that there are", all.ToString());
    }

    [Theory]
    [InlineData("model", "with model ")]
    [InlineData("weights", "with other weights of that model")]
    [InlineData("site", "of 'blocks.1.resid_post', and this is of 'blocks.0.resid_post'")]
    [InlineData("target", "with target none, and this is with target blocks.2.mlp_out")]
    [InlineData("tokens", "with another corpus")]
    [InlineData("shorter", "with another corpus")]
    [InlineData("longer", "with another corpus, which ended before")]
    [InlineData("cutting", "with corpus contexts as they are given, and this is with corpus contexts of 128 tokens, packed")]
    [InlineData("left out", "with left out the first position, and this is with left out nothing")]
    [InlineData("type", "with type Float64, and this is with type Float16")]
    [InlineData("batches", "in batches of 3 contexts on CPU, and this is in batches of 4 contexts on CPU")]
    [InlineData("seed", "with seed 0, and this is with seed 1")]
    public void A_store_of_something_else_is_refused_by_name(string other, string words)
    {
        long[][] tokens = TinyCorpora.Tokens(12), changed = TinyCorpora.Tokens(12);
        changed[^1][0]++;
        ActivationStore.Fill(_model, Corpus.OfTokens(tokens), Site, _folder["other"], _options).Dispose();
        using DecoderModel otherModel = SmallDecoders.Model(other == "model" ? "llama" : "gpt2", seed: 2);
        using TemporaryFolder folder = new();
        InterventionException refused = Assert.Throws<InterventionException>(() => ActivationStore.Fill(
            other is "model" or "weights" ? otherModel : _model,
            other switch
            {
                "tokens" => Corpus.OfTokens(changed),
                "shorter" => Corpus.OfTokens(tokens[..^1]),
                "longer" => Corpus.OfTokens([.. tokens, [1]]),
                "cutting" => Corpus.OfTexts(["a"], TinyCorpora.Tokenizer(folder.Path)),
                _ => Corpus.OfTokens(tokens),
            },
            other == "site" ? "blocks.0.resid_post" : Site,
            _folder["other"],
            other switch
            {
                "target" => _options with { Target = "blocks.2.mlp_out" },
                "left out" => _options with { LeftOut = LeftOut.Nothing },
                "type" => _options with { Type = ScalarType.Float16 },
                "batches" => _options with { BatchSize = 4 },
                "seed" => _options with { Seed = 1 },
                _ => _options,
            }));
        Assert.Contains($"The store '{_folder["other"]}' was begun {words}", refused.Message);
    }

    [Fact]
    public void Half_precision_is_close_and_comes_as_float32()
    {
        Corpus corpus = TinyCorpora.Random(12);
        Tensor expected = Naive(_model, corpus, Site, _options.LeftOut);
        foreach ((ScalarType type, double tolerance) in ((ScalarType, double)[])
            [(ScalarType.Float16, 1e-3), (ScalarType.BFloat16, 1e-2), (ScalarType.Float32, 1e-6)])
        {
            using ActivationStore store =
                ActivationStore.Fill(_model, corpus, Site, _folder[$"{type}"], _options with { Type = type });
            Assert.Equal(type, store.Type);
            ActivationBatch rows = All(store);
            Assert.Equal(ScalarType.Float32, rows.Input.dtype);
            Same(expected, rows.Input.to_type(ScalarType.Float64), tolerance * expected.abs().max().item<double>());
        }
        _model.Weights["pos_embed.weight"].mul_(1e6);
        Assert.Contains("beyond the range of Float16: store them as BFloat16", Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, corpus, Site, _folder["large"], _options with { Type = ScalarType.Float16 })).Message);
        _model.Weights["pos_embed.weight"].mul_(double.NaN);
        Assert.Contains($"'{Site}' of ", Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, corpus, Site, _folder["nan"], _options)).Message);
    }

    [Theory]
    [InlineData("blocks.1.resid_pst", "did you mean")]
    [InlineData("blocks.1.attn.pattern", "it has no value at each position")]
    [InlineData("blocks.*.resid_post", "it is several sites: name one layer")]
    [InlineData("blocks.{layer}.resid_post", "it is several sites: name one layer")]
    [InlineData("blocks.1.resid_post[pos=1..]", "it selects positions: say in ActivationOptions.LeftOut which are left out")]
    public void Sites_that_are_no_rows_are_refused(string site, string words)
    {
        Assert.Contains(words, Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, TinyCorpora.Random(2), site, _folder["sites"])).Message);
        Assert.Contains(words, Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, TinyCorpora.Random(2), Site, _folder["sites"], new() { Target = site })).Message);
        Assert.False(Directory.Exists(_folder["sites"]));
    }

    [Fact]
    public void Wrong_folders_and_arguments_are_refused()
    {
        Assert.Contains("There is no store in", Assert.Throws<InterventionException>(() => ActivationStore.Open(_folder.Path)).Message);
        Assert.Contains("all positions of its corpus are left out", Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, Corpus.OfTokens([[1], [2]]), Site, _folder["empty"])).Message);
        Assert.Contains("Context 1 of the corpus has no tokens", Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, Corpus.OfTokens([[1], []]), Site, _folder["none"])).Message);
        Assert.Contains("its corpus has no text", Assert.Throws<InterventionException>(() =>
            ActivationStore.Fill(_model, Corpus.OfTokens([]), Site, _folder["nothing"])).Message);
        int most = _model.Config.ContextLength;
        Assert.Contains($"has {most + 1} tokens, and {_model.Schema.Model} reads at most {most}: set CorpusOptions.ContextLength to {most}",
            Assert.Throws<InterventionException>(() =>
                ActivationStore.Fill(_model, TinyCorpora.Random(2, length: most + 1), Site, _folder["used"], _options)).Message);
        // What got nowhere binds nobody: other work may be done in its folder.
        ActivationStore store = ActivationStore.Fill(
            _model, TinyCorpora.Random(5), Site, _folder["used"], _options with { LeftOut = new() { First = 2 } });
        store.Dispose();
        Directory.Delete(_folder["used"], recursive: true);
        store = ActivationStore.Fill(_model, TinyCorpora.Random(5), Site, _folder["used"], _options);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Batches((int)store.Count + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Read([store.Count]));
        using (new FileStream(Path.Combine(_folder["used"], "lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("Another process is filling", Assert.Throws<InterventionException>(() =>
                ActivationStore.Fill(_model, TinyCorpora.Random(5), Site, _folder["used"], _options)).Message);
        IEnumerable<ActivationBatch> batches = store.Batches(2).From(0);
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batches.First());
        File.WriteAllText(Path.Combine(_folder["used"], "index.json"), "{\"version\": \"1\"}");
        Assert.Contains("is no index of a store: 'origin' is missing", Assert.Throws<InterventionException>(() =>
            ActivationStore.Open(_folder["used"])).Message);
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        Corpus corpus = TinyCorpora.Random(12);
        Use("first");
        long before = LiveTensors.Count();
        Use("second");
        Assert.Equal(before, LiveTensors.Count());

        void Use(string folder)
        {
            using ActivationStore store = ActivationStore.Fill(
                _model, corpus, Site, _folder[folder], _options with { Target = "blocks.1.mlp_out" });
            foreach (ActivationBatch batch in store.Batches(5).From(3).Take(4))
                batch.Dispose();
        }
    }

    /// <summary>A reader that takes its time finds batches ready; the thread that reads them ends with it.</summary>
    [Fact]
    public void Batches_are_made_ahead_and_no_further()
    {
        int made = 0;
        using (IEnumerator<ActivationBatch> batches = Prefetch.Of(Counted()).GetEnumerator())
        {
            Assert.Equal(0, made);
            Assert.True(batches.MoveNext());
            batches.Current.Dispose();
            SpinWait.SpinUntil(() => made == 4, TimeSpan.FromSeconds(10));
            Thread.Sleep(20);
            Assert.Equal(4, made);
        }
        Assert.Equal(4, made);
        Assert.Equal("third", Assert.Throws<InvalidOperationException>(() => Prefetch.Of(Failing()).Count()).Message);

        IEnumerable<ActivationBatch> Counted()
        {
            while (true)
            {
                made++;
                yield return new ActivationBatch(ones(1, 1));
            }
        }

        IEnumerable<ActivationBatch> Failing()
        {
            yield return new ActivationBatch(ones(1, 1));
            yield return new ActivationBatch(ones(1, 1));
            throw new InvalidOperationException("third");
        }
    }

    private static ActivationBatch All(ActivationStore store) =>
        store.Read([.. Enumerable.Range(0, (int)store.Count).Select(row => (long)row)]);

    private static IEnumerable<Tensor> Inputs(IActivationBatches batches, long step, int count) =>
        batches.From(step).Take(count).Select(batch => batch.Input);

    private static byte[] Bytes(IEnumerable<Tensor> rows) => [.. rows.SelectMany(part => part.bytes.ToArray())];

    /// <summary>The rows of contexts that run alone, without any shortcut.</summary>
    internal static Tensor Naive(HookedModel model, Corpus corpus, string site, LeftOut leftOut)
    {
        List<Tensor> rows = [];
        foreach (IReadOnlyList<long> context in corpus.Contexts)
        {
            RunResult run = Intervention.On(model).Capture("Rows", site)
                .Run(Models.Texts.FromTokens([[.. context]]), new RunOptions { Naive = true });
            Tensor values = run["Rows"].Values[0];
            rows.AddRange(Enumerable.Range(leftOut.First, Math.Max(0, context.Count - leftOut.First))
                .Where(position => !(leftOut.Tokens ?? []).Contains(context[position])).Select(position => values[position].flatten()));
        }
        return stack(rows);
    }

    /// <summary>The same rows, in whatever order.</summary>
    internal static void Same(Tensor expected, Tensor actual, double tolerance = 1e-9)
    {
        Assert.Equal(expected.shape, actual.shape);
        (long[] among, long[] own) = (Near(actual), Near(expected));
        Assert.True(among.SequenceEqual(own), "rows are missing, or there too often");

        // Of each row, how many of some rows are like it.
        long[] Near(Tensor rows) =>
            (expected.unsqueeze(1) - rows.unsqueeze(0)).abs().amax([-1L]).le(tolerance).sum(1).data<long>().ToArray();
    }

    /// <summary>The same files, byte by byte.</summary>
    internal static void SameFiles(string expected, string actual)
    {
        string[] names = Names(expected);
        Assert.Equal(names, Names(actual));
        Assert.All(names, name =>
            Assert.Equal(File.ReadAllBytes(Path.Combine(expected, name)), File.ReadAllBytes(Path.Combine(actual, name))));

        static string[] Names(string folder) =>
            [.. Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
    }

    private sealed class Told<T>(Action<T> tell) : IProgress<T>
    {
        public void Report(T value) => tell(value);
    }
}
