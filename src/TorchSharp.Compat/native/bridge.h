// What crosses the border: tagged values, tensor handles, and one error message a thread.
#pragma once
#include <ATen/ATen.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

// A handle is an owned TensorImpl*: one reference count, no box around it.
using Handle = c10::TensorImpl*;

enum Tag : int32_t { None, Tensor, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, Generator, Device, Complex };

// The managed side lays out the same 16 bytes.
struct Value {
    Tag tag;
    int32_t count;
    union {
        int64_t i;
        double d;
        void* p;
    };
};

Handle own(at::Tensor tensor);
at::Tensor borrow(Handle handle);
void set_error(const char* message);

// C++ exceptions must not cross into .NET: the message is kept, the caller sees `failed`.
template <class F, class R>
R guarded(R failed, F body) noexcept
{
    try {
        return body();
    } catch (const c10::Error& e) {
        set_error(e.what_without_backtrace());
    } catch (const std::exception& e) {
        set_error(e.what());
    } catch (...) {
        set_error("unknown native error");
    }
    return failed;
}
