using System.Globalization;
using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>Type, device and shape, and the values if they are few.</summary>
        public override string ToString()
        {
            if (IsInvalid) return "[disposed]";
            var text = new StringBuilder("[").AppendJoin('x', shape).Append($"], type = {dtype}, device = {device}");
            if (device_type == DeviceType.CPU && numel() <= 64 && !is_complex()) Append(text.Append(", value = "));
            return text.ToString();
        }

        private void Append(StringBuilder text)
        {
            using var values = to_type(is_floating_point() ? ScalarType.Float64 : ScalarType.Int64).DetachFromDisposeScope();
            var (sizes, index) = (shape, 0);
            Nest(0);

            void Nest(int dim)
            {
                if (dim == sizes.Length)
                {
                    text.Append(is_floating_point()
                        ? values.ReadCpuDouble(index++).ToString("g5", CultureInfo.InvariantCulture)
                        : values.ReadCpuInt64(index++).ToString(CultureInfo.InvariantCulture));
                    return;
                }
                text.Append('[');
                for (var i = 0; i < sizes[dim]; i++)
                {
                    if (i > 0) text.Append(", ");
                    Nest(dim + 1);
                }
                text.Append(']');
            }
        }
    }
}
