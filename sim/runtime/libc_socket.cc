// Sockets and ioctl. On a thread under test the calls go to the simulated kernel; else to the
// host's, past the fault points.
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdarg>
#include <cstdlib>

#include "fault/host_calls.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

namespace host = fault::host;

kernel::Kernel& simulated() { return *world().kernel; }

ssize_t simulated_send(int fd, const void* data, std::size_t size, int flags,
                       const sockaddr* address, socklen_t address_size, const void* pc) {
  const RuntimeScope scope;
  iovec segment{const_cast<void*>(data), size};
  msghdr message{};
  message.msg_iov = &segment;
  message.msg_iovlen = 1;
  message.msg_name = const_cast<sockaddr*>(address);
  message.msg_namelen = address != nullptr ? address_size : 0;
  return libc_result(simulated().sendmsg(fd, &message, flags, "send", pc));
}

ssize_t simulated_recv(int fd, void* data, std::size_t size, int flags, sockaddr* address,
                       socklen_t* address_size, const void* pc) {
  const RuntimeScope scope;
  iovec segment{data, size};
  msghdr message{};
  message.msg_iov = &segment;
  message.msg_iovlen = 1;
  message.msg_name = address;
  message.msg_namelen = address != nullptr ? *address_size : 0;
  const ssize_t result = simulated().recvmsg(fd, &message, flags, "recv", pc);
  if (result >= 0 && address != nullptr) *address_size = message.msg_namelen;
  return libc_result(result);
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int socket(int domain, int type, int protocol) noexcept {
  if (!under_test()) return host::socket(domain, type, protocol);
  const RuntimeScope scope;
  return libc_result(simulated().socket(domain, type, protocol, CALLER));
}

int socketpair(int domain, int type, int protocol, int fds[2]) noexcept {
  if (!under_test()) return host::socketpair(domain, type, protocol, fds);
  const RuntimeScope scope;
  return libc_result(simulated().socketpair(domain, type, protocol, fds, CALLER));
}

int accept(int fd, sockaddr* address, socklen_t* size) {
  if (!under_test()) return host::accept4(fd, address, size, 0);
  const RuntimeScope scope;
  return libc_result(simulated().accept4(fd, address, size, 0, CALLER));
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (!under_test()) return host::accept4(fd, address, size, flags);
  const RuntimeScope scope;
  return libc_result(simulated().accept4(fd, address, size, flags, CALLER));
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  if (!under_test()) return AIOSIM_REAL(bind)(fd, address, size);
  const RuntimeScope scope;
  return libc_result(simulated().bind(fd, address, size, CALLER));
}

int listen(int fd, int backlog) noexcept {
  if (!under_test()) return AIOSIM_REAL(listen)(fd, backlog);
  const RuntimeScope scope;
  return libc_result(simulated().listen(fd, backlog, CALLER));
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  if (!under_test()) return host::connect(fd, address, size);
  const RuntimeScope scope;
  return libc_result(simulated().connect(fd, address, size, CALLER));
}

int shutdown(int fd, int how) noexcept {
  if (!under_test()) return AIOSIM_REAL(shutdown)(fd, how);
  const RuntimeScope scope;
  return libc_result(simulated().shutdown(fd, how, CALLER));
}

int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
  if (!under_test()) return AIOSIM_REAL(getsockname)(fd, address, size);
  const RuntimeScope scope;
  return libc_result(simulated().getsockname(fd, address, size, CALLER));
}

int getpeername(int fd, sockaddr* address, socklen_t* size) noexcept {
  if (!under_test()) return AIOSIM_REAL(getpeername)(fd, address, size);
  const RuntimeScope scope;
  return libc_result(simulated().getpeername(fd, address, size, CALLER));
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  if (!under_test()) return AIOSIM_REAL(getsockopt)(fd, level, name, value, size);
  const RuntimeScope scope;
  return libc_result(simulated().getsockopt(fd, level, name, value, size, CALLER));
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  if (!under_test()) return AIOSIM_REAL(setsockopt)(fd, level, name, value, size);
  const RuntimeScope scope;
  return libc_result(simulated().setsockopt(fd, level, name, value, size, CALLER));
}

ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  if (!under_test()) return host::send(fd, data, size, flags);
  return simulated_send(fd, data, size, flags, nullptr, 0, CALLER);
}

ssize_t sendto(int fd, const void* data, std::size_t size, int flags, const sockaddr* address,
               socklen_t address_size) {
  if (!under_test()) return AIOSIM_REAL(sendto)(fd, data, size, flags, address, address_size);
  return simulated_send(fd, data, size, flags, address, address_size, CALLER);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (!under_test()) return AIOSIM_REAL(sendmsg)(fd, message, flags);
  const RuntimeScope scope;
  return libc_result(simulated().sendmsg(fd, message, flags, "sendmsg", CALLER));
}

ssize_t recv(int fd, void* data, std::size_t size, int flags) {
  if (!under_test()) return host::recv(fd, data, size, flags);
  return simulated_recv(fd, data, size, flags, nullptr, nullptr, CALLER);
}

// What _FORTIFY_SOURCE promises.
ssize_t __recv_chk(int fd, void* data, std::size_t size, std::size_t room, int flags) {
  if (size > room) std::abort();
  if (!under_test()) return host::recv(fd, data, size, flags);
  return simulated_recv(fd, data, size, flags, nullptr, nullptr, CALLER);
}

ssize_t recvfrom(int fd, void* data, std::size_t size, int flags, sockaddr* address,
                 socklen_t* address_size) {
  if (!under_test()) return AIOSIM_REAL(recvfrom)(fd, data, size, flags, address, address_size);
  return simulated_recv(fd, data, size, flags, address, address_size, CALLER);
}

ssize_t __recvfrom_chk(int fd, void* data, std::size_t size, std::size_t room, int flags,
                       sockaddr* address, socklen_t* address_size) {
  if (size > room) std::abort();
  if (!under_test()) return AIOSIM_REAL(recvfrom)(fd, data, size, flags, address, address_size);
  return simulated_recv(fd, data, size, flags, address, address_size, CALLER);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (!under_test()) return AIOSIM_REAL(recvmsg)(fd, message, flags);
  const RuntimeScope scope;
  return libc_result(simulated().recvmsg(fd, message, flags, "recvmsg", CALLER));
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  std::va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  if (!under_test()) return AIOSIM_REAL(ioctl)(fd, request, argument);
  const RuntimeScope scope;
  return libc_result(simulated().ioctl(fd, request, argument, CALLER));
}

}  // extern "C"
