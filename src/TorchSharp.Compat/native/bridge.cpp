// Any ATen operator by name, plus the handles it works on.
#include "bridge.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <atomic>

namespace {

thread_local std::string last_error;
std::atomic<int64_t> live { 0 };

struct Operator {
    c10::OperatorHandle handle;
    std::vector<c10::IValue> defaults;  // of the trailing arguments that a caller may leave out
    size_t arguments;
};

c10::IValue to_ivalue(const Value& v)
{
    switch (v.tag) {
    case Tensor: return borrow(static_cast<Handle>(v.p));
    case Int: return v.i;
    case Double: return v.d;
    case Bool: return v.i != 0;
    case IntList: return c10::IValue(at::IntArrayRef(static_cast<int64_t*>(v.p), v.count));
    case DoubleList: return c10::IValue(at::ArrayRef<double>(static_cast<double*>(v.p), v.count));
    case TensorList: {
        c10::List<at::Tensor> list;
        list.reserve(v.count);
        for (int i = 0; i < v.count; i++) list.push_back(borrow(static_cast<Handle*>(v.p)[i]));
        return list;
    }
    case OptionalTensorList: {
        c10::List<c10::optional<at::Tensor>> list;
        list.reserve(v.count);
        for (int i = 0; i < v.count; i++) {
            auto handle = static_cast<Handle*>(v.p)[i];
            list.push_back(handle ? c10::make_optional(borrow(handle)) : c10::nullopt);
        }
        return list;
    }
    case String: return std::string(static_cast<char*>(v.p), v.count);
    case Generator: return *static_cast<at::Generator*>(v.p);
    case Device: return c10::Device(static_cast<c10::DeviceType>(v.i & 0xff), static_cast<c10::DeviceIndex>(v.i >> 8));
    case Complex: return c10::complex<double>(static_cast<double*>(v.p)[0], static_cast<double*>(v.p)[1]);
    default: return c10::IValue();
    }
}

Value to_value(c10::IValue&& result)
{
    Value v {};
    if (result.isTensor()) {
        v.tag = Tensor;
        v.p = own(std::move(result).toTensor());
    } else if (result.isTensorList()) {
        auto list = result.toTensorList();
        auto handles = static_cast<Handle*>(malloc(sizeof(Handle) * (list.size() + 1)));
        for (size_t i = 0; i < list.size(); i++) handles[i] = own(list.get(i));
        v.tag = TensorList;
        v.count = static_cast<int32_t>(list.size());
        v.p = handles;
    } else if (result.isDouble()) {
        v.tag = Double;
        v.d = result.toDouble();
    } else if (result.isBool()) {
        v.tag = Bool;
        v.i = result.toBool();
    } else if (result.isInt()) {
        v.tag = Int;
        v.i = result.toInt();
    } else if (!result.isNone()) {
        C10_THROW_ERROR(Error, "the bridge does not carry a result of type " + result.tagKind());
    }
    return v;
}

}

Handle own(at::Tensor tensor)
{
    if (!tensor.defined()) return nullptr;
    live.fetch_add(1, std::memory_order_relaxed);
    return tensor.unsafeReleaseTensorImpl();
}

at::Tensor borrow(Handle handle)
{
    return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(handle));
}

void set_error(const char* message) { last_error = message; }

EXPORT const char* tsc_last_error() { return last_error.c_str(); }

// ---- operators ----

EXPORT Operator* tsc_resolve(const char* name, const char* overload)
{
    return guarded(static_cast<Operator*>(nullptr), [&] {
        auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
        auto result = std::make_unique<Operator>(Operator { handle, {}, handle.schema().arguments().size() });
        for (auto& argument : handle.schema().arguments()) {
            auto& value = argument.default_value();
            result->defaults.push_back(value ? *value : c10::IValue());
        }
        return result.release();
    });
}

