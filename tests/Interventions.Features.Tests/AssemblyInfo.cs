// Tests count the process's live handles.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
