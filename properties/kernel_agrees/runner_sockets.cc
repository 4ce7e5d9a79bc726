// The calls of sockets. Names are AF_UNIX abstract ones of this process, and ports of 127.0.0.1.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "aiosim/choice.h"
#include "kernel_agrees/runner.h"

namespace kernel_agrees {
namespace {

constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);
constexpr std::size_t own_name = 24;  // characters after the first

struct Name {
  sockaddr_storage data{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* at() { return reinterpret_cast<sockaddr*>(&data); }
};

int socket_flags(const Step& step) {
  return ((step.value & nonblock) != 0 ? SOCK_NONBLOCK : 0) |
         ((step.value & close_on_exec) != 0 ? SOCK_CLOEXEC : 0);
}

struct Option {
  int level;
  int name;
};
constexpr Option options[] = {
    {SOL_SOCKET, SO_ERROR},     {SOL_SOCKET, SO_ERROR},     {SOL_SOCKET, SO_TYPE},
    {SOL_SOCKET, SO_ACCEPTCONN}, {SOL_SOCKET, SO_DOMAIN},   {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_KEEPALIVE}, {IPPROTO_TCP, TCP_NODELAY}, {SOL_SOCKET, SO_PROTOCOL},
    {SOL_SOCKET, SO_SNDBUF}};
constexpr Option send_buffer = options[9];

}  // namespace

void Runner::run_socket_call(const Step& step, std::size_t number, Figures& out) {
  switch (step.call) {
    case Call::socket:
      return make_socket(step, out);
    case Call::bind:
      return bind(step, number, out);
    case Call::listen:
      return out.add(outcome(::listen(real(step.fd), static_cast<int>(step.a))));
    case Call::connect:
      return connect(step, out);
    case Call::accept:
      return accept(step, out);
    case Call::send:
    case Call::sendmsg:
      return send(step, number, out);
    case Call::recv:
    case Call::recvmsg:
      return receive(step, out);
    case Call::shutdown:
      return out.add(outcome(::shutdown(real(step.fd), static_cast<int>(step.a))));
    case Call::getsockname:
    case Call::getpeername:
      return tell_name(step, out);
    case Call::get_option:
      return get_option(step, out);
    default:
      return set_option(step, out);
  }
}

// Nagle's algorithm and delayed acknowledgements are a matter of time: switched off on Linux, and
// not there in a world.
void Runner::new_inet(int fd) {
  if (fd < 0) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (std::atomic<int>& entry : shared_.inet) {
    int none = 0;
    if (entry.load() == fd || entry.compare_exchange_strong(none, fd)) return;
  }
}

void Runner::make_socket(const Step& step, Figures& out) {
  const bool inet = step.a != 0;
  const int fd = ::socket(inet ? AF_INET : AF_UNIX, SOCK_STREAM | socket_flags(step), 0);
  make(fd, out);
  if (inet) new_inet(fd);
}

void Runner::bind(const Step& step, std::size_t number, Figures& out) const {
  Name name;
  if (step.a == 1) {
    if (getsockname(real(step.other), name.at(), &name.size) < 0) return out.add(left_out);
  } else if (family(real(step.fd)) == AF_INET) {
    sockaddr_in inet{};
    inet.sin_family = AF_INET;
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&name.data, &inet, sizeof inet);
    name.size = sizeof inet;
  } else {
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    std::snprintf(path.sun_path + 1, own_name + 1, "aiosim-%08x-%08x",
                  shared_.tag, static_cast<unsigned>(number));
    std::memcpy(&name.data, &path, sizeof path);
    name.size = static_cast<socklen_t>(path_at + (step.a == 2 ? 0 : 1 + own_name));
  }
  out.add(outcome(::bind(real(step.fd), name.at(), name.size)));
}

void Runner::connect(const Step& step, Figures& out) const {
  if (is_main() && is_blocking(step.fd) && family(real(step.fd)) >= 0) return out.add(left_out);
  Name name;
  if (getsockname(real(step.other), name.at(), &name.size) < 0) return out.add(left_out);
  Name own;
  getsockname(real(step.fd), own.at(), &own.size);
  // To itself: Linux's simultaneous open, which a world does not have.
  const bool to_itself = family(real(step.fd)) == AF_INET && own.size == name.size &&
                         std::memcmp(&own.data, &name.data, name.size) == 0;
  if (to_itself && reinterpret_cast<sockaddr_in&>(own.data).sin_port != 0) {
    return out.add(left_out);
  }
  out.add(outcome(::connect(real(step.fd), name.at(), name.size)));
}

