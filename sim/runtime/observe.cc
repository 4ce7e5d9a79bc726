#include "aiosim/observe.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "kernel/kernel.h"
#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim {

using runtime::g_current;
using runtime::world;

bool in_world() { return g_current != nullptr; }

std::uint32_t thread_index() { return g_current != nullptr ? g_current->id : 0; }

void pass_time(std::int64_t ns) {
  if (g_current != nullptr) world().pass_time(ns);
}

std::int64_t now_ns() {
  if (g_current != nullptr) return world().now_ns();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::uint64_t step() { return g_current != nullptr ? world().step() : 0; }

std::int64_t blocked_ns() { return g_current != nullptr ? g_current->blocked_total_ns : 0; }

std::size_t open_fds() {
  return g_current != nullptr ? world().kernel->open_fds().size() : 0;
}

std::string closed_twice() {
  return g_current != nullptr ? world().kernel->closed_twice() : std::string();
}

bool is_blocked(std::uint32_t thread) {
  if (g_current == nullptr || thread >= world().thread_count()) return false;
  return world().thread(thread).state == runtime::Thread::State::blocked;
}

std::string_view blocked_in(std::uint32_t thread) {
  if (!is_blocked(thread)) return {};
  const runtime::Thread& other = world().thread(thread);
  if (other.spins || other.unseen || other.wait.operation == nullptr) return {};
  return other.wait.operation;
}

HarnessScope::HarnessScope() : saved_(g_current != nullptr ? g_current->harness : 0) {
  if (g_current != nullptr) g_current->harness = 1;
}
HarnessScope::~HarnessScope() {
  if (g_current != nullptr) g_current->harness = saved_;
}

UnderTestScope::UnderTestScope() : saved_(g_current != nullptr ? g_current->harness : 0) {
  if (g_current != nullptr) g_current->harness = 0;
}
UnderTestScope::~UnderTestScope() {
  if (g_current != nullptr) g_current->harness = saved_;
}

void note(const char* label, std::int64_t a, std::int64_t b) {
  if (g_current != nullptr) world().record(label, {}, a, b, nullptr);
}

void shares(std::uint32_t state, bool writes) {
  if (g_current != nullptr) world().touch({runtime::ObjectType::harness, state}, writes);
}

void name_thread(std::string_view name) {
  if (g_current == nullptr) return;
  const std::size_t size = std::min(name.size(), sizeof g_current->name - 1);
  std::memcpy(g_current->name, name.data(), size);
  g_current->name[size] = '\0';
}

void stop_run(Verdict verdict) {
  if (g_current != nullptr) world().fail(std::move(verdict));
  throw RunStopped{std::move(verdict)};
}

void on_time_jump(std::function<void(const TimeJump&)> probe) {
  if (g_current == nullptr) return;
  const runtime::RuntimeScope scope;
  world().time_jump_probe = std::move(probe);
}

void on_kernel_call(std::function<void(const KernelCall&)> probe) {
  if (g_current == nullptr) return;
  const runtime::RuntimeScope scope;
  world().kernel_call_probe = std::move(probe);
}

}  // namespace aiosim
