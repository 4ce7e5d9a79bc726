#include "kernel/inet_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kernel/state.h"

namespace aiosim::kernel {

InetSocket::InetSocket(State& state, int open_flags) : Socket(state, open_flags) {
  send_buffer = 16384;      // net.ipv4.tcp_wmem
  receive_buffer = 131072;  // net.ipv4.tcp_rmem
  local_.sin_family = remote_.sin_family = AF_INET;
}

memory::Message& InetSocket::to_reader() {
  return peer_ != nullptr ? peer_->messages().readable : messages().writable;
}
memory::Message& InetSocket::to_writer() {
  return peer_ != nullptr ? peer_->messages().writable : messages().readable;
}

std::uint32_t InetSocket::readiness(bool) {
  if (phase_ == Phase::listening) return pending_.empty() ? 0u : EPOLLIN | EPOLLRDNORM;
  std::uint32_t mask = 0;
  if (shut_both() || phase_ == Phase::closed) mask |= EPOLLHUP;
  if (shut_read_) mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  if (phase_ != Phase::syn_sent) {
    if (!data_.empty()) mask |= EPOLLIN | EPOLLRDNORM;
    // Linux: free space at least half of what is taken.
    const bool roomy = peer_ == nullptr || peer_->data_.size() <= capacity / 3 * 2;
    if (shut_write_ || roomy) {
      mask |= EPOLLOUT | EPOLLWRNORM;
    } else {
      full_ = true;
    }
  }
  if (error_ != 0) mask |= EPOLLERR;
  return mask;
}

bool InetSocket::can_read() {
  if (phase_ == Phase::listening || phase_ == Phase::closed) return true;
  return !data_.empty() || end_of_file_ || error_ != 0 || shut_read_;
}

ssize_t InetSocket::read(Io& io) {
  if (io.slept && io.left() == 0) return 0;  // whatever it was woken by
  if (!io.message && io.left() == 0) return 0;
  if (phase_ == Phase::listening) return -ENOTCONN;
  if (data_.empty()) {
    if (end_of_file_) return 0;
    if (error_ != 0) return -take_error();
    if (shut_read_) return 0;
    return phase_ == Phase::closed ? -ENOTCONN : -EAGAIN;
  }
  const std::size_t size = std::min(data_.size(), io.left());
  const std::vector<char> bytes(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(size));
  io.copy_to_user(bytes.data(), size);
  if ((io.flags & MSG_PEEK) == 0) {
    data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(size));
    if (peer_ != nullptr && peer_->full_ && data_.size() <= capacity / 3 * 2) {
      peer_->full_ = false;
      peer_->wake_up(writable);
    }
  }
  return static_cast<ssize_t>(size);
}

bool InetSocket::can_write(const Io&) {
  if (phase_ == Phase::syn_sent) return error_ != 0;
  return room() || error_ != 0 || shut_write_;
}

ssize_t InetSocket::write(Io& io) {
  if (phase_ == Phase::syn_sent && error_ == 0) return -EAGAIN;
  const bool open = phase_ == Phase::established || phase_ == Phase::close_wait;
  if (!open || error_ != 0 || shut_write_) return error_ != 0 ? -take_error() : -EPIPE;
  if (io.left() == 0) return 0;
  if (!room()) {
    full_ = true;
    return -EAGAIN;
  }
  const std::size_t size = std::min(io.left(), capacity - peer_->data_.size());
  std::vector<char> bytes(size);
  io.copy_from_user(bytes.data(), size);
  InetSocket& peer = *peer_;
  if (peer.orphan_ || (peer.phase_ == Phase::fin_wait && peer.shut_read_)) {
    peer.reset();
    reset();
    return static_cast<ssize_t>(size);
  }
  peer.data_.insert(peer.data_.end(), bytes.begin(), bytes.end());
  peer.wake_up(readable);
  return static_cast<ssize_t>(size);
}

int InetSocket::unread() {
  if (phase_ == Phase::listening) return -EINVAL;
  return static_cast<int>(data_.size());
}

// --- ends -------------------------------------------------------------------------------------

void InetSocket::end() {
  phase_ = Phase::closed;
  if (!bound_ || orphan_) give_port_back();
  shut_read_ = shut_write_ = true;
  if (!orphan_) wake_up_all();
}

void InetSocket::get_fin() {
  if (phase_ == Phase::closed) return;
  state_.release(messages().readable);
  state_.release(messages().writable);
  shut_read_ = end_of_file_ = true;
  if (phase_ == Phase::established) {
    phase_ = Phase::close_wait;
  } else {
    state_.names.time_wait.push_back({local_, reuses_addresses()});
    end();
  }
  if (orphan_) return;
  wake_up_all();
  wake_up(readable);
}

void InetSocket::send_fin() {
  if (phase_ == Phase::established) {
    phase_ = Phase::fin_wait;
    peer_->get_fin();
    shut_write_ = true;
    if (!orphan_) wake_up_all();
  } else if (phase_ == Phase::close_wait) {
    peer_->get_fin();
    end();
  }
}

void InetSocket::reset() {
  if (phase_ == Phase::closed) return;
  state_.release(messages().readable);
  state_.release(messages().writable);
  error_ = phase_ == Phase::syn_sent     ? ECONNREFUSED
           : phase_ == Phase::close_wait ? EPIPE
                                         : ECONNRESET;
  end();
  if (!orphan_) wake_up(EPOLLERR);
}

void InetSocket::disconnect() {
  const bool was_open = phase_ == Phase::established || phase_ == Phase::close_wait ||
                        phase_ == Phase::fin_wait;
  phase_ = Phase::closed;
  for (InetSocket* child : std::exchange(pending_, {})) child->disconnect();
  for (InetSocket* client : std::exchange(knocking_, {})) client->reset();
  if (waits_for_ != nullptr) std::erase(waits_for_->knocking_, this);
  waits_for_ = nullptr;
  if (was_open) peer_->reset();
  if (!bound_) give_port_back();
  if (!named_) local_.sin_addr.s_addr = INADDR_ANY;
  data_.clear();
  remote_ = {};
  shut_read_ = shut_write_ = end_of_file_ = false;
  error_ = 0;
  wake_up(EPOLLERR);
}

void InetSocket::closed() {
  orphan_ = true;
  const bool lost = !data_.empty() && phase_ != Phase::closed;
  if (phase_ == Phase::listening || phase_ == Phase::syn_sent || lost) {
    disconnect();
  } else {
    send_fin();
  }
  if (phase_ != Phase::fin_wait) give_port_back();
  shut_read_ = shut_write_ = true;
  data_.clear();
  state_.world.state_changed();
}

int InetSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  const bool read_too = how != SHUT_WR;
  const bool write_too = how != SHUT_RD;
  if (link_ == Link::connecting && phase_ != Phase::syn_sent) {
    link_ = phase_ == Phase::closed ? Link::disconnecting : Link::connected;
  }
  int result = 0;
  if (phase_ == Phase::listening || phase_ == Phase::syn_sent) {
    if (read_too || phase_ == Phase::syn_sent) {
      disconnect();
      link_ = Link::unconnected;
    }
  } else {
    if (phase_ == Phase::closed) result = -ENOTCONN;
    shut_read_ |= read_too;
    shut_write_ |= write_too;
    if (write_too) send_fin();
  }
  wake_up_all();
  return result;
}

}  // namespace aiosim::kernel
