// Makes the calls of a sequence, wherever it runs: outside a world they reach Linux, in one the
// simulated kernel. Allocates nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel_agrees/steps.h"

namespace kernel_agrees {

inline constexpr std::size_t most_figures = 64;  // a step

/// What a call gave: results, -errno, revents, events, hashes of bytes.
struct Figures {
  std::size_t count = 0;
  std::array<long, most_figures> at{};
  void add(long figure) {
    if (count < most_figures) at[count++] = figure;
  }
  bool operator==(const Figures& other) const;
};

/// A call that was left out, as the main thread would block in it, or its thread is busy.
inline constexpr long left_out = -100'000;

/// Errors that a test plants in one of the worlds.
enum class Plant : std::uint8_t { none, edge_is_level, close_forgets_dup, hang_up_unseen };

/// What all threads of a sequence share.
struct Shared {
  int shift = 0;        // added to an fd of a step
  unsigned tag = 0;     // of AF_UNIX names: this process's
  Plant plant = Plant::none;
  bool small = false;   // sockets get small pieces only: this Linux counts their room differently
  bool is_linux = false;
  std::array<std::atomic<int>, 64> inet{};  // AF_INET sockets, real numbers; 0: none
  std::array<int, 64> ports{};              // in the order they were seen
  std::size_t ports_used = 0;
};

class Runner {
 public:
  Runner(Shared& shared, int thread) : shared_(shared), thread_(thread) {}

  /// `number` of the step in its sequence.
  void run(const Step& step, std::size_t number, Figures& out);

 private:
  bool is_main() const { return thread_ == 0; }
  int real(int fd) const { return fd < 0 ? fd : fd + shared_.shift; }
  void make(int fd, Figures& out) const { out.add(fd < 0 ? outcome(fd) : fd - shared_.shift); }
  static long outcome(long result);
  bool would_block(int fd, short events) const;
  bool is_blocking(int fd) const;
  bool is_pipe(int fd) const;
  static int family(int real_fd);

  void run_fd_call(const Step& step, std::size_t number, Figures& out);
  void run_socket_call(const Step& step, std::size_t number, Figures& out);
  void make_pair(const Step& step, Figures& out);
  void timer(const Step& step, Figures& out) const;
  void take(const Step& step, Figures& out);
  void give(const Step& step, std::size_t number, Figures& out);
  std::size_t fill(const Step& step, std::size_t number);
  void add_bytes(long count, Figures& out) const;
  void close(const Step& step, Figures& out) const;
  void control(const Step& step, std::size_t number, Figures& out) const;
  void wait(const Step& step, Figures& out) const;
  void look(const Step& step, Figures& out) const;
  void new_inet(int fd);
  void make_socket(const Step& step, Figures& out);
  void bind(const Step& step, std::size_t number, Figures& out) const;
  void connect(const Step& step, Figures& out) const;
  void accept(const Step& step, Figures& out);
  void send(const Step& step, std::size_t number, Figures& out);
  void receive(const Step& step, Figures& out);
  void tell_name(const Step& step, Figures& out);
  void get_option(const Step& step, Figures& out) const;
  void set_option(const Step& step, Figures& out) const;
  int message_flags(const Step& step) const;
  long port_number(int port);

  Shared& shared_;
  int thread_;
  std::array<unsigned char, 70000> data_{};
};

}  // namespace kernel_agrees
