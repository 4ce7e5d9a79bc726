#include "kernel/unix_socket.h"

#include <fcntl.h>
#include <sys/un.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);

const char* path(const SocketAddress& address) {
  return reinterpret_cast<const char*>(&address.data) + path_at;
}

std::string key(const SocketAddress& address) {
  return {path(address), address.size - path_at};
}

int check_name(State& k, const SocketAddress& address) {
  if (address.size <= path_at || address.size > sizeof(sockaddr_un)) return -EINVAL;
  if (address.data.ss_family != AF_UNIX) return -EINVAL;
  if (*path(address) != 0) {
    k.world.fail(VerdictKind::crash, "AF_UNIX sockets with a path are not simulated");
  }
  return 0;
}

}  // namespace

void UnixSocket::pair(UnixSocket& a, UnixSocket& b) {
  a.peer_ = &b;
  b.peer_ = &a;
  a.phase_ = b.phase_ = Phase::connected;
}

memory::Message& UnixSocket::to_reader() {
  return peer_ != nullptr ? peer_->messages().readable : messages().writable;
}
memory::Message& UnixSocket::to_writer() {
  return peer_ != nullptr ? peer_->messages().writable : messages().readable;
}

std::uint32_t UnixSocket::readiness(bool) {
  std::uint32_t mask = 0;
  if (error_ != 0) mask |= EPOLLERR;
  if (shut_both()) mask |= EPOLLHUP;
  if (shut_read_) mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (!packets_.empty() || !pending_.empty()) mask |= EPOLLIN | EPOLLRDNORM;
  if (phase_ == Phase::closed) mask |= EPOLLHUP;
  const bool roomy = (owed_ + 1) * 4 <= static_cast<std::size_t>(send_buffer);
  if (phase_ != Phase::listening && roomy) mask |= writable;
  return mask;
}

bool UnixSocket::can_read() {
  return phase_ != Phase::connected || !packets_.empty() || error_ != 0 || shut_read_;
}

ssize_t UnixSocket::read(Io& io) {
  if (!io.message && io.left() == 0) return 0;
  if (phase_ != Phase::connected) return -EINVAL;
  if (packets_.empty()) {
    if (error_ != 0) return -take_error();
    return shut_read_ ? 0 : -EAGAIN;
  }
  io.met_data = true;
  const bool peek = (io.flags & MSG_PEEK) != 0;
  ssize_t result = 0;
  for (std::size_t i = 0; i < packets_.size() && io.left() > 0;) {
    Packet& packet = packets_[i];
    const std::size_t size = std::min(packet.bytes.size() - packet.begin, io.left());
    io.copy_to_user(packet.bytes.data() + packet.begin, size);
    result += static_cast<ssize_t>(size);
    if (peek) {
      ++i;
      continue;
    }
    packet.begin += size;
    unread_ -= size;
    if (packet.begin < packet.bytes.size()) break;
    const std::size_t cost = packet.cost;
    packets_.pop_front();
    if (peer_ != nullptr) peer_->pay_back(cost);
  }
  return result;
}

void UnixSocket::pay_back(std::size_t cost) {
  owed_ -= cost;
  const bool roomy = (owed_ + 2) * 4 <= static_cast<std::size_t>(send_buffer);
  if (roomy && phase_ != Phase::listening) wake_up(writable);
}

// A blocked writer is woken when much room is there, or by chance; then any room will do.
void UnixSocket::woken() { room_seen_ = owed_ < static_cast<std::size_t>(send_buffer); }

bool UnixSocket::can_write(const Io&) {
  return phase_ != Phase::connected || shut_write_ || error_ != 0 || room_seen_;
}

std::size_t UnixSocket::cost_of(std::size_t size) {
  constexpr std::size_t page = 4096;
  constexpr std::size_t trailer = 320;  // skb_shared_info
  constexpr std::size_t header = 256;   // sk_buff
  constexpr std::size_t line = 64;
  const std::size_t head_room = page - trailer;
  const std::size_t beyond = size > head_room ? size - head_room : 0;
  const std::size_t pages = (beyond + page - 1) / page * page;
  const std::size_t head = size - std::min(size, pages);
  return header + std::bit_ceil((head + line - 1) / line * line + trailer) + pages;
}

void UnixSocket::send_packet(Io& io, std::size_t size) {
  Packet packet{std::vector<char>(size), 0, cost_of(size)};
  io.copy_from_user(packet.bytes.data(), size);
  owed_ += packet.cost;
  peer_->unread_ += size;
  peer_->packets_.push_back(std::move(packet));
  peer_->wake_up(readable);
}

ssize_t UnixSocket::write(Io& io) {
  if (peer_ == nullptr) return -ENOTCONN;
  if (shut_write_ && !io.slept) return -EPIPE;
  if (io.left() == 0) return 0;
  constexpr std::size_t most = 4096 - 320 + 32768;
  const auto buffer = static_cast<std::size_t>(send_buffer);
  const std::size_t before = io.moved();
  ssize_t error = -EAGAIN;
  while (io.left() > 0) {
    if (error_ != 0) {
      error = -take_error();
      break;
    }
    if (shut_write_) {  // while it slept (Linux: sock_alloc_send_pskb, which sends no signal)
      io.quiet = true;
      error = -EPIPE;
      break;
    }
    if (owed_ >= buffer) {
      room_seen_ = false;
      break;
    }
    if (peer_->dead_ || peer_->shut_read_) {
      error = -EPIPE;
      break;
    }
    send_packet(io, std::min({io.left(), most, buffer / 2 - 64}));
  }
  return io.moved() > before ? static_cast<ssize_t>(io.moved() - before) : error;
}

