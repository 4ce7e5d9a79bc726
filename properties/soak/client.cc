// Clients of the echo server.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "aiosim/choice.h"
#include "soak/users.h"

namespace soak {
namespace {

constexpr std::size_t most_connections = 20;
constexpr std::uint64_t longest_message = 6'000;
constexpr std::uint64_t most_unread = 4 * longest_message;  // far less than sockets hold

/// The stream that a connection sends, by position.
char byte_at(std::uint64_t stream, std::uint64_t position) {
  return static_cast<char>(aiosim::mix64(stream + position / 8) >> (position % 8 * 8));
}

class Client {
 public:
  Client(Loop& loop, std::uint64_t stream, bool tcp) : loop_(loop), stream_(stream) {
    tcp ? open_tcp() : open_pair();
    loop_.ledger.promise(Kind::connections);
    loop_.ledger.cause(4);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_message(std::uint64_t size) {
    std::array<char, longest_message> bytes;
    for (std::uint64_t i = 0; i < size; ++i) bytes[i] = byte_at(stream_, sent_ + i);
    loop_.ledger.promise(Kind::messages);
    for (std::uint64_t put = 0; put < size;) {
      const ssize_t n = send(fd_, bytes.data() + put, size - put, MSG_NOSIGNAL);
      loop_.ledger.cause(3);
      if (n < 0 && errno != EINTR) fail("send: " + std::string(std::strerror(errno)));
      if (n > 0) put += static_cast<std::uint64_t>(n);
    }
    sent_ += size;
    ++messages_;
    if (sent_ - received_ > most_unread - longest_message) read_back();
  }

  /// The message is on the books, but never sent.
  void lose_message(std::uint64_t size) {
    loop_.ledger.promise(Kind::messages);
    sent_ += size;
    ++messages_;
  }

  void read_back() {
    while (received_ < sent_) {
      if (!receive()) {
        fail("a message was lost: a connection ended after " + std::to_string(received_) + " of " +
             std::to_string(sent_) + " bytes");
      }
    }
    for (; messages_ > 0; --messages_) loop_.ledger.keep(Kind::messages);
  }

  /// Everything must come back, then the end.
  void finish() {
    shutdown(fd_, SHUT_WR);
    loop_.ledger.cause(2);
    read_back();
    if (receive()) fail("an echo came back longer than what was sent");
    loop_.ledger.keep(Kind::connections);
  }

  /// Closes with its echoes unread: they are nobody's any more.
  void leave_rudely() {
    loop_.ledger.cause(4);
    for (; messages_ > 0; --messages_) loop_.ledger.keep(Kind::messages);
    loop_.ledger.keep(Kind::connections);
  }

 private:
  void open_tcp() {
    for (;;) {
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd_ < 0 && errno == EMFILE) continue;
      if (fd_ < 0) fail("socket: " + std::string(std::strerror(errno)));
      const sockaddr_in address = echo::loopback(loop_.port());
      loop_.ledger.cause(3);
      if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      if (errno != ECONNREFUSED && errno != EINTR) {
        fail("connect: " + std::string(std::strerror(errno)));
      }
      close(fd_);
    }
  }

  void open_pair() {
    std::array<int, 2> pair{};
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      if (errno != EMFILE) fail("socketpair: " + std::string(std::strerror(errno)));
    }
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    fd_ = pair[0];
    loop_.adopt(pair[1]);
  }

  /// Some bytes of the stream; false at its end.
  bool receive() {
    std::array<char, longest_message> bytes;
    ssize_t n;
    do {
      n = recv(fd_, bytes.data(), bytes.size(), 0);
    } while (n < 0 && errno == EINTR);
    loop_.ledger.cause();
    if (n < 0) fail("recv: " + std::string(std::strerror(errno)));
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(n); ++i, ++received_) {
      if (bytes[i] == byte_at(stream_, received_)) continue;
      fail("a message was lost: byte " + std::to_string(received_) +
           " of a connection is not the one that was sent there");
    }
    return n > 0;
  }

  Loop& loop_;
  const std::uint64_t stream_;
  int fd_ = -1;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  int messages_ = 0;  // sent and not read back
};

}  // namespace

void run_client(Loop& loop, const Work& work) {
  const Storm storm(work.storm_ns);
  aiosim::Random random(work.seed);
  std::array<std::unique_ptr<Client>, most_connections> clients;
  for (int step = 0; step < work.steps; ++step) {
    auto& client = clients[random.below(most_connections)];
    if (client == nullptr) {
      client = std::make_unique<Client>(loop, random.next(), random.chance(400'000));
    }
    const std::uint64_t size = 1 + random.below(longest_message);
    if (work.plant == Plant::lose && step == work.steps / 2) client->lose_message(size);
    client->send_message(size);
    if (random.chance(500'000)) client->read_back();
    if (random.chance(100'000)) {
      client->finish();
      client.reset();
    } else if (random.chance(30'000)) {
      client->leave_rudely();
      client.reset();
    }
  }
  for (auto& client : clients) {
    if (client != nullptr) client->finish();
  }
}

}  // namespace soak
