global using static TorchSharp.torch;

// Live tensors are counted for the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
