namespace Interventions.Models;

// Written from published-models.txt: change that table, and take the text that the failing test writes.

/// <summary>GPT-2 small, 124 million parameters: <c>openai-community/gpt2</c>.</summary>
[ModelSchema, HubId("openai-community/gpt2"), Axis("layer", 12), Axis("head", 12), Axis("kv_head", 12), Axis("d_head", 64)]
[Axis("d_model", 768), Axis("neuron", 3072), Axis("vocab", 50257)]
public sealed partial class Gpt2Small : Gpt2Model;

/// <summary>GPT-2 medium, 355 million parameters: <c>openai-community/gpt2-medium</c>.</summary>
[ModelSchema, HubId("openai-community/gpt2-medium"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 64)]
[Axis("d_model", 1024), Axis("neuron", 4096), Axis("vocab", 50257)]
public sealed partial class Gpt2Medium : Gpt2Model;

/// <summary>GPT-2 large, 774 million parameters: <c>openai-community/gpt2-large</c>.</summary>
[ModelSchema, HubId("openai-community/gpt2-large"), Axis("layer", 36), Axis("head", 20), Axis("kv_head", 20), Axis("d_head", 64)]
[Axis("d_model", 1280), Axis("neuron", 5120), Axis("vocab", 50257)]
public sealed partial class Gpt2Large : Gpt2Model;

/// <summary>GPT-2 XL, 1.56 billion parameters: <c>openai-community/gpt2-xl</c>.</summary>
[ModelSchema, HubId("openai-community/gpt2-xl"), Axis("layer", 48), Axis("head", 25), Axis("kv_head", 25), Axis("d_head", 64)]
[Axis("d_model", 1600), Axis("neuron", 6400), Axis("vocab", 50257)]
public sealed partial class Gpt2Xl : Gpt2Model;

/// <summary>DistilGPT2, 82 million parameters: <c>distilbert/distilgpt2</c>.</summary>
[ModelSchema, HubId("distilbert/distilgpt2"), Axis("layer", 6), Axis("head", 12), Axis("kv_head", 12), Axis("d_head", 64)]
[Axis("d_model", 768), Axis("neuron", 3072), Axis("vocab", 50257)]
public sealed partial class DistilGpt2 : Gpt2Model;

/// <summary>GPT-Neo 125M, 125 million parameters: <c>EleutherAI/gpt-neo-125m</c>.</summary>
[ModelSchema, HubId("EleutherAI/gpt-neo-125m"), Axis("layer", 12), Axis("head", 12), Axis("kv_head", 12), Axis("d_head", 64)]
[Axis("d_model", 768), Axis("neuron", 3072), Axis("vocab", 50257)]
public sealed partial class GptNeo_125M : GptNeoModel;

/// <summary>GPT-Neo 1.3B, 1.32 billion parameters: <c>EleutherAI/gpt-neo-1.3B</c>.</summary>
[ModelSchema, HubId("EleutherAI/gpt-neo-1.3B"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 50257)]
public sealed partial class GptNeo_1_3B : GptNeoModel;

/// <summary>GPT-Neo 2.7B, 2.65 billion parameters: <c>EleutherAI/gpt-neo-2.7B</c>.</summary>
[ModelSchema, HubId("EleutherAI/gpt-neo-2.7B"), Axis("layer", 32), Axis("head", 20), Axis("kv_head", 20), Axis("d_head", 128)]
[Axis("d_model", 2560), Axis("neuron", 10240), Axis("vocab", 50257)]
public sealed partial class GptNeo_2_7B : GptNeoModel;

/// <summary>TinyStories 1M, 3.7 million parameters: <c>roneneldan/TinyStories-1M</c>.</summary>
[ModelSchema, HubId("roneneldan/TinyStories-1M"), Axis("layer", 8), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 4)]
[Axis("d_model", 64), Axis("neuron", 256), Axis("vocab", 50257)]
public sealed partial class TinyStories_1M : GptNeoModel;

/// <summary>TinyStories 8M, 19.7 million parameters: <c>roneneldan/TinyStories-8M</c>.</summary>
[ModelSchema, HubId("roneneldan/TinyStories-8M"), Axis("layer", 8), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 16)]
[Axis("d_model", 256), Axis("neuron", 1024), Axis("vocab", 50257)]
public sealed partial class TinyStories_8M : GptNeoModel;