void Runner::accept(const Step& step, Figures& out) {
  if (would_block(step.fd, POLLIN)) return out.add(left_out);
  const int fd = ::accept4(real(step.fd), nullptr, nullptr, socket_flags(step));
  make(fd, out);
  if (fd >= 0 && family(fd) == AF_INET) new_inet(fd);
}

int Runner::message_flags(const Step& step) const {
  const bool at_once = is_main() || (step.value & nonblock) != 0;
  return MSG_NOSIGNAL | (at_once ? MSG_DONTWAIT : 0);
}

void Runner::send(const Step& step, std::size_t number, Figures& out) {
  const std::size_t size = fill(step, number);
  if (step.call == Call::send) {
    return out.add(outcome(::send(real(step.fd), data_.data(), size, message_flags(step))));
  }
  const std::size_t third = size / 3;
  iovec parts[] = {{data_.data(), third}, {data_.data() + third, size - third}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  out.add(outcome(::sendmsg(real(step.fd), &message, message_flags(step))));
}

void Runner::receive(const Step& step, Figures& out) {
  const std::size_t size = std::min<std::size_t>(step.a, data_.size());
  const int flags = message_flags(step) | ((step.value & special) != 0 ? MSG_PEEK : 0);
  if (step.call == Call::recv) {
    return add_bytes(outcome(::recv(real(step.fd), data_.data(), size, flags)), out);
  }
  const std::size_t third = size / 3;
  iovec parts[] = {{data_.data(), third}, {data_.data() + third, size - third}};
  Name name;
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_name = name.at();
  message.msg_namelen = name.size;
  add_bytes(outcome(::recvmsg(real(step.fd), &message, flags)), out);
  out.add(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
  out.add(message.msg_namelen);
}

// --- names and options ------------------------------------------------------------------------

long Runner::port_number(int port) {
  if (port == 0) return 0;
  std::size_t i = 0;
  while (i < shared_.ports_used && shared_.ports[i] != port) ++i;
  if (i == shared_.ports_used && i < shared_.ports.size()) {
    shared_.ports[shared_.ports_used++] = port;
  }
  return static_cast<long>(i) + 1;
}

void Runner::tell_name(const Step& step, Figures& out) {
  Name name;
  if (step.a < name.size) name.size = step.a;
  const bool peer = step.call == Call::getpeername;
  out.add(outcome(peer ? ::getpeername(real(step.fd), name.at(), &name.size)
                       : ::getsockname(real(step.fd), name.at(), &name.size)));
  out.add(name.size);
  if (step.a < sizeof(sockaddr_in) || out.at[out.count - 2] < 0) return;
  out.add(name.data.ss_family);
  if (name.data.ss_family == AF_INET) {
    sockaddr_in inet{};
    std::memcpy(&inet, &name.data, sizeof inet);
    out.add(ntohl(inet.sin_addr.s_addr));
    return out.add(port_number(ntohs(inet.sin_port)));
  }
  if (name.size != path_at + 1 + own_name) return;  // bound by Linux: a name of its choice
  std::uint64_t hash = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&name.data);
  const std::size_t from = path_at + 1 + own_name - 8;  // the part that is not the process's
  for (std::size_t i = from; i < std::min<std::size_t>(name.size, step.a); ++i) {
    hash = aiosim::mix64(hash ^ bytes[i]);
  }
  out.add(static_cast<long>(hash));
}

void Runner::get_option(const Step& step, Figures& out) const {
  const Option& option = options[step.a % std::size(options)];
  const bool buffer = option.level == send_buffer.level && option.name == send_buffer.name;
  if (buffer && family(real(step.fd)) == AF_INET) return out.add(left_out);  // TCP tunes it
  int value = -1;
  socklen_t size = sizeof value;
  out.add(outcome(getsockopt(real(step.fd), option.level, option.name, &value, &size)));
  out.add(value);
  out.add(size);
}

void Runner::set_option(const Step& step, Figures& out) const {
  const Option& option = options[step.a % std::size(options)];
  const int of = family(real(step.fd));
  const bool buffer = option.level == send_buffer.level && option.name == send_buffer.name;
  if (buffer && (of == AF_INET || shared_.small)) return out.add(left_out);
  const bool delay = option.level == IPPROTO_TCP && of == AF_INET;
  const int value = delay ? 1 : static_cast<int>(step.value);
  out.add(outcome(setsockopt(real(step.fd), option.level, option.name, &value, sizeof value)));
}

}  // namespace kernel_agrees
