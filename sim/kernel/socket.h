// Stream sockets: what AF_UNIX (unix_socket.h) and AF_INET (inet_socket.h) have in common.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernel/file.h"

namespace aiosim::kernel {

class InetSocket;
class UnixSocket;

struct SocketAddress {
  sockaddr_storage data{};
  socklen_t size = 0;
};

/// A connection that this side has ended first: nobody else has its port until the world ends.
struct TimeWait {
  sockaddr_in local;
  bool reuses_address;
};

/// Who is bound to what, in a world.
struct SocketNames {
  std::map<std::string, UnixSocket*> abstract;  // by sun_path, the 0 in front included
  std::vector<InetSocket*> ports;
  std::vector<TimeWait> time_wait;
  std::uint16_t next_port = 32768;  // ip_local_port_range
  std::uint32_t next_name = 0;      // of a bind to no name

  void reset() { *this = SocketNames(); }
};

/// Calls return what the system call does: >= 0, or -errno.
class Socket : public File {
 public:
  using File::File;

  virtual int family() const = 0;
  virtual int bind(const SocketAddress& address) = 0;
  virtual int listen(int backlog) = 0;
  /// -EAGAIN, if `waits`: again once can_connect().
  virtual int connect(const SocketAddress& address, bool waits) = 0;
  virtual bool can_connect(const SocketAddress& address) = 0;
  /// A connection off the queue, without an fd; else null, and why. -EAGAIN, if `waits`: again
  /// once can_accept().
  virtual Socket* accept(bool waits, int& error) = 0;
  virtual bool can_accept() const = 0;
  virtual bool accepts() const = 0;
  virtual int shutdown(int how) = 0;
  virtual int name(bool of_peer, SocketAddress& address) const = 0;
  /// What recvmsg says about the sender; size 0: nothing.
  virtual SocketAddress sender() const { return {}; }
  /// Options of the family; `name` is not one of those that all have (socket_options.cc).
  virtual void set_send_buffer(int) {}

  bool is_stream() const override { return true; }
  void wake_up(std::uint32_t mask) {
    woken();
    wake(mask);
  }
  void wake_up_all() {
    woken();
    wake_all();
  }
  /// SO_ERROR: says it once.
  int take_error() {
    const int error = error_;
    error_ = 0;
    return error;
  }

  std::map<std::pair<int, int>, int> options;  // as set, by level and name
  int send_buffer = 212992;                    // net.core.wmem_default
  int receive_buffer = 212992;

 protected:
  static constexpr std::uint32_t readable = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
  static constexpr std::uint32_t writable = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

  /// Whatever woke a sleeper of this socket (a blocked writer looks again).
  virtual void woken() {}
  bool shut_both() const { return shut_read_ && shut_write_; }

  bool shut_read_ = false;
  bool shut_write_ = false;
  int error_ = 0;
};

}  // namespace aiosim::kernel