/// <summary>TinyStories 33M, 68.5 million parameters: <c>roneneldan/TinyStories-33M</c>.</summary>
[ModelSchema, HubId("roneneldan/TinyStories-33M"), Axis("layer", 4), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 48)]
[Axis("d_model", 768), Axis("neuron", 3072), Axis("vocab", 50257)]
public sealed partial class TinyStories_33M : GptNeoModel;

/// <summary>GPT-J 6B, 6.05 billion parameters: <c>EleutherAI/gpt-j-6b</c>.</summary>
[ModelSchema, HubId("EleutherAI/gpt-j-6b"), Axis("layer", 28), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 256)]
[Axis("d_model", 4096), Axis("neuron", 16384), Axis("vocab", 50400)]
public sealed partial class GptJ_6B : GptJModel;

/// <summary>Pythia 14M, 14.1 million parameters: <c>EleutherAI/pythia-14m</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-14m"), Axis("layer", 6), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 32)]
[Axis("d_model", 128), Axis("neuron", 512), Axis("vocab", 50304)]
public sealed partial class Pythia_14M : GptNeoXModel;

/// <summary>Pythia 31M, 30.5 million parameters: <c>EleutherAI/pythia-31m</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-31m"), Axis("layer", 6), Axis("head", 8), Axis("kv_head", 8), Axis("d_head", 32)]
[Axis("d_model", 256), Axis("neuron", 1024), Axis("vocab", 50304)]
public sealed partial class Pythia_31M : GptNeoXModel;

/// <summary>Pythia 70M, 70.4 million parameters: <c>EleutherAI/pythia-70m</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-70m"), Axis("layer", 6), Axis("head", 8), Axis("kv_head", 8), Axis("d_head", 64)]
[Axis("d_model", 512), Axis("neuron", 2048), Axis("vocab", 50304)]
public sealed partial class Pythia_70M : GptNeoXModel;

/// <summary>Pythia 160M, 162 million parameters: <c>EleutherAI/pythia-160m</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-160m"), Axis("layer", 12), Axis("head", 12), Axis("kv_head", 12), Axis("d_head", 64)]
[Axis("d_model", 768), Axis("neuron", 3072), Axis("vocab", 50304)]
public sealed partial class Pythia_160M : GptNeoXModel;

/// <summary>Pythia 410M, 405 million parameters: <c>EleutherAI/pythia-410m</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-410m"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 64)]
[Axis("d_model", 1024), Axis("neuron", 4096), Axis("vocab", 50304)]
public sealed partial class Pythia_410M : GptNeoXModel;

/// <summary>Pythia 1B, 1.01 billion parameters: <c>EleutherAI/pythia-1b</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-1b"), Axis("layer", 16), Axis("head", 8), Axis("kv_head", 8), Axis("d_head", 256)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 50304)]
public sealed partial class Pythia_1B : GptNeoXModel;

/// <summary>Pythia 1.4B, 1.41 billion parameters: <c>EleutherAI/pythia-1.4b</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-1.4b"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 50304)]
public sealed partial class Pythia_1_4B : GptNeoXModel;

/// <summary>Pythia 2.8B, 2.78 billion parameters: <c>EleutherAI/pythia-2.8b</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-2.8b"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 80)]
[Axis("d_model", 2560), Axis("neuron", 10240), Axis("vocab", 50304)]
public sealed partial class Pythia_2_8B : GptNeoXModel;

/// <summary>Pythia 6.9B, 6.86 billion parameters: <c>EleutherAI/pythia-6.9b</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-6.9b"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 16384), Axis("vocab", 50432)]
public sealed partial class Pythia_6_9B : GptNeoXModel;

/// <summary>Pythia 12B, 11.8 billion parameters: <c>EleutherAI/pythia-12b</c>.</summary>
[ModelSchema, HubId("EleutherAI/pythia-12b"), Axis("layer", 36), Axis("head", 40), Axis("kv_head", 40), Axis("d_head", 128)]
[Axis("d_model", 5120), Axis("neuron", 20480), Axis("vocab", 50688)]
public sealed partial class Pythia_12B : GptNeoXModel;

