// Hooks of -fsanitize=thread, for tests that call them as an instrumented program would.
#pragma once

#include <cstdint>

extern "C" {
std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t*, int);
void __tsan_atomic32_store(volatile std::uint32_t*, std::uint32_t, int);
std::uint32_t __tsan_atomic32_fetch_add(volatile std::uint32_t*, std::uint32_t, int);
std::uint32_t __tsan_atomic32_exchange(volatile std::uint32_t*, std::uint32_t, int);
int __tsan_atomic32_compare_exchange_strong(volatile std::uint32_t*, std::uint32_t*, std::uint32_t,
                                            int, int);
int __tsan_atomic32_compare_exchange_weak(volatile std::uint32_t*, std::uint32_t*, std::uint32_t,
                                          int, int);
void __tsan_atomic_thread_fence(int);
void __tsan_read4(void*);
void __tsan_write4(void*);
}
