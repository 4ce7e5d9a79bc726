// AF_UNIX stream sockets: pairs, and abstract names. Paths are not simulated.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "kernel/socket.h"

namespace aiosim::kernel {

/// Data lies in packets, as in Linux: how much fits is counted in what the packets cost the sender,
/// and a packet costs until its last byte is read.
class UnixSocket final : public Socket {
 public:
  using Socket::Socket;
  static void pair(UnixSocket& a, UnixSocket& b);

  int family() const override { return AF_UNIX; }
  std::uint32_t readiness(bool scan) override;
  ssize_t read(Io& io) override;
  ssize_t write(Io& io) override;
  bool can_read() override;
  bool can_write(const Io& io) override;
  void closed() override { release(false); }
  int unread() override;
  memory::Message& to_reader() override;
  memory::Message& to_writer() override;

  int bind(const SocketAddress& address) override;
  int listen(int backlog) override;
  int connect(const SocketAddress& address, bool waits) override;
  bool can_connect(const SocketAddress& address) override;
  Socket* accept(bool waits, int& error) override;
  bool can_accept() const override { return !pending_.empty() || shut_read_; }
  bool accepts() const override { return phase_ == Phase::listening; }
  int shutdown(int how) override;
  int name(bool of_peer, SocketAddress& address) const override;
  SocketAddress sender() const override;
  void set_send_buffer(int bytes) override;

 private:
  enum class Phase : std::uint8_t { closed, listening, connected };
  struct Packet {
    std::vector<char> bytes;
    std::size_t begin = 0;
    std::size_t cost = 0;
  };

  void woken() override;
  void release(bool embryo);
  /// What a packet of `size` bytes costs its sender (Linux: skb->truesize).
  static std::size_t cost_of(std::size_t size);
  void send_packet(Io& io, std::size_t size);
  void pay_back(std::size_t cost);
  UnixSocket* find(const SocketAddress& address) const;
  bool queue_is_full() const { return pending_.size() > backlog_; }

  Phase phase_ = Phase::closed;
  bool dead_ = false;
  bool room_seen_ = false;  // a blocked writer was woken and found room
  UnixSocket* peer_ = nullptr;
  std::deque<Packet> packets_;
  std::deque<UnixSocket*> pending_;  // connected, not accepted
  std::size_t backlog_ = 0;
  std::size_t owed_ = 0;             // the cost of what was sent and not read
  std::size_t unread_ = 0;
  std::optional<SocketAddress> name_;
};

}  // namespace aiosim::kernel
