// A TCP echo server on one aio::Context.
//
//   echo PORT           serves 127.0.0.1:PORT (0: any free port, printed) until killed
//   echo --self-test    serves a client thread of its own for 1,000 round trips, then exits 0
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "aio/context.h"
#include "aio/fd_watch.h"

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
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

  /// The connection's last act: `this` of the caller is gone afterwards.
  void forget(int fd) {
    connections_.erase(fd);
    ++served_;
  }

  [[nodiscard]] int served() const { return served_; }

 private:
  void accept_one() {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) connections_[fd] = std::make_unique<Connection>(*this, fd);
  }

  aio::Context& context_;
  int fd_ = -1;
  aio::FdWatch watch_;
  int served_ = 0;
  std::map<int, std::unique_ptr<Connection>> connections_;
};

Connection::~Connection() {
  watch_.reset();
  close(fd_);
}

void Connection::wait_for_input() {
  aio::FdCallbacks callbacks;
  callbacks.io_read = [](void* self) { static_cast<Connection*>(self)->read_some(); };
  callbacks.opaque = this;
  watch_ = aio::FdWatch(server_.context(), fd_, callbacks);
}

void Connection::wait_for_room() {
  aio::FdCallbacks callbacks;
  callbacks.io_write = [](void* self) { static_cast<Connection*>(self)->write_some(); };
  callbacks.opaque = this;
  watch_ = aio::FdWatch(server_.context(), fd_, callbacks);
}

void Connection::read_some() {
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

void Connection::write_some() {
  const ssize_t put = send(fd_, buffer_.data() + begin_, end_ - begin_, MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (put < 0) {
    server_.forget(fd_);
    return;
  }
  begin_ += static_cast<std::size_t>(put);
  if (begin_ == end_) wait_for_input();
}

/// Sends `rounds` messages and compares what comes back. True if all is well.
bool run_client(std::uint16_t port, int rounds) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  bool good = fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  for (int round = 0; good && round < rounds; ++round) {
    const std::string message = "round " + std::to_string(round);
    good = send(fd, message.data(), message.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(message.size());
    std::string echoed(message.size(), '\0');
    good = good && recv(fd, echoed.data(), echoed.size(), MSG_WAITALL) ==
                       static_cast<ssize_t>(echoed.size());
    good = good && echoed == message;
  }
  if (fd >= 0) close(fd);
  return good;
}

int self_test() {
  constexpr int rounds = 1000;
  aio::Context context;
  EchoServer server(context, 0);
  std::atomic<bool> client_done{false};
  bool good = false;
  std::thread client([&, port = server.port()] {
    good = run_client(port, rounds);
    client_done.store(true, std::memory_order_release);
    context.notify();
  });
  while (!client_done.load(std::memory_order_acquire) || (good && server.served() == 0)) {
    context.poll(true);
  }
  client.join();
  std::printf("echo: %d round trips %s\n", rounds, good ? "ok" : "FAILED");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int serve(std::uint16_t port) {
  aio::Context context;
  EchoServer server(context, port);
  std::printf("echo: listening on 127.0.0.1:%d\n", int{server.port()});
  std::fflush(stdout);
  for (;;) context.poll(true);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::strcmp(argv[1], "--self-test") == 0) return self_test();
    if (argc == 2) return serve(static_cast<std::uint16_t>(std::atoi(argv[1])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo: %s\n", error.what());
    return EXIT_FAILURE;
  }
  std::fprintf(stderr, "usage: echo PORT | --self-test\n");
  return 2;
}
