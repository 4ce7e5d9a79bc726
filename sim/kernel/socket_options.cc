// getsockopt and setsockopt: the harmless ones are kept and told; others end the run by name.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/socket.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr int most_buffer = 212992;  // net.core.wmem_max and rmem_max
constexpr int least_send_buffer = 4608;
constexpr int least_receive_buffer = 2304;

enum class Shape : std::uint8_t { unknown, flag, number };

/// Options that change nothing in a world, but are remembered.
Shape shape_of(int family, int level, int name) {
  if (level == SOL_SOCKET) {
    switch (name) {
      case SO_REUSEADDR:
      case SO_REUSEPORT:
      case SO_KEEPALIVE:
      case SO_OOBINLINE:
        return Shape::flag;
      case SO_PRIORITY:
        return Shape::number;
      default:
        return Shape::unknown;
    }
  }
  if (level != IPPROTO_TCP || family != AF_INET) return Shape::unknown;
  switch (name) {
    case TCP_NODELAY:
    case TCP_QUICKACK:
      return Shape::flag;
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
    case TCP_USER_TIMEOUT:
      return Shape::number;
    default:
      return Shape::unknown;
  }
}

[[noreturn]] void refuse(State& k, const char* call, int level, int name) {
  k.world.fail(VerdictKind::crash, std::string(call) + " level " + std::to_string(level) +
                                       " option " + std::to_string(name) + " is not simulated");
}

int tell(State& k, Socket& socket, int level, int name) {
  if (level == SOL_SOCKET) {
    switch (name) {
      case SO_ERROR:
        return socket.take_error();
      case SO_TYPE:
        return SOCK_STREAM;
      case SO_DOMAIN:
        return socket.family();
      case SO_PROTOCOL:
        return socket.family() == AF_INET ? IPPROTO_TCP : 0;
      case SO_ACCEPTCONN:
        return socket.accepts() ? 1 : 0;
      case SO_SNDBUF:
        return socket.send_buffer;
      case SO_RCVBUF:
        return socket.receive_buffer;
      default:
        break;
    }
  }
  if (shape_of(socket.family(), level, name) == Shape::unknown) {
    refuse(k, "getsockopt", level, name);
  }
  const auto found = socket.options.find({level, name});
  return found != socket.options.end() ? found->second : 0;
}

/// What Linux makes of a wanted size: bounded, and doubled for its own bookkeeping.
int buffer_size(int wanted, int least) {
  const auto bounded = std::min<unsigned>(static_cast<unsigned>(wanted), most_buffer);
  return std::max(static_cast<int>(bounded) * 2, least);
}

int change(State& k, Socket& socket, int level, int name, int value) {
  if (level == SOL_SOCKET && name == SO_SNDBUF) {
    socket.set_send_buffer(buffer_size(value, least_send_buffer));
    return 0;
  }
  if (level == SOL_SOCKET && name == SO_RCVBUF) {
    socket.receive_buffer = buffer_size(value, least_receive_buffer);
    return 0;
  }
  if (level == SOL_SOCKET &&
      (name == SO_TYPE || name == SO_DOMAIN || name == SO_PROTOCOL || name == SO_ERROR ||
       name == SO_ACCEPTCONN)) {
    return -ENOPROTOOPT;
  }
  if (level != SOL_SOCKET && socket.family() == AF_UNIX) return -EOPNOTSUPP;
  const Shape shape = shape_of(socket.family(), level, name);
  if (shape == Shape::unknown) refuse(k, "setsockopt", level, name);
  socket.options[{level, name}] = shape == Shape::flag ? value != 0 : value;
  return 0;
}

Socket* find_socket(State& k, int fd, int& error) {
  File* const file = k.file(fd);
  error = file == nullptr ? -EBADF : -ENOTSOCK;
  return dynamic_cast<Socket*>(file);
}

}  // namespace

int Kernel::getsockopt(int fd, int level, int name, void* value, socklen_t* size,
                       const void* pc) {
  State& k = *state_;
  k.enter("getsockopt", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("getsockopt", fd, result, pc, name); };
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return done(error);
  if (level != SOL_SOCKET && socket->family() == AF_UNIX) return done(-EOPNOTSUPP);
  if (static_cast<int>(*size) < 0) return done(-EINVAL);
  const int answer = tell(k, *socket, level, name);
  const auto room = std::min<socklen_t>(*size, sizeof answer);
  k.world.memory.plain_write(k.thread(), value, room, pc);
  k.world.memory.plain_write(k.thread(), size, sizeof *size, pc);
  std::memcpy(value, &answer, room);
  *size = room;
  k.acquire(socket->messages().readable);
  k.world.state_changed();
  return done(0);
}

int Kernel::setsockopt(int fd, int level, int name, const void* value, socklen_t size,
                       const void* pc) {
  State& k = *state_;
  k.enter("setsockopt", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("setsockopt", fd, result, pc, name); };
  int error = 0;
  Socket* const socket = find_socket(k, fd, error);
  if (socket == nullptr) return done(error);
  if (size < sizeof(int)) return done(-EINVAL);
  int number = 0;
  k.world.memory.plain_read(k.thread(), value, sizeof number, pc);
  std::memcpy(&number, value, sizeof number);
  const int result = change(k, *socket, level, name, number);
  k.world.state_changed();
  return done(result);
}

}  // namespace aiosim::kernel
