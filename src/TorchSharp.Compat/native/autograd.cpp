// Gradients: the one part of libtorch that is not an ATen operator.
#include "bridge.h"
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

using torch::autograd::Variable;
using torch::autograd::variable_list;

namespace {

variable_list variables(Handle* handles, int count)
{
    variable_list list;
    list.reserve(count);
    for (int i = 0; i < count; i++) list.push_back(handles[i] ? borrow(handles[i]) : at::Tensor());
    return list;
}

}

EXPORT int tsc_grad_enabled() { return at::GradMode::is_enabled(); }
EXPORT void tsc_set_grad_enabled(int enabled) { at::GradMode::set_enabled(enabled); }

EXPORT int tsc_requires_grad(Handle handle) { return borrow(handle).requires_grad(); }
EXPORT int tsc_is_leaf(Handle handle) { return borrow(handle).is_leaf(); }

EXPORT int tsc_set_requires_grad(Handle handle, int requires_grad)
{
    return guarded(-1, [&] { borrow(handle).set_requires_grad(requires_grad); return 0; });
}

EXPORT int tsc_retain_grad(Handle handle)
{
    return guarded(-1, [&] { borrow(handle).retain_grad(); return 0; });
}

EXPORT Handle tsc_get_grad(Handle handle) { return guarded(Handle{}, [&] { return own(borrow(handle).grad()); }); }

EXPORT int tsc_set_grad(Handle handle, Handle gradient)
{
    return guarded(-1, [&] {
        borrow(handle).mutable_grad() = gradient ? borrow(gradient) : at::Tensor();
        return 0;
    });
}

// Writes one handle an input (null where an unused one was allowed).
EXPORT int tsc_grad(Handle* outputs, int output_count, Handle* inputs, int input_count, Handle* gradients, int gradient_count,
                    int retain_graph, int create_graph, int allow_unused, Handle* results)
{
    return guarded(-1, [&] {
        auto list = torch::autograd::grad(variables(outputs, output_count), variables(inputs, input_count),
                                          variables(gradients, gradient_count), retain_graph, create_graph, allow_unused);
        for (size_t i = 0; i < list.size(); i++) results[i] = own(list[i]);
        return 0;
    });
}

EXPORT int tsc_backward(Handle* tensors, int count, Handle* gradients, int gradient_count, int retain_graph, int create_graph,
                        Handle* inputs, int input_count)
{
    return guarded(-1, [&] {
        torch::autograd::backward(variables(tensors, count), variables(gradients, gradient_count), retain_graph, create_graph,
                                  variables(inputs, input_count));
        return 0;
    });
}
