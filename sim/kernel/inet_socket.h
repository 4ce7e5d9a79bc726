// AF_INET stream sockets on the loopback: TCP whose segments arrive at once and in order.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <string>

#include "kernel/socket.h"

namespace aiosim::kernel {

///   closed -> listening
///   closed -> syn_sent -> established -> fin_wait (ours was sent) -> closed (theirs came)
///                         established -> close_wait (theirs came) -> closed (ours was sent)
/// A reset leads to closed from everywhere. Who closes with unread data, or gets data after it has
/// closed, resets the other.
class InetSocket final : public Socket {
 public:
  InetSocket(State& state, int open_flags);

  int family() const override { return AF_INET; }
  std::uint32_t readiness(bool scan) override;
  ssize_t read(Io& io) override;
  ssize_t write(Io& io) override;
  bool can_read() override;
  bool can_write(const Io& io) override;
  void closed() override;
  int unread() override;
  memory::Message& to_reader() override;
  memory::Message& to_writer() override;

  int bind(const SocketAddress& address) override;
  int listen(int backlog) override;
  int connect(const SocketAddress& address, bool waits) override;
  bool can_connect(const SocketAddress&) override { return phase_ != Phase::syn_sent; }
  Socket* accept(bool waits, int& error) override;
  bool can_accept() const override { return !pending_.empty() || !accepts(); }
  bool accepts() const override { return phase_ == Phase::listening; }
  int shutdown(int how) override;
  int name(bool of_peer, SocketAddress& address) const override;

 private:
  enum class Phase : std::uint8_t {
    closed, listening, syn_sent, established, fin_wait, close_wait
  };
  /// The other state machine, of the socket calls (Linux: socket->state).
  enum class Link : std::uint8_t { unconnected, connecting, connected, disconnecting };

  static constexpr std::size_t capacity = 256 * 1024;

  bool room() const { return peer_ == nullptr || peer_->data_.size() < capacity; }
  void handshake();
  void send_fin();
  void get_fin();
  /// A reset came.
  void reset();
  void end();
  /// Resets whoever waits in the queue, and is as new.
  void disconnect();
  int end_of_connect();
  bool reuses_addresses() const;
  bool is_taken(std::uint16_t port) const;
  int take_port(std::uint16_t port);
  void give_port_back();
  InetSocket* listener(const sockaddr_in& at) const;

  Phase phase_ = Phase::closed;
  Link link_ = Link::unconnected;
  bool end_of_file_ = false;  // theirs came (Linux: SOCK_DONE)
  bool orphan_ = false;       // closed by its owner
  bool full_ = false;         // a writer found no room
  bool bound_ = false;        // to a port of its choice: others go when the connection does
  bool named_ = false;        // to an address by bind
  bool has_port_ = false;     // local_ keeps telling a port that is given back
  InetSocket* peer_ = nullptr;
  InetSocket* waits_for_ = nullptr;   // syn_sent: the listener whose queue is full
  std::deque<char> data_;
  std::deque<InetSocket*> pending_;   // connected, not accepted
  std::deque<InetSocket*> knocking_;  // syn_sent, for want of room in pending_
  std::size_t backlog_ = 0;
  sockaddr_in local_{};
  sockaddr_in remote_{};
};

}  // namespace aiosim::kernel
