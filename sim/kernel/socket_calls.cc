// The calls of sockets: from fds to Socket, and the waiting.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "kernel/inet_socket.h"
#include "kernel/state.h"
#include "kernel/unix_socket.h"

namespace aiosim::kernel {
namespace {

constexpr int type_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int type_mask = 15;  // Linux: SOCK_TYPE_MASK
static_assert(SOCK_NONBLOCK == O_NONBLOCK && SOCK_CLOEXEC == O_CLOEXEC);

/// Null, and -EBADF or -ENOTSOCK.
Socket* find_socket(State& k, int fd, int& error) {
  File* const file = k.file(fd);
  auto* const socket = dynamic_cast<Socket*>(file);
  error = file == nullptr ? -EBADF : -ENOTSOCK;
  return socket;
}

/// 0 or -errno; a socket that is not simulated ends the run.
int check_kind(State& k, int domain, int type, int protocol) {
  if ((type & ~type_mask & ~type_flags) != 0) return -EINVAL;
  const int kind = type & type_mask;
  const auto refuse = [&](const char* what, int number) {
    k.world.fail(VerdictKind::crash, std::string("socket: ") + what + ' ' + std::to_string(number) +
                                         " is not simulated");
  };
  if (domain < 0 || domain >= AF_MAX) return -EAFNOSUPPORT;
  if (kind <= 0 || kind >= 11) return -EINVAL;
  if (domain != AF_UNIX && domain != AF_INET) refuse("address family", domain);
  if (domain == AF_UNIX && protocol != 0 && protocol != PF_UNIX) return -EPROTONOSUPPORT;
  if (kind != SOCK_STREAM) refuse("type", kind);
  if (domain == AF_INET && protocol != 0 && protocol != IPPROTO_TCP) refuse("protocol", protocol);
  return 0;
}

bool read_address(State& k, const sockaddr* from, socklen_t size, SocketAddress& to,
                  const void* pc) {
  if (size > sizeof to.data) return false;
  if (size > 0) {
    k.world.memory.plain_read(k.thread(), from, size, pc);
    std::memcpy(&to.data, from, size);
  }
  to.size = size;
  return true;
}

/// What does not fit is cut off, and said by the size.
int write_address(State& k, const SocketAddress& from, sockaddr* to, socklen_t* size,
                  const void* pc) {
  if (static_cast<int>(*size) < 0) return -EINVAL;
  const socklen_t room = std::min(*size, from.size);
  k.world.memory.plain_write(k.thread(), to, room, pc);
  k.world.memory.plain_write(k.thread(), size, sizeof *size, pc);
  std::memcpy(to, &from.data, room);
  *size = from.size;
  return 0;
}

Socket& new_socket(State& k, int domain, int flags) {
  if (domain == AF_UNIX) return k.make<UnixSocket>(flags);
  return k.make<InetSocket>(flags);
}

}  // namespace

int Kernel::socket(int domain, int type, int protocol, const void* pc) {
  State& k = *state_;
  k.enter("socket", {}, pc);
  const auto done = [&](int result) { return k.leave("socket", result, result, pc, domain); };
  if (const int error = check_kind(k, domain, type, protocol)) return done(error);
  if (fault::strikes(fault::PointId::socket_emfile)) return done(-EMFILE);
  Socket& socket = new_socket(k, domain, O_RDWR | (type & SOCK_NONBLOCK));
  return done(k.install(socket, (type & SOCK_CLOEXEC) != 0));
}

int Kernel::socketpair(int domain, int type, int protocol, int fds[2], const void* pc) {
  State& k = *state_;
  k.enter("socketpair", {}, pc);
  const auto done = [&](int result) {
    return k.leave("socketpair", result < 0 ? -1 : fds[0], result, pc, result < 0 ? 0 : fds[1]);
  };
  if (const int error = check_kind(k, domain, type, protocol)) return done(error);
  if (domain != AF_UNIX) return done(-EOPNOTSUPP);
  if (fault::strikes(fault::PointId::socket_emfile)) return done(-EMFILE);
  const int flags = O_RDWR | (type & SOCK_NONBLOCK);
  auto& a = k.make<UnixSocket>(flags);
  auto& b = k.make<UnixSocket>(flags);
  UnixSocket::pair(a, b);
  const bool close_on_exec = (type & SOCK_CLOEXEC) != 0;
  const int first = k.install(a, close_on_exec);
  if (first < 0) return done(first);
  const int second = k.install(b, close_on_exec);
  if (second < 0) {
    k.drop(*k.fds.remove(first));
    return done(second);
  }
  fds[0] = first;
  fds[1] = second;
  k.world.memory.plain_write(k.thread(), fds, 2 * sizeof *fds, pc);
  return done(0);
}

int Kernel::bind(int fd, const sockaddr* address, socklen_t size, const void* pc) {
  State& k = *state_;
  k.enter("bind", fd_object(fd), pc);
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return k.leave("bind", fd, error, pc);
  SocketAddress name;
  if (!read_address(k, address, size, name, pc)) return k.leave("bind", fd, -EINVAL, pc);
  return k.leave("bind", fd, socket->bind(name), pc);
}

int Kernel::listen(int fd, int backlog, const void* pc) {
  State& k = *state_;
  k.enter("listen", fd_object(fd), pc);
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return k.leave("listen", fd, error, pc);
  return k.leave("listen", fd, socket->listen(backlog), pc, backlog);
}

int Kernel::shutdown(int fd, int how, const void* pc) {
  State& k = *state_;
  k.enter("shutdown", fd_object(fd), pc);
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return k.leave("shutdown", fd, error, pc);
  k.world.state_changed();
  return k.leave("shutdown", fd, socket->shutdown(how), pc, how);
}

// --- connect and accept -----------------------------------------------------------------------

namespace {

struct Connecting {
  Socket* socket;
  const SocketAddress* address;
};
bool can_connect(void* data) {
  const auto& connecting = *static_cast<Connecting*>(data);
  return connecting.socket->can_connect(*connecting.address);
}
bool can_accept(void* socket) { return static_cast<Socket*>(socket)->can_accept(); }

int connect_to(State& k, Socket& socket, int fd, const SocketAddress& address) {
  using fault::PointId;
  const bool waits = (socket.flags & O_NONBLOCK) == 0;
  if (fault::strikes(PointId::connect_econnrefused)) return -ECONNREFUSED;
  Connecting connecting{&socket, &address};
  for (;;) {
    const int result = socket.connect(address, waits);
    if (result == 0) k.acquire(socket.messages().writable);
    if (result != -EAGAIN || !waits) return result;
    const int woken =
        k.wait("connect", fd_object(fd), -1, PointId::connect_eintr, can_connect, &connecting);
    if (woken == -EINTR) return -EINTR;
  }
}

Socket* accept_from(State& k, Socket& listener, int fd, int& error) {
  using fault::PointId;
  const bool waits = (listener.flags & O_NONBLOCK) == 0;
  for (;;) {
    Socket* const socket = listener.accept(waits, error);
    if (error != -EAGAIN || !waits) return socket;
    error = k.wait("accept", fd_object(fd), -1, PointId::accept_eintr, can_accept, &listener);
    if (error == -EINTR) return nullptr;
  }
}

}  // namespace

static int connect_once(State& k, int fd, const sockaddr* address, socklen_t size, const void* pc) {
  k.enter("connect", fd_object(fd), pc);
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return k.leave("connect", fd, error, pc);
  SocketAddress name;
  if (!read_address(k, address, size, name, pc)) return k.leave("connect", fd, -EINVAL, pc);
  k.pin(*socket);
  const int result = connect_to(k, *socket, fd, name);
  k.world.state_changed();
  k.drop(*socket);
  return k.leave("connect", fd, result, pc);
}

int Kernel::connect(int fd, const sockaddr* address, socklen_t size, const void* pc) {
  return state_->signals.repeat(true, [&] { return connect_once(*state_, fd, address, size, pc); });
}

static int accept4_once(State& k, int fd, sockaddr* address, socklen_t* size, int flags,
                        const void* pc) {
  k.enter("accept", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("accept", result, result, pc, fd); };
  if ((flags & ~type_flags) != 0) return done(-EINVAL);
  int error = 0;
  Socket* const listener = find_socket(k, fd, error);
  if (listener == nullptr) return done(error);
  if (fault::strikes(fault::PointId::accept_emfile)) return done(-EMFILE);
  const int number = k.fds.reserve();  // before the wait, as Linux does
  if (number < 0) return done(number);
  k.pin(*listener);
  Socket* const socket = accept_from(k, *listener, fd, error);
  k.acquire(listener->messages().readable);
  k.drop(*listener);
  k.fds.unreserve(number);
  if (socket == nullptr) return done(error);
  socket->flags |= flags & SOCK_NONBLOCK;
  const bool aborted = fault::strikes(fault::PointId::accept_econnaborted);
  SocketAddress name;
  if (address != nullptr) socket->name(true, name);
  if (aborted || (address != nullptr && write_address(k, name, address, size, pc) < 0)) {
    socket->closed();
    return done(aborted ? -ECONNABORTED : -EINVAL);
  }
  k.fds.put(number, *socket, (flags & SOCK_CLOEXEC) != 0);
  return done(number);
}

int Kernel::accept4(int fd, sockaddr* address, socklen_t* size, int flags, const void* pc) {
  return state_->signals.repeat(
      true, [&] { return accept4_once(*state_, fd, address, size, flags, pc); });
}

namespace {

int tell_name(State& k, int fd, bool of_peer, sockaddr* address, socklen_t* size, const void* pc) {
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return error;
  SocketAddress name;
  if (const int result = socket->name(of_peer, name)) return result;
  return write_address(k, name, address, size, pc);
}

}  // namespace

int Kernel::getsockname(int fd, sockaddr* address, socklen_t* size, const void* pc) {
  State& k = *state_;
  k.enter("getsockname", fd_object(fd), pc);
  return k.leave("getsockname", fd, tell_name(k, fd, false, address, size, pc), pc);
}

int Kernel::getpeername(int fd, sockaddr* address, socklen_t* size, const void* pc) {
  State& k = *state_;
  k.enter("getpeername", fd_object(fd), pc);
  return k.leave("getpeername", fd, tell_name(k, fd, true, address, size, pc), pc);
}

// --- messages ---------------------------------------------------------------------------------

namespace {

void check_flags(State& k, const char* call, int flags) {
  constexpr int known = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_PEEK | MSG_CMSG_CLOEXEC;
  if ((flags & ~known) == 0) return;
  k.world.fail(VerdictKind::crash, std::string(call) + " with flags " +
                                       std::to_string(flags & ~known) + " is not simulated");
}

void check_ancillary(State& k, const char* call, const msghdr& message) {
  if (message.msg_controllen == 0) return;
  k.world.fail(VerdictKind::crash, std::string(call) + " with ancillary data is not simulated");
}

}  // namespace

static ssize_t sendmsg_once(State& k, int fd, const msghdr* message, int flags, const char* call,
                            const void* pc) {
  k.enter(call, fd_object(fd), pc);
  const auto done = [&](ssize_t result) { return k.leave(call, fd, result, pc); };
  check_flags(k, call, flags);
  check_ancillary(k, call, *message);
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return done(error);
  if (message->msg_iovlen > IOV_MAX) return done(-EMSGSIZE);
  if (message->msg_namelen > 0 && socket->family() == AF_UNIX) {
    SocketAddress peer;
    return done(socket->name(true, peer) == 0 ? -EISCONN : -EOPNOTSUPP);
  }
  Io io(message->msg_iov, static_cast<int>(message->msg_iovlen), flags);
  k.pin(*socket);
  const ssize_t result = write_to(k, *socket, fd, io, call, pc);
  k.drop(*socket);
  return done(result);
}

ssize_t Kernel::sendmsg(int fd, const msghdr* message, int flags, const char* call,
                        const void* pc) {
  return state_->signals.repeat(
      true, [&] { return sendmsg_once(*state_, fd, message, flags, call, pc); });
}

static ssize_t recvmsg_once(State& k, int fd, msghdr* message, int flags, const char* call,
                            const void* pc) {
  k.enter(call, fd_object(fd), pc);
  const auto done = [&](ssize_t result) { return k.leave(call, fd, result, pc); };
  check_flags(k, call, flags);
  check_ancillary(k, call, *message);
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return done(error);
  if (message->msg_iovlen > IOV_MAX) return done(-EMSGSIZE);
  Io io(message->msg_iov, static_cast<int>(message->msg_iovlen), flags);
  k.pin(*socket);
  const ssize_t result = read_from(k, *socket, fd, io, call, pc);
  const SocketAddress from = io.met_data ? socket->sender() : SocketAddress{};
  k.drop(*socket);  // the last of it, if it was closed meanwhile
  if (result >= 0) {
    if (message->msg_name != nullptr) {
      std::memcpy(message->msg_name, &from.data, std::min(message->msg_namelen, from.size));
      message->msg_namelen = from.size;
    }
    message->msg_flags = flags & MSG_CMSG_CLOEXEC;
  }
  return done(result);
}

ssize_t Kernel::recvmsg(int fd, msghdr* message, int flags, const char* call, const void* pc) {
  return state_->signals.repeat(
      true, [&] { return recvmsg_once(*state_, fd, message, flags, call, pc); });
}

}  // namespace aiosim::kernel