/// <summary>OPT 125M, 125 million parameters: <c>facebook/opt-125m</c>.</summary>
[ModelSchema, HubId("facebook/opt-125m"), Axis("layer", 12), Axis("head", 12), Axis("kv_head", 12), Axis("d_head", 64)]
[Axis("d_model", 768), Axis("neuron", 3072), Axis("vocab", 50272)]
public sealed partial class Opt_125M : OptModel;

/// <summary>OPT 1.3B, 1.32 billion parameters: <c>facebook/opt-1.3b</c>.</summary>
[ModelSchema, HubId("facebook/opt-1.3b"), Axis("layer", 24), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 64)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 50272)]
public sealed partial class Opt_1_3B : OptModel;

/// <summary>OPT 2.7B, 2.65 billion parameters: <c>facebook/opt-2.7b</c>.</summary>
[ModelSchema, HubId("facebook/opt-2.7b"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 80)]
[Axis("d_model", 2560), Axis("neuron", 10240), Axis("vocab", 50272)]
public sealed partial class Opt_2_7B : OptModel;

/// <summary>OPT 6.7B, 6.66 billion parameters: <c>facebook/opt-6.7b</c>.</summary>
[ModelSchema, HubId("facebook/opt-6.7b"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 16384), Axis("vocab", 50272)]
public sealed partial class Opt_6_7B : OptModel;

/// <summary>BLOOM 560M, 559 million parameters: <c>bigscience/bloom-560m</c>.</summary>
[ModelSchema, HubId("bigscience/bloom-560m"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 64)]
[Axis("d_model", 1024), Axis("neuron", 4096), Axis("vocab", 250880)]
public sealed partial class Bloom_560M : BloomModel;

/// <summary>BLOOM 1B1, 1.07 billion parameters: <c>bigscience/bloom-1b1</c>.</summary>
[ModelSchema, HubId("bigscience/bloom-1b1"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 96)]
[Axis("d_model", 1536), Axis("neuron", 6144), Axis("vocab", 250880)]
public sealed partial class Bloom_1B1 : BloomModel;

/// <summary>BLOOM 1B7, 1.72 billion parameters: <c>bigscience/bloom-1b7</c>.</summary>
[ModelSchema, HubId("bigscience/bloom-1b7"), Axis("layer", 24), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 250880)]
public sealed partial class Bloom_1B7 : BloomModel;

/// <summary>Phi-1, 1.42 billion parameters: <c>microsoft/phi-1</c>.</summary>
[ModelSchema, HubId("microsoft/phi-1"), Axis("layer", 24), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 64)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 51200)]
public sealed partial class Phi_1 : PhiModel;

/// <summary>Phi-1.5, 1.42 billion parameters: <c>microsoft/phi-1_5</c>.</summary>
[ModelSchema, HubId("microsoft/phi-1_5"), Axis("layer", 24), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 64)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 51200)]
public sealed partial class Phi_1_5 : PhiModel;

/// <summary>Phi-2, 2.78 billion parameters: <c>microsoft/phi-2</c>.</summary>
[ModelSchema, HubId("microsoft/phi-2"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 80)]
[Axis("d_model", 2560), Axis("neuron", 10240), Axis("vocab", 51200)]
public sealed partial class Phi_2 : PhiModel;

/// <summary>Phi-3 mini, instructed, 3.82 billion parameters: <c>microsoft/Phi-3-mini-4k-instruct</c>.</summary>
[ModelSchema, HubId("microsoft/Phi-3-mini-4k-instruct"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 96)]
[Axis("d_model", 3072), Axis("neuron", 8192), Axis("vocab", 32064)]
public sealed partial class Phi3_Mini : Phi3Model;

/// <summary>Phi-4, 14.7 billion parameters: <c>microsoft/phi-4</c>.</summary>
[ModelSchema, HubId("microsoft/phi-4"), Axis("layer", 40), Axis("head", 40), Axis("kv_head", 10), Axis("d_head", 128)]
[Axis("d_model", 5120), Axis("neuron", 17920), Axis("vocab", 100352)]
public sealed partial class Phi4 : Phi3Model;

