#include "faults.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#define PLANTED [[gnu::noinline]]

// clang 14 declares it with -fsized-deallocation only.
void operator delete(void* block, std::size_t size) noexcept;

namespace planted {

struct Node {
  std::unique_ptr<Node> next;
  std::uint64_t value = 0;
};

// The compilers know what malloc and free do, and would take these programs apart.
template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

// Not a tail call: the caller's frame stays on the stack.
void stay() { asm volatile("" : : : "memory"); }

// --- use after free

PLANTED Node* make_node() {
  Node* const node = opaque(new Node);
  node->value = 1;
  return node;
}
PLANTED void drop_node(Node* node) {
  delete opaque(node);
  stay();
}
PLANTED void read_node(Node* node) {
  if (node->value == 77) std::abort();
  stay();
}

void use_after_free() {
  Node* const node = make_node();
  Node* const stale = opaque(node);
  std::thread([node] { drop_node(node); }).join();
  read_node(stale);
}
void use_before_free() {
  Node* const node = make_node();
  read_node(node);
  std::thread([node] { drop_node(node); }).join();
}

PLANTED void read_atomic(std::atomic<int>* word) {
  word->load(std::memory_order_relaxed);
  stay();
}
PLANTED void drop_atomic(std::atomic<int>* word) {
  delete opaque(word);
  stay();
}
void atomic_use_after_free() {
  auto* const word = opaque(new std::atomic<int>(1));
  drop_atomic(word);
  read_atomic(opaque(word));
}

// --- frees

PLANTED char* make_bytes(std::size_t size) {
  auto* const bytes = static_cast<char*>(std::malloc(size));
  stay();
  return opaque(bytes);
}
PLANTED void drop_bytes(void* bytes) {
  std::free(opaque(bytes));
  stay();
}
void double_free() {
  char* const bytes = make_bytes(48);
  drop_bytes(bytes);
  drop_bytes(bytes);
}
void free_inside() { drop_bytes(make_bytes(64) + 16); }
void free_local() {
  char bytes[64];
  drop_bytes(opaque(bytes));
}
void free_static() {
  static char bytes[64];
  drop_bytes(opaque(bytes));
}
void free_what_new_gave() { drop_bytes(make_node()); }
void delete_array_as_object() {
  auto* const many = opaque(new std::uint64_t[4]);
  delete many;
}
PLANTED void drop_sized(void* block) {
  ::operator delete (block, std::size_t{8});
  stay();
}
void delete_with_another_size() { drop_sized(make_node()); }
void free_all_forms() {
  drop_bytes(make_bytes(64));
  drop_bytes(make_bytes(0));
  drop_bytes(std::realloc(make_bytes(10), 100));
  drop_bytes(std::aligned_alloc(256, 512));
  drop_bytes(nullptr);
  drop_node(make_node());
  delete[] opaque(new std::uint64_t[4]);
  struct alignas(128) Wide {
    char bytes[256];
  };
  delete opaque(new Wide);
  delete[] opaque(new Wide[3]);
  delete opaque(new (std::nothrow) int(1));
}

// --- bounds

PLANTED void write_byte(char* at) {
  *at = 1;
  stay();
}
void write_past_end() {
  char* const bytes = make_bytes(61);
  write_byte(bytes + 61);
  drop_bytes(bytes);
}
void write_far_past_end() {
  char* const bytes = make_bytes(256);
  write_byte(bytes + 256 + 40);
}
void write_before_begin() {
  make_bytes(64);
  char* const bytes = make_bytes(64);
  write_byte(bytes - 1);
}
PLANTED std::uint64_t read_word(const char* at) {
  std::uint64_t value;
  std::memcpy(&value, opaque(at), sizeof value);
  stay();
  return value;
}
void read_across_the_end() {
  char* const bytes = make_bytes(12);
  if (read_word(bytes + 8) == 77) std::abort();
}
PLANTED void fill(char* at, std::size_t size) {
  std::memset(at, 1, size);
  stay();
}
void fill_past_end() {
  char* const bytes = make_bytes(100);
  fill(opaque(bytes), *opaque(new std::size_t(101)));
}
PLANTED void read_atomic_past_end(std::atomic<int>* words) {
  words[4].load(std::memory_order_relaxed);
  stay();
}
void atomic_past_end() { read_atomic_past_end(opaque(new std::atomic<int>[4])); }
void use_all_bytes() {
  for (std::size_t size = 1; size < 70; ++size) {
    char* const bytes = make_bytes(size);
    for (std::size_t i = 0; i < size; ++i) write_byte(bytes + i);
    fill(bytes, size);
    drop_bytes(bytes);
  }
  auto* const words = opaque(new std::atomic<int>[3]);
  for (int i = 0; i < 3; ++i) read_atomic(words + i);
  delete[] words;
}

// --- leaks

PLANTED void forget_node() {
  Node* const node = make_node();
  node->next.reset(make_node());
}
void leak() { forget_node(); }
void leak_of_a_thread() {
  std::thread([] { forget_node(); }).join();
}
void leak_of_a_ring() {
  Node* const first = make_node();
  Node* const second = make_node();
  first->next.reset(second);
  second->next.reset(first);
}
std::vector<Node*> registry;
void held_by_a_static() {
  registry.push_back(make_node());
  registry.push_back(make_node());
}
thread_local std::unique_ptr<Node> of_this_thread;
void held_by_a_thread_local() {
  of_this_thread.reset(make_node());
  std::thread([] { of_this_thread.reset(make_node()); }).join();
}
// The thread is not joined and waits when the first one is done: what its stack holds is in use.
std::atomic<int> never{0};
void held_by_a_thread() {
  std::thread([] {
    std::unique_ptr<Node> mine(make_node());
    never.wait(0);
  }).detach();
  std::this_thread::yield();
}

// --- use after return

PLANTED int* address_of_local() {
  int locals[64] = {1};  // the first lies below the frames of the calls that follow
  int* const at = opaque(locals);
  stay();
  return opaque(at);
}
PLANTED void write_int(int* at) {
  *at = 2;
  stay();
}
void own_frame_has_returned() { write_int(address_of_local()); }

struct Waiter {
  std::atomic<int> done{0};
  char more[200];
};
std::atomic<Waiter*> waiting{nullptr};
// Gives up, although somebody may still answer.
PLANTED void ask_and_give_up() {
  Waiter waiter;
  waiting.store(opaque(&waiter));
  stay();
}
PLANTED void ask_and_wait() {
  Waiter waiter;
  waiting.store(opaque(&waiter));
  while (waiter.done.load() == 0) std::this_thread::yield();
  stay();
}
PLANTED void answer() {
  Waiter* waiter;
  while ((waiter = waiting.load()) == nullptr) std::this_thread::yield();
  waiter->done.store(1);
  stay();
}
void another_frame_has_returned() {
  std::thread other(answer);
  ask_and_give_up();
  other.join();
}
void another_frame_waits() {
  std::thread other(answer);
  ask_and_wait();
  other.join();
}
int* of_another = nullptr;
void thread_has_ended() {
  std::thread([] {
    int local = 1;
    of_another = opaque(&local);
  }).join();
  write_int(of_another);
}
PLANTED void fill_ints(int* at, int depth) {
  int own[8];
  fill(reinterpret_cast<char*>(opaque(own)), sizeof own);
  *at += own[0] == 77 ? 1 : 0;
  if (depth > 0) fill_ints(depth % 2 == 0 ? at : own, depth - 1);
  stay();
}
void own_frames_are_alive() {
  int local = 0;
  fill_ints(opaque(&local), 8);
  std::thread([&local] { fill_ints(&local, 4); }).join();
}

// --- no memory

void survive_without_memory() {
  char* const bytes = make_bytes(16);
  std::free(opaque(bytes));
  int* one = nullptr;
  try {
    one = opaque(new int(1));
  } catch (const std::bad_alloc&) {
  }
  delete one;
}
void die_without_memory() {
  char* const bytes = make_bytes(16);
  write_byte(bytes);
  drop_bytes(bytes);
}

const aiosim::lifetime::Program programs[] = {
    {"own_frame_has_returned", own_frame_has_returned},
    {"another_frame_has_returned", another_frame_has_returned},
    {"another_frame_waits", another_frame_waits},
    {"thread_has_ended", thread_has_ended},
    {"own_frames_are_alive", own_frames_are_alive},
    {"survive_without_memory", survive_without_memory},
    {"die_without_memory", die_without_memory},
    {"use_after_free", use_after_free},
    {"use_before_free", use_before_free},
    {"atomic_use_after_free", atomic_use_after_free},
    {"double_free", double_free},
    {"free_inside", free_inside},
    {"free_local", free_local},
    {"free_static", free_static},
    {"free_what_new_gave", free_what_new_gave},
    {"delete_array_as_object", delete_array_as_object},
    {"delete_with_another_size", delete_with_another_size},
    {"free_all_forms", free_all_forms},
    {"write_past_end", write_past_end},
    {"write_far_past_end", write_far_past_end},
    {"write_before_begin", write_before_begin},
    {"read_across_the_end", read_across_the_end},
    {"fill_past_end", fill_past_end},
    {"atomic_past_end", atomic_past_end},
    {"use_all_bytes", use_all_bytes},
    {"leak", leak},
    {"leak_of_a_thread", leak_of_a_thread},
    {"leak_of_a_ring", leak_of_a_ring},
    {"held_by_a_static", held_by_a_static},
    {"held_by_a_thread_local", held_by_a_thread_local},
    {"held_by_a_thread", held_by_a_thread},
};

}  // namespace planted

extern "C" const aiosim::lifetime::Programs lifetime_programs = {std::begin(planted::programs),
                                                                 std::end(planted::programs)};
