namespace Interventions.Models;

/// <summary>GPT-2 small, 124 million parameters: <c>openai-community/gpt2</c>.</summary>
[ModelSchema]
[Axis("layer", 12)]
[Axis("head", 12)]
[Axis("kv_head", 12)]
[Axis("d_head", 64)]
[Axis("d_model", 768)]
[Axis("neuron", 3072)]
[Axis("vocab", 50257)]
public sealed partial class Gpt2Small : Gpt2Model;

/// <summary>GPT-2 medium, 355 million parameters: <c>openai-community/gpt2-medium</c>.</summary>
[ModelSchema]
[Axis("layer", 24)]
[Axis("head", 16)]
[Axis("kv_head", 16)]
[Axis("d_head", 64)]
[Axis("d_model", 1024)]
[Axis("neuron", 4096)]
[Axis("vocab", 50257)]
public sealed partial class Gpt2Medium : Gpt2Model;

/// <summary>GPT-2 large, 774 million parameters: <c>openai-community/gpt2-large</c>.</summary>
[ModelSchema]
[Axis("layer", 36)]
[Axis("head", 20)]
[Axis("kv_head", 20)]
[Axis("d_head", 64)]
[Axis("d_model", 1280)]
[Axis("neuron", 5120)]
[Axis("vocab", 50257)]
public sealed partial class Gpt2Large : Gpt2Model;

/// <summary>GPT-2 XL, 1.5 billion parameters: <c>openai-community/gpt2-xl</c>.</summary>
[ModelSchema]
[Axis("layer", 48)]
[Axis("head", 25)]
[Axis("kv_head", 25)]
[Axis("d_head", 64)]
[Axis("d_model", 1600)]
[Axis("neuron", 6400)]
[Axis("vocab", 50257)]
public sealed partial class Gpt2Xl : Gpt2Model;