/// <summary>Llama 2 7B, 6.74 billion parameters: <c>meta-llama/Llama-2-7b-hf</c>.</summary>
[ModelSchema, HubId("meta-llama/Llama-2-7b-hf"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 11008), Axis("vocab", 32000)]
public sealed partial class Llama2_7B : LlamaModel;

/// <summary>Llama 3 8B, 8.03 billion parameters: <c>meta-llama/Meta-Llama-3-8B</c>.</summary>
[ModelSchema, HubId("meta-llama/Meta-Llama-3-8B"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 14336), Axis("vocab", 128256)]
public sealed partial class Llama3_8B : LlamaModel;

/// <summary>Llama 3.1 8B, 8.03 billion parameters: <c>meta-llama/Llama-3.1-8B</c>.</summary>
[ModelSchema, HubId("meta-llama/Llama-3.1-8B"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 14336), Axis("vocab", 128256)]
public sealed partial class Llama3_1_8B : LlamaModel;

/// <summary>Llama 3.2 1B, 1.24 billion parameters: <c>meta-llama/Llama-3.2-1B</c>.</summary>
[ModelSchema, HubId("meta-llama/Llama-3.2-1B"), Axis("layer", 16), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 64)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 128256)]
public sealed partial class Llama3_2_1B : LlamaModel;

/// <summary>Llama 3.2 3B, 3.21 billion parameters: <c>meta-llama/Llama-3.2-3B</c>.</summary>
[ModelSchema, HubId("meta-llama/Llama-3.2-3B"), Axis("layer", 28), Axis("head", 24), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 3072), Axis("neuron", 8192), Axis("vocab", 128256)]
public sealed partial class Llama3_2_3B : LlamaModel;

/// <summary>TinyLlama 1.1B, chat, 1.10 billion parameters: <c>TinyLlama/TinyLlama-1.1B-Chat-v1.0</c>.</summary>
[ModelSchema, HubId("TinyLlama/TinyLlama-1.1B-Chat-v1.0"), Axis("layer", 22), Axis("head", 32), Axis("kv_head", 4), Axis("d_head", 64)]
[Axis("d_model", 2048), Axis("neuron", 5632), Axis("vocab", 32000)]
public sealed partial class TinyLlama_1_1B : LlamaModel;

/// <summary>SmolLM2 135M, 135 million parameters: <c>HuggingFaceTB/SmolLM2-135M</c>.</summary>
[ModelSchema, HubId("HuggingFaceTB/SmolLM2-135M"), Axis("layer", 30), Axis("head", 9), Axis("kv_head", 3), Axis("d_head", 64)]
[Axis("d_model", 576), Axis("neuron", 1536), Axis("vocab", 49152)]
public sealed partial class SmolLm2_135M : LlamaModel;

/// <summary>SmolLM2 360M, 362 million parameters: <c>HuggingFaceTB/SmolLM2-360M</c>.</summary>
[ModelSchema, HubId("HuggingFaceTB/SmolLM2-360M"), Axis("layer", 32), Axis("head", 15), Axis("kv_head", 5), Axis("d_head", 64)]
[Axis("d_model", 960), Axis("neuron", 2560), Axis("vocab", 49152)]
public sealed partial class SmolLm2_360M : LlamaModel;

/// <summary>SmolLM2 1.7B, 1.71 billion parameters: <c>HuggingFaceTB/SmolLM2-1.7B</c>.</summary>
[ModelSchema, HubId("HuggingFaceTB/SmolLM2-1.7B"), Axis("layer", 24), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 64)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 49152)]
public sealed partial class SmolLm2_1_7B : LlamaModel;

/// <summary>The smallest TinyLlamas checkpoint, trained on TinyStories, 0.26 million parameters.</summary>
[ModelSchema, Axis("layer", 5), Axis("head", 8), Axis("kv_head", 4), Axis("d_head", 8)]
[Axis("d_model", 64), Axis("neuron", 172), Axis("vocab", 512)]
public sealed partial class Stories260K : LlamaModel;

/// <summary>Mistral 7B, 7.24 billion parameters: <c>mistralai/Mistral-7B-v0.1</c>.</summary>
[ModelSchema, HubId("mistralai/Mistral-7B-v0.1"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 14336), Axis("vocab", 32000)]
public sealed partial class Mistral_7B : MistralModel;

