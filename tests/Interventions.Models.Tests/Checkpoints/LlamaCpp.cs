using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using LLama.Native;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>
/// llama.cpp on the processor, in one thread: what the project whose format GGUF is makes of a file. It runs on Linux x64; tests skip
/// elsewhere.
/// </summary>
internal static class LlamaCpp
{
    private static readonly string s_folder = Path.Combine(
        typeof(LlamaCpp).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "LlamaCpp").Value!,
        Avx2.IsSupported ? "avx2" : "noavx");

    private static readonly Lazy<IntPtr> s_ggml = new(() => NativeLibrary.Load(Path.Combine(s_folder, "libggml-base.so")));

    /// <summary>Why a test that needs it is skipped, or <see langword="null"/> if it can run.</summary>
    public static string? SkipReason { get; } = Start();

    /// <summary>The logits of all tokens of a text, <c>[pos][vocab]</c>.</summary>
    public static float[][] Logits(string path, IReadOnlyList<long> ids)
    {
        using SafeLlamaModelHandle model = SafeLlamaModelHandle.LoadFromFile(path, LLamaModelParams.Default());
        LLamaContextParams settings = LLamaContextParams.Default();
        // In float32, in one piece, with the plain way of attending.
        (settings.n_ctx, settings.n_batch, settings.n_ubatch) = (512, 512, 512);
        (settings.type_k, settings.type_v) = (GGMLType.GGML_TYPE_F32, GGMLType.GGML_TYPE_F32);
        (settings.n_threads, settings.n_threads_batch) = (1, 1);
        settings.llama_flash_attn_type = LLamaFlashAttentionType.LLAMA_FLASH_ATTENTION_TYPE_DISABLED;
        using SafeLLamaContextHandle context = SafeLLamaContextHandle.Create(model, settings);
        LLamaBatch batch = new();
        for (int position = 0; position < ids.Count; position++)
            batch.Add((LLamaToken)(int)ids[position], (LLamaPos)position, LLamaSeqId.Zero, logits: true);
        Assert.Equal(DecodeResult.Ok, context.Decode(batch));
        return [.. Enumerable.Range(0, ids.Count).Select(position => context.GetLogitsIth(position).ToArray())];
    }

    /// <summary>The tokens of a text, the names of special tokens among them, without tokens around it.</summary>
    public static IEnumerable<int> Encode(string path, string text)
    {
        LLamaModelParams settings = LLamaModelParams.Default();
        settings.vocab_only = true;
        using SafeLlamaModelHandle model = SafeLlamaModelHandle.LoadFromFile(path, settings);
        return [.. model.Tokenize(text, addBos: false, special: true, System.Text.Encoding.UTF8).Select(token => (int)token)];
    }

    /// <summary>Values as blocks of a type.</summary>
    public static byte[] Quantize(uint type, float[] values, int bytes)
    {
        byte[] blocks = new byte[bytes];
        nuint written = Function<QuantizeChunk>("ggml_quantize_chunk")(type, values, blocks, 0, 1, values.Length, IntPtr.Zero);
        Assert.Equal((nuint)bytes, written);
        return blocks;
    }

    /// <summary>The values in blocks of a type, which has no row function where it is float32.</summary>
    public static float[] Dequantize(string type, byte[] blocks, int count)
    {
        float[] values = new float[count];
        if (type == "F32")
        {
            Buffer.BlockCopy(blocks, 0, values, 0, blocks.Length);
            return values;
        }
        string name = type switch
        {
            "F16" => "ggml_fp16_to_fp32_row",
            "BF16" => "ggml_bf16_to_fp32_row",
            // Q4_K and its like keep their capital letter.
            _ => $"dequantize_row_q{type[1..]}",
        };
        Function<DequantizeRow>(name)(blocks, values, count);
        return values;
    }

    private static T Function<T>(string name) where T : Delegate =>
        Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(s_ggml.Value, name));

    private static string? Start()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64)
            return "needs llama.cpp, whose libraries are here for Linux x64";
        string library = Path.Combine(s_folder, "libllama.so");
        if (!NativeLibrary.TryLoad(library, out _))
            return $"needs llama.cpp, whose library '{library}' does not load";
        NativeLibraryConfig.All.WithLibrary(library, Path.Combine(s_folder, "libmtmd.so")).WithAutoFallback(false);
        NativeLibraryConfig.All.WithLogCallback((_, _) => { });
        NativeApi.llama_empty_call();
        return null;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nuint QuantizeChunk(
        uint type, float[] values, byte[] blocks, long start, long rows, long valuesInRow, IntPtr importance);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void DequantizeRow(byte[] blocks, float[] values, long count);
}

/// <summary>A theory that asks llama.cpp, and that needs a path of the shared data if one is named.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LlamaCppTheoryAttribute : TheoryAttribute
{
    /// <param name="path">Relative to the shared folder, with forward slashes.</param>
    public LlamaCppTheoryAttribute(string? path = null) =>
        Skip = path is not null && !SharedData.Exists(path) ? $"needs the shared data '{path}'" : LlamaCpp.SkipReason;
}