int UnixSocket::unread() {
  return phase_ == Phase::listening ? -EINVAL : static_cast<int>(unread_);
}

int UnixSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  shut_read_ |= how != SHUT_WR;
  shut_write_ |= how != SHUT_RD;
  wake_up_all();
  if (peer_ != nullptr) {
    peer_->shut_write_ |= how != SHUT_WR;
    peer_->shut_read_ |= how != SHUT_RD;
    state_.release(peer_->messages().readable);
    state_.release(peer_->messages().writable);
    peer_->wake_up_all();
  }
  return 0;
}

void UnixSocket::release(bool embryo) {
  if (name_) {
    const auto at = state_.names.abstract.find(key(*name_));
    if (at != state_.names.abstract.end() && at->second == this) state_.names.abstract.erase(at);
  }
  dead_ = true;
  shut_read_ = shut_write_ = true;
  phase_ = Phase::closed;
  UnixSocket* const peer = peer_;
  peer_ = nullptr;
  if (peer != nullptr) {
    peer->shut_read_ = peer->shut_write_ = true;
    if (!packets_.empty() || embryo) peer->error_ = ECONNRESET;
    state_.release(peer->messages().readable);
    state_.release(peer->messages().writable);
    peer->wake_up_all();
    for (const Packet& packet : packets_) peer->pay_back(packet.cost);
  }
  packets_.clear();
  for (UnixSocket* child : pending_) child->release(true);
  pending_.clear();
  state_.release(messages().writable);
  state_.world.state_changed();
}

// --- names and connections --------------------------------------------------------------------

UnixSocket* UnixSocket::find(const SocketAddress& address) const {
  const auto at = state_.names.abstract.find(key(address));
  return at != state_.names.abstract.end() ? at->second : nullptr;
}

int UnixSocket::bind(const SocketAddress& address) {
  SocketAddress wanted = address;
  if (address.size == path_at && address.data.ss_family == AF_UNIX) {
    if (name_) return 0;
    auto* const name = reinterpret_cast<sockaddr_un*>(&wanted.data);
    do {
      std::snprintf(name->sun_path + 1, 6, "%05x", state_.names.next_name++ & 0xfffff);
      wanted.size = path_at + 6;
    } while (find(wanted) != nullptr);
  } else if (const int error = check_name(state_, address)) {
    return error;
  }
  if (name_) return -EINVAL;
  if (find(wanted) != nullptr) return -EADDRINUSE;
  name_ = wanted;
  state_.names.abstract[key(wanted)] = this;
  return 0;
}

int UnixSocket::listen(int backlog) {
  constexpr unsigned somaxconn = 4096;
  if (!name_ || phase_ == Phase::connected) return -EINVAL;
  backlog_ = std::min(static_cast<unsigned>(backlog), somaxconn);
  phase_ = Phase::listening;
  state_.release(messages().writable);
  state_.world.state_changed();
  return 0;
}

bool UnixSocket::can_connect(const SocketAddress& address) {
  const UnixSocket* listener = find(address);
  return listener == nullptr || !listener->accepts() || listener->shut_read_ ||
         !listener->queue_is_full();
}

int UnixSocket::connect(const SocketAddress& address, bool) {
  if (const int error = check_name(state_, address)) return error;
  UnixSocket* const listener = find(address);
  if (listener == nullptr || !listener->accepts() || listener->shut_read_) return -ECONNREFUSED;
  if (listener->queue_is_full()) return -EAGAIN;
  if (phase_ != Phase::closed) return phase_ == Phase::connected ? -EISCONN : -EINVAL;
  state_.acquire(listener->messages().writable);
  auto& child = state_.make<UnixSocket>(O_RDWR);
  child.name_ = listener->name_;
  pair(*this, child);
  state_.release(child.messages().readable);
  state_.release(listener->messages().readable);
  listener->pending_.push_back(&child);
  listener->wake_up(readable);
  return 0;
}

Socket* UnixSocket::accept(bool waits, int& error) {
  error = -EINVAL;
  if (!accepts()) return nullptr;
  if (error_ != 0) {
    error = -take_error();
    return nullptr;
  }
  if (pending_.empty()) {
    error = waits && shut_read_ ? -EINVAL : -EAGAIN;
    return nullptr;
  }
  UnixSocket* const child = pending_.front();
  pending_.pop_front();
  state_.release(messages().writable);
  state_.world.state_changed();
  error = 0;
  return child;
}

int UnixSocket::name(bool of_peer, SocketAddress& address) const {
  if (of_peer && peer_ == nullptr) return -ENOTCONN;
  const UnixSocket& socket = of_peer ? *peer_ : *this;
  address = {};
  address.data.ss_family = AF_UNIX;
  address.size = path_at;
  if (socket.name_) address = *socket.name_;
  return 0;
}

SocketAddress UnixSocket::sender() const {
  return peer_ != nullptr && peer_->name_ ? *peer_->name_ : SocketAddress{};
}

void UnixSocket::set_send_buffer(int bytes) {
  send_buffer = bytes;
  pay_back(0);
}

}  // namespace aiosim::kernel
