// Some tests count live tensors, which other tests would make at the same time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