/// <summary>Mixtral 8x7B, 46.7 billion parameters: <c>mistralai/Mixtral-8x7B-v0.1</c>.</summary>
[ModelSchema, HubId("mistralai/Mixtral-8x7B-v0.1"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 14336), Axis("expert", 8), Axis("choice", 2), Axis("vocab", 32000)]
public sealed partial class Mixtral_8x7B : MixtralModel;

/// <summary>Qwen2.5 0.5B, 0.49 billion parameters: <c>Qwen/Qwen2.5-0.5B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen2.5-0.5B"), Axis("layer", 24), Axis("head", 14), Axis("kv_head", 2), Axis("d_head", 64)]
[Axis("d_model", 896), Axis("neuron", 4864), Axis("vocab", 151936)]
public sealed partial class Qwen2_5_0_5B : Qwen2Model;

/// <summary>Qwen2.5 1.5B, 1.54 billion parameters: <c>Qwen/Qwen2.5-1.5B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen2.5-1.5B"), Axis("layer", 28), Axis("head", 12), Axis("kv_head", 2), Axis("d_head", 128)]
[Axis("d_model", 1536), Axis("neuron", 8960), Axis("vocab", 151936)]
public sealed partial class Qwen2_5_1_5B : Qwen2Model;

/// <summary>Qwen2.5 3B, 3.09 billion parameters: <c>Qwen/Qwen2.5-3B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen2.5-3B"), Axis("layer", 36), Axis("head", 16), Axis("kv_head", 2), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 11008), Axis("vocab", 151936)]
public sealed partial class Qwen2_5_3B : Qwen2Model;

/// <summary>Qwen2.5 7B, 7.62 billion parameters: <c>Qwen/Qwen2.5-7B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen2.5-7B"), Axis("layer", 28), Axis("head", 28), Axis("kv_head", 4), Axis("d_head", 128)]
[Axis("d_model", 3584), Axis("neuron", 18944), Axis("vocab", 152064)]
public sealed partial class Qwen2_5_7B : Qwen2Model;

/// <summary>Qwen3 0.6B, 0.60 billion parameters: <c>Qwen/Qwen3-0.6B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen3-0.6B"), Axis("layer", 28), Axis("head", 16), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 1024), Axis("neuron", 3072), Axis("vocab", 151936)]
public sealed partial class Qwen3_0_6B : Qwen3Model;

/// <summary>Qwen3 1.7B, 1.72 billion parameters: <c>Qwen/Qwen3-1.7B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen3-1.7B"), Axis("layer", 28), Axis("head", 16), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 6144), Axis("vocab", 151936)]
public sealed partial class Qwen3_1_7B : Qwen3Model;

/// <summary>Qwen3 4B, 4.02 billion parameters: <c>Qwen/Qwen3-4B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen3-4B"), Axis("layer", 36), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 2560), Axis("neuron", 9728), Axis("vocab", 151936)]
public sealed partial class Qwen3_4B : Qwen3Model;

/// <summary>Qwen3 8B, 8.19 billion parameters: <c>Qwen/Qwen3-8B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen3-8B"), Axis("layer", 36), Axis("head", 32), Axis("kv_head", 8), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 12288), Axis("vocab", 151936)]
public sealed partial class Qwen3_8B : Qwen3Model;

/// <summary>Qwen3 30B, of which a token uses 3B, 30.5 billion parameters: <c>Qwen/Qwen3-30B-A3B</c>.</summary>
[ModelSchema, HubId("Qwen/Qwen3-30B-A3B"), Axis("layer", 48), Axis("head", 32), Axis("kv_head", 4), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 768), Axis("expert", 128), Axis("choice", 8), Axis("vocab", 151936)]
public sealed partial class Qwen3_30B_A3B : Qwen3MoeModel;

/// <summary>Gemma 2B, 2.51 billion parameters: <c>google/gemma-2b</c>.</summary>
[ModelSchema, HubId("google/gemma-2b"), Axis("layer", 18), Axis("head", 8), Axis("kv_head", 1), Axis("d_head", 256)]
[Axis("d_model", 2048), Axis("neuron", 16384), Axis("vocab", 256000)]
public sealed partial class Gemma_2B : GemmaModel;

