// An echo server on one aio::Context: TCP connections to 127.0.0.1, and sockets that it is handed.
//
//   home thread of the context    all of it
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <system_error>

#include "aio/context.h"
#include "aio/fd_watch.h"

namespace echo {

[[noreturn]] inline void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class EchoServer;

/// One client: reads until its buffer is full or the peer pauses, writes it back, reads again.
class Connection {
 public:
  Connection(EchoServer& server, int fd) : server_(server), fd_(fd) { wait_for_input(); }
  ~Connection();

 private:
  void wait_for_input();
  void wait_for_room();
  void read_some();
  void write_some();

  EchoServer& server_;
  int fd_;
  aio::FdWatch watch_;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class EchoServer {
 public:
  /// Listens on `port` of 127.0.0.1; 0: any free one. Throws std::system_error.
  EchoServer(aio::Context& context, std::uint16_t port) : context_(context) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail("socket");
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback(port);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    if (listen(fd_, SOMAXCONN) != 0) fail("listen");
    aio::FdCallbacks callbacks;
    callbacks.io_read = [](void* server) { static_cast<EchoServer*>(server)->accept_one(); };
    callbacks.opaque = this;
    watch_ = aio::FdWatch(context_, fd_, callbacks);
  }

  ~EchoServer() {
    connections_.clear();
    watch_.reset();
    close(fd_);
  }

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
    return ntohs(address.sin_port);
  }

  aio::Context& context() { return context_; }

  /// Serves a connected, non-blocking stream socket, which is the server's from now on.
  void adopt(int fd) { connections_[fd] = std::make_unique<Connection>(*this, fd); }

  /// The connection's last act: `this` of the caller is gone afterwards.
  void forget(int fd) {
    connections_.erase(fd);
    ++served_;
  }

  [[nodiscard]] int served() const { return served_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  void accept_one() {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) adopt(fd);
  }

  aio::Context& context_;
  int fd_ = -1;
  aio::FdWatch watch_;
  int served_ = 0;
  std::map<int, std::unique_ptr<Connection>> connections_;
};

inline Connection::~Connection() {
  watch_.reset();
  close(fd_);
}

inline void Connection::wait_for_input() {
  aio::FdCallbacks callbacks;
  callbacks.io_read = [](void* self) { static_cast<Connection*>(self)->read_some(); };
  callbacks.opaque = this;
  watch_ = aio::FdWatch(server_.context(), fd_, callbacks);
}

inline void Connection::wait_for_room() {
  aio::FdCallbacks callbacks;
  callbacks.io_write = [](void* self) { static_cast<Connection*>(self)->write_some(); };
  callbacks.opaque = this;
  watch_ = aio::FdWatch(server_.context(), fd_, callbacks);
}

inline void Connection::read_some() {
  const ssize_t got = read(fd_, buffer_.data(), buffer_.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    server_.forget(fd_);
    return;
  }
  begin_ = 0;
  end_ = static_cast<std::size_t>(got);
  wait_for_room();
}

inline void Connection::write_some() {
  const ssize_t put = send(fd_, buffer_.data() + begin_, end_ - begin_, MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (put < 0) {
    server_.forget(fd_);
    return;
  }
  begin_ += static_cast<std::size_t>(put);
  if (begin_ == end_) wait_for_input();
}

}  // namespace echo
