using FsCheck;
using FsCheck.Fluent;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Reference;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>What llama.cpp makes of the same blocks and the same files. It shares no code with the loader nor with the tests.</summary>
public sealed class LlamaCppTests(ITestOutputHelper output) : IDisposable
{
    private const string SmolLm2 = "models/SmolLM2-135M/SmolLM2-135M-Instruct.Q4_1.gguf";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Types => [.. GgufType.All.Select(type => type.Name)];

    [LlamaCppTheory]
    [MemberData(nameof(Types))]
    public void Blocks_that_it_quantises_have_the_values_that_it_reads(string name)
    {
        GgufType type = GgufType.All.Single(type => type.Name == name);
        Gen<float[]> values =
            from numbers in Gen.ArrayOf(Gen.Choose(-5000, 5000), 256)
            from power in Gen.Choose(-20, 4)
            select numbers.Select(number => (float)Math.ScaleB(number, power - 8)).ToArray();
        Prop.ForAll(Arb.From(values), x =>
        {
            byte[] blocks = LlamaCpp.Quantize(type.Id, x, x.Length / type.Values * type.BlockBytes);
            float[] read = new float[x.Length];
            type.Read(blocks, read);
            Assert.Equal(LlamaCpp.Dequantize(name, blocks, x.Length), read);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));
    }

    [LlamaCppTheory]
    [MemberData(nameof(Types))]
    public void Blocks_of_any_bytes_have_the_values_that_it_reads(string name)
    {
        GgufType type = GgufType.All.Single(type => type.Name == name);
        int bytes = 256 / type.Values * type.BlockBytes;
        Gen<byte[]> blocks = Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), bytes);
        Prop.ForAll(Arb.From(blocks), x =>
        {
            float[] read = new float[256];
            type.Read(x, read);
            Assert.Equal(LlamaCpp.Dequantize(name, x, 256), read);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));
    }

    [LlamaCppTheory("reference/models")]
    [ReferenceCases]
    public void Files_of_every_family_have_its_logits(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel stored = reference.Load();
        if (!GgufConversion.Knows(stored.Config.Family))
            return;
        GgufBuilder file = GgufConversion.Of(stored);
        file["tokenizer.ggml.model"] = "no_vocab";
        file.Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        using DecoderModel same = GgufFamilyTests.With(loaded, Computed(loaded.Config));
        foreach (Tensor ids in reference["input_ids"].unbind(0))
        {
            Tensor logits = same.Forward(ids.unsqueeze(0))[0];
            float[][] theirs = LlamaCpp.Logits(_folder["model.gguf"], ids.data<long>().ToArray());
            double largest = logits.abs().max().item<float>();
            double error = Distance.Largest(logits, tensor(theirs.SelectMany(row => row).ToArray()).view(logits.shape));
            output.WriteLine($"{name}: off by {error:0.0e+0} where the largest logit is {largest:0.0}");
            // Its gelu is a table in half precision.
            Assert.InRange(error / largest, 0, same.Config.Activation == Activation.GeluTanh ? 5e-3 : 1e-4);
        }
    }

    public static TheoryData<string> Kinds => [.. GgufTokenKind.ByteLevel.Keys];

    [LlamaCppTheory("reference/tokenizers/gpt2")]
    [MemberData(nameof(Kinds))]
    public void Texts_are_cut_as_it_cuts_them(string kind)
    {
        GgufBuilder file = GgufVocabulary.Of(SharedData.Path("reference/tokenizers/gpt2/tokenizer.json"));
        file["general.architecture"] = "gpt2";
        file["tokenizer.ggml.model"] = "gpt2";
        file["tokenizer.ggml.pre"] = kind;
        file["tokenizer.ggml.add_bos_token"] = false;
        file.Save(_folder["vocabulary.gguf"]);
        using GgufFile stored = new(_folder["vocabulary.gguf"]);
        HuggingFaceTokenizer tokenizer = StoredTokenizer.InGguf(stored.Header).Load();
        // Its patterns and its tables of Unicode are approximations of those in use.
        string[] texts =
        [
            "it's IT'S we'LL o'clock", "HTTPServer fooBar XMLHttp2Json", "12345 1,234.5 007", "a\n\n  b\t\tc \r\n d  ",
            "x==y!=z //--> #!$%", "print(\"hi\");\n\n\n\treturn 0;", "  two  spaces   three", "end ", "<|endoftext|>after", "",
        ];
        foreach (string text in texts)
            Assert.Equal(LlamaCpp.Encode(_folder["vocabulary.gguf"], text), tokenizer.Encode(text, addSpecialTokens: false).Ids);
    }

    [LlamaCppTheory(SmolLm2), Trait("Duration", "long")]
    [InlineData("When Mary and John went to the store, John gave a drink to")]
    [InlineData("The capital of France is")]
    [InlineData("def fibonacci(n):\n    if n < 2:\n        return n\n")]
    public void A_published_model_continues_texts_alike(string text)
    {
        using DisposeScope scope = NewDisposeScope();
        string path = SharedData.Path(SmolLm2);
        using DecoderModel model = DecoderModel.Load(path);
        long[] ids = [.. model.Encode(text)!];
        Assert.Equal(LlamaCpp.Encode(path, text), ids.Select(id => (int)id));
        long[] all = [.. ids, .. model.Generate([ids], new GenerationOptions { MaxNewTokens = 16 }).Tokens[0]];
        Tensor logits = model.Forward(tensor(all).unsqueeze(0))[0];
        Tensor theirs = tensor(LlamaCpp.Logits(path, all).SelectMany(row => row).ToArray()).view(logits.shape);
        // Where weights are quantised, it rounds what they multiply to eight bits.
        double error = (logits - theirs).abs().mean().item<float>() / logits.std().item<float>();
        (_, Tensor tokens) = theirs.max(1);
        double regret = (logits.max(1).values - logits.gather(1, tokens.unsqueeze(1)).squeeze(1)).max().item<float>();
        output.WriteLine($"{error:0.000} of the logits' spread apart; its choices are at most {regret:0.00} below ours");
        Assert.InRange(error, 0, 0.05);
        Assert.InRange(regret, 0, 0.5);
    }

    /// <summary>What llama.cpp computes where it differs from the published models.</summary>
    private static DecoderConfig Computed(DecoderConfig config) => config.Family switch
    {
        // All gelus are the one by tanh, and it says that it leaves out Phi-3's window.
        "gpt_neox" => config with { Activation = Activation.GeluTanh },
        "phi3" => config with { Window = null },
        _ => config,
    };
}