/// <summary>Gemma 7B, 8.54 billion parameters: <c>google/gemma-7b</c>.</summary>
[ModelSchema, HubId("google/gemma-7b"), Axis("layer", 28), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 256)]
[Axis("d_model", 3072), Axis("neuron", 24576), Axis("vocab", 256000)]
public sealed partial class Gemma_7B : GemmaModel;

/// <summary>Gemma 2 2B, 2.61 billion parameters: <c>google/gemma-2-2b</c>.</summary>
[ModelSchema, HubId("google/gemma-2-2b"), Axis("layer", 26), Axis("head", 8), Axis("kv_head", 4), Axis("d_head", 256)]
[Axis("d_model", 2304), Axis("neuron", 9216), Axis("vocab", 256000)]
public sealed partial class Gemma2_2B : Gemma2Model;

/// <summary>Gemma 2 9B, 9.24 billion parameters: <c>google/gemma-2-9b</c>.</summary>
[ModelSchema, HubId("google/gemma-2-9b"), Axis("layer", 42), Axis("head", 16), Axis("kv_head", 8), Axis("d_head", 256)]
[Axis("d_model", 3584), Axis("neuron", 14336), Axis("vocab", 256000)]
public sealed partial class Gemma2_9B : Gemma2Model;

/// <summary>Gemma 3 270M, 268 million parameters: <c>google/gemma-3-270m</c>.</summary>
[ModelSchema, HubId("google/gemma-3-270m"), Axis("layer", 18), Axis("head", 4), Axis("kv_head", 1), Axis("d_head", 256)]
[Axis("d_model", 640), Axis("neuron", 2048), Axis("vocab", 262144)]
public sealed partial class Gemma3_270M : Gemma3Model;

/// <summary>Gemma 3 1B, 1.00 billion parameters: <c>google/gemma-3-1b-pt</c>.</summary>
[ModelSchema, HubId("google/gemma-3-1b-pt"), Axis("layer", 26), Axis("head", 4), Axis("kv_head", 1), Axis("d_head", 256)]
[Axis("d_model", 1152), Axis("neuron", 6912), Axis("vocab", 262144)]
public sealed partial class Gemma3_1B : Gemma3Model;

/// <summary>OLMo 1B, 1.18 billion parameters: <c>allenai/OLMo-1B-hf</c>.</summary>
[ModelSchema, HubId("allenai/OLMo-1B-hf"), Axis("layer", 16), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 50304)]
public sealed partial class Olmo_1B : OlmoModel;

/// <summary>OLMo 7B, 6.89 billion parameters: <c>allenai/OLMo-7B-hf</c>.</summary>
[ModelSchema, HubId("allenai/OLMo-7B-hf"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 11008), Axis("vocab", 50304)]
public sealed partial class Olmo_7B : OlmoModel;

/// <summary>OLMo 2 1B, 1.48 billion parameters: <c>allenai/OLMo-2-0425-1B</c>.</summary>
[ModelSchema, HubId("allenai/OLMo-2-0425-1B"), Axis("layer", 16), Axis("head", 16), Axis("kv_head", 16), Axis("d_head", 128)]
[Axis("d_model", 2048), Axis("neuron", 8192), Axis("vocab", 100352)]
public sealed partial class Olmo2_1B : Olmo2Model;

/// <summary>OLMo 2 7B, 7.30 billion parameters: <c>allenai/OLMo-2-1124-7B</c>.</summary>
[ModelSchema, HubId("allenai/OLMo-2-1124-7B"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 128)]
[Axis("d_model", 4096), Axis("neuron", 11008), Axis("vocab", 100352)]
public sealed partial class Olmo2_7B : Olmo2Model;

/// <summary>StableLM 3B, 2.80 billion parameters: <c>stabilityai/stablelm-3b-4e1t</c>.</summary>
[ModelSchema, HubId("stabilityai/stablelm-3b-4e1t"), Axis("layer", 32), Axis("head", 32), Axis("kv_head", 32), Axis("d_head", 80)]
[Axis("d_model", 2560), Axis("neuron", 6912), Axis("vocab", 50304)]
public sealed partial class StableLm_3B : StableLmModel;
