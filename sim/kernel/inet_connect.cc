// How AF_INET sockets get their names and find each other.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/inet_socket.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

const sockaddr_in& inet(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.data);
}

std::uint32_t host(const sockaddr_in& address) { return ntohl(address.sin_addr.s_addr); }

bool is_loopback(const sockaddr_in& address) { return host(address) >> 24 == IN_LOOPBACKNET; }

bool overlap(const sockaddr_in& a, const sockaddr_in& b) {
  return host(a) == INADDR_ANY || host(b) == INADDR_ANY || host(a) == host(b);
}

}  // namespace

bool InetSocket::reuses_addresses() const {
  const auto reuse = options.find(std::pair(SOL_SOCKET, SO_REUSEADDR));
  return reuse != options.end() && reuse->second != 0;
}

bool InetSocket::is_taken(std::uint16_t port) const {
  const auto at_port = [&](const sockaddr_in& address) {
    return address.sin_port == htons(port) && overlap(address, local_);
  };
  for (const InetSocket* other : state_.names.ports) {
    if (other == this || !at_port(other->local_)) continue;
    if (!reuses_addresses() || !other->reuses_addresses() || other->accepts()) return true;
  }
  const auto& waiting = state_.names.time_wait;
  return std::any_of(waiting.begin(), waiting.end(), [&](const TimeWait& other) {
    return at_port(other.local) && !(reuses_addresses() && other.reuses_address);
  });
}

int InetSocket::take_port(std::uint16_t port) {
  constexpr std::uint16_t first = 32768;
  constexpr std::uint16_t last = 60999;
  if (port == 0) {
    std::uint16_t& next = state_.names.next_port;
    for (int tries = last - first; tries >= 0 && port == 0; --tries) {
      if (!is_taken(next)) port = next;
      next = next == last ? first : static_cast<std::uint16_t>(next + 1);
    }
    if (port == 0) return -EADDRINUSE;
  } else if (is_taken(port)) {
    return -EADDRINUSE;
  }
  local_.sin_port = htons(port);
  has_port_ = true;
  state_.names.ports.push_back(this);
  return 0;
}

void InetSocket::give_port_back() {
  std::erase(state_.names.ports, this);
  has_port_ = false;
}

int InetSocket::bind(const SocketAddress& address) {
  if (address.size < sizeof(sockaddr_in)) return -EINVAL;
  const sockaddr_in& wanted = inet(address);
  if (wanted.sin_family != AF_INET) return -EAFNOSUPPORT;
  if (!is_loopback(wanted) && host(wanted) != INADDR_ANY) return -EADDRNOTAVAIL;
  if (phase_ != Phase::closed || has_port_) return -EINVAL;
  local_.sin_addr = wanted.sin_addr;
  const int result = take_port(ntohs(wanted.sin_port));
  if (result < 0) local_.sin_addr.s_addr = INADDR_ANY;  // the old port stays its name's
  named_ = result == 0;
  bound_ = result == 0 && wanted.sin_port != 0;
  return result;
}

int InetSocket::listen(int backlog) {
  constexpr unsigned somaxconn = 4096;
  if (link_ != Link::unconnected) return -EINVAL;
  if (phase_ != Phase::closed && phase_ != Phase::listening) return -EINVAL;
  if (!has_port_) {
    if (const int error = take_port(0)) return error;
  }
  if (phase_ == Phase::closed && is_taken(ntohs(local_.sin_port))) return -EADDRINUSE;
  backlog_ = std::min(static_cast<unsigned>(backlog), somaxconn);
  phase_ = Phase::listening;
  state_.release(messages().writable);
  state_.world.state_changed();
  return 0;
}

InetSocket* InetSocket::listener(const sockaddr_in& at) const {
  InetSocket* found = nullptr;
  for (InetSocket* other : state_.names.ports) {
    if (!other->accepts() || other->local_.sin_port != at.sin_port) continue;
    if (host(other->local_) == host(at)) return other;
    if (host(other->local_) == INADDR_ANY) found = other;
  }
  return found;
}

int InetSocket::end_of_connect() {
  if (phase_ == Phase::closed) {
    const int error = take_error();
    link_ = Link::unconnected;
    disconnect();
    return error != 0 ? -error : -ECONNABORTED;
  }
  link_ = Link::connected;
  return 0;
}

int InetSocket::connect(const SocketAddress& address, bool waits) {
  if (address.size < sizeof(sa_family_t)) return -EINVAL;
  if (address.data.ss_family == AF_UNSPEC) {
    state_.world.fail(VerdictKind::crash, "connect to AF_UNSPEC is not simulated");
  }
  if (link_ == Link::connected) return -EISCONN;
  if (link_ == Link::disconnecting) return -EINVAL;  // for ever
  if (link_ == Link::connecting) {
    if (phase_ == Phase::syn_sent) return waits ? -EAGAIN : -EALREADY;
    return end_of_connect();
  }
  if (phase_ != Phase::closed) return -EISCONN;
  if (address.size < sizeof(sockaddr_in)) return -EINVAL;
  sockaddr_in to = inet(address);
  if (to.sin_family != AF_INET) return -EAFNOSUPPORT;
  if (host(to) == INADDR_ANY) to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!is_loopback(to)) return -ENETUNREACH;
  if (host(local_) == INADDR_ANY) local_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!has_port_) {
    if (const int error = take_port(0)) return error;
  }
  remote_ = to;
  phase_ = Phase::syn_sent;
  link_ = Link::connecting;
  waits_for_ = listener(to);
  if (waits_for_ == nullptr) {
    reset();
  } else {
    state_.acquire(waits_for_->messages().writable);
    waits_for_->knocking_.push_back(this);
    waits_for_->handshake();
  }
  if (!waits) return -EINPROGRESS;
  return phase_ == Phase::syn_sent ? -EAGAIN : end_of_connect();
}

// Linux drops the SYN if the queue is full, and the client sends it again: we do once there is
// room.
void InetSocket::handshake() {
  while (!knocking_.empty() && pending_.size() <= backlog_) {
    InetSocket& client = *knocking_.front();
    knocking_.pop_front();
    auto& child = state_.make<InetSocket>(O_RDWR);
    child.local_ = client.remote_;
    child.named_ = child.has_port_ = true;
    state_.names.ports.push_back(&child);
    child.remote_ = client.local_;
    child.options = options;
    child.peer_ = &client;
    child.phase_ = client.phase_ = Phase::established;
    child.link_ = Link::connected;
    child.shut_read_ = shut_read_;  // before listen()
    client.peer_ = &child;
    client.waits_for_ = nullptr;
    state_.release(client.messages().writable);
    state_.release(child.messages().readable);
    state_.release(messages().readable);
    pending_.push_back(&child);
    client.wake_up_all();
    if (shut_write_) child.send_fin();
    wake_up(readable);
  }
}

Socket* InetSocket::accept(bool, int& error) {
  error = accepts() ? -EAGAIN : -EINVAL;
  if (!accepts() || pending_.empty()) return nullptr;
  error = 0;
  InetSocket* const child = pending_.front();
  pending_.pop_front();
  handshake();
  state_.world.state_changed();
  return child;
}

int InetSocket::name(bool of_peer, SocketAddress& address) const {
  if (of_peer && (phase_ == Phase::closed || phase_ == Phase::syn_sent || remote_.sin_port == 0)) {
    return -ENOTCONN;
  }
  address = {};
  address.size = sizeof(sockaddr_in);
  sockaddr_in name = of_peer ? remote_ : local_;
  name.sin_family = AF_INET;
  std::memcpy(&address.data, &name, sizeof name);
  return 0;
}

}  // namespace aiosim::kernel