// Returns how many results were written (at most `room`; others are dropped), or -1.
EXPORT int tsc_call(Operator* op, const Value* arguments, int count, Value* results, int room)
{
    return guarded(-1, [&] {
        TORCH_CHECK(static_cast<size_t>(count) <= op->arguments, op->handle.schema(), " was given ", count, " arguments");
        torch::jit::Stack stack;
        stack.reserve(op->arguments);
        for (int i = 0; i < count; i++) stack.push_back(to_ivalue(arguments[i]));
        for (size_t i = count; i < op->arguments; i++) stack.push_back(op->defaults[i]);
        op->handle.callBoxed(stack);
        int written = 0;
        for (auto& result : stack)
            if (written < room) results[written++] = to_value(std::move(result));
        return written;
    });
}

EXPORT void tsc_free_list(void* list) { free(list); }

// ---- handles ----

EXPORT void tsc_dispose(Handle handle)
{
    live.fetch_sub(1, std::memory_order_relaxed);
    c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle);
}

EXPORT int64_t tsc_live() { return live.load(); }

EXPORT Handle tsc_alias(Handle handle) { return own(borrow(handle)); }

EXPORT void* tsc_data(Handle handle)
{
    return guarded(static_cast<void*>(nullptr), [&] { return handle->has_storage() ? handle->data() : nullptr; });
}

EXPORT int64_t tsc_dim(Handle handle) { return handle->dim(); }
EXPORT int64_t tsc_numel(Handle handle) { return handle->numel(); }
EXPORT int64_t tsc_storage_offset(Handle handle) { return handle->storage_offset(); }
EXPORT int tsc_dtype(Handle handle) { return static_cast<int>(c10::typeMetaToScalarType(handle->dtype())); }
EXPORT int tsc_device(Handle handle) { return static_cast<int>(handle->device().type()) | handle->device().index() << 8; }
EXPORT int tsc_is_contiguous(Handle handle) { return handle->is_contiguous(); }
EXPORT void tsc_sizes(Handle handle, int64_t* sizes) { std::copy(handle->sizes().begin(), handle->sizes().end(), sizes); }

EXPORT int tsc_strides(Handle handle, int64_t* strides)
{
    return guarded(-1, [&] {
        std::copy(handle->strides().begin(), handle->strides().end(), strides);
        return 0;
    });
}

EXPORT Handle tsc_from_memory(const void* data, const int64_t* sizes, int count, int dtype)
{
    return guarded(static_cast<Handle>(nullptr), [&] {
        auto shape = at::IntArrayRef(sizes, count);
        at::NoGradGuard guard;
        return own(at::from_blob(const_cast<void*>(data), shape, static_cast<at::ScalarType>(dtype)).clone());
    });
}

// ---- generators and threads ----

EXPORT at::Generator* tsc_generator(uint64_t seed)
{
    return guarded(static_cast<at::Generator*>(nullptr), [&] { return new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed)); });
}

EXPORT at::Generator* tsc_default_generator() { return new at::Generator(at::detail::getDefaultCPUGenerator()); }
EXPORT void tsc_free_generator(at::Generator* generator) { delete generator; }

EXPORT void tsc_seed(at::Generator* generator, uint64_t seed)
{
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_current_seed(seed);
}

EXPORT uint64_t tsc_initial_seed(at::Generator* generator) { return generator->current_seed(); }
EXPORT Handle tsc_generator_state(at::Generator* generator) { return guarded(Handle{}, [&] { return own(generator->get_state()); }); }

EXPORT int tsc_set_generator_state(at::Generator* generator, Handle state)
{
    return guarded(-1, [&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_state(borrow(state));
        return 0;
    });
}

EXPORT int tsc_get_num_threads() { return at::get_num_threads(); }
EXPORT void tsc_set_num_threads(int count) { at::set_num_threads(count); }
EXPORT int tsc_get_num_interop_threads() { return at::get_num_interop_threads(); }

EXPORT int tsc_set_num_interop_threads(int count)
{
    return guarded(-1, [&] { at::set_num_interop_threads(count); return 0; });
}
