namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            /// <summary>Scales the gradients so that together their norm is at most <paramref name="max_norm"/>; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using var scope = NewDisposeScope();
                using var mode = no_grad();
                var gradients = tensors.Select(static x => x.grad).OfType<Tensor>().ToList();
                if (gradients.Count == 0) return 0;
                var norms = gradients.Select(x => linalg.vector_norm(x, norm_type)).ToList();
                var total = linalg.vector_norm(stack(norms), norm_type).ToDouble();
                var factor = max_norm / (total + 1e-6);
                if (factor < 1)
                    foreach (var gradient in gradients) gradient.mul_(factor);
                return total;
            }

            public static void clip_grad_value_(IEnumerable<Modules.Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                using var mode = no_grad();
                foreach (var tensor in tensors) tensor.grad?.clamp_(-clip_value, clip_value);
            }
        }
    }
}
