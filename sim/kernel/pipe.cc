#include "kernel/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {

std::uint32_t PipeEnd::readiness(bool) {
  Pipe& p = *pipe_;
  std::uint32_t mask = 0;
  if ((flags & O_ACCMODE) == O_RDONLY) {
    if (!p.empty()) mask |= EPOLLIN | EPOLLRDNORM;
    if (p.writer == nullptr) mask |= EPOLLHUP;
  } else {
    if (!p.full()) mask |= EPOLLOUT | EPOLLWRNORM;
    if (p.reader == nullptr) mask |= EPOLLERR;
  }
  return mask;
}

ssize_t PipeEnd::read(Io& io) {
  Pipe& p = *pipe_;
  if (io.left() == 0) return 0;
  const bool was_full = p.full();
  ssize_t result = 0;
  while (!p.empty() && io.left() > 0) {
    const std::size_t slot = p.slot(0);
    Pipe::Page& page = p.ring[slot];
    const std::size_t size = std::min(page.size, io.left());
    io.copy_to_user(p.data(slot) + page.begin, size);
    page.begin += size;
    page.size -= size;
    result += static_cast<ssize_t>(size);
    if (page.size == 0) {
      p.tail = p.slot(1);
      --p.used;
    }
  }
  if (result == 0 && p.writer != nullptr) return -EAGAIN;
  const bool made_room = was_full && !p.full();
  if (made_room && p.writer != nullptr) p.writer->wake(EPOLLOUT | EPOLLWRNORM);
  return result;
}

void PipeEnd::append_page(Io& io, std::size_t size) {
  Pipe& p = *pipe_;
  if (p.bytes == nullptr) p.bytes.reset(new char[Pipe::page * p.ring.size()]);
  const std::size_t slot = p.slot(p.used);
  p.ring[slot] = {0, size};
  ++p.used;
  io.copy_from_user(p.data(slot), size);
}

ssize_t PipeEnd::write(Io& io) {
  Pipe& p = *pipe_;
  if (io.left() == 0) return 0;
  if (p.reader == nullptr) return -EPIPE;
  const bool was_empty = p.empty();
  const std::size_t before = io.moved();
  const std::size_t odd = io.left() % Pipe::page;
  if (before == 0 && odd > 0 && !p.empty()) {
    const std::size_t slot = p.slot(p.used - 1);
    Pipe::Page& last = p.ring[slot];
    const std::size_t end = last.begin + last.size;
    if (end + odd <= Pipe::page) {
      io.copy_from_user(p.data(slot) + end, odd);
      last.size += odd;
    }
  }
  while (io.left() > 0 && !p.full()) append_page(io, std::min(io.left(), Pipe::page));
  // Linux: at the end also when nothing could be written, but before a sleep only if it was empty.
  const bool sleeps = io.left() > 0 && (flags & O_NONBLOCK) == 0;
  if (was_empty || !sleeps) p.reader->wake(EPOLLIN | EPOLLRDNORM);
  return io.moved() > before ? static_cast<ssize_t>(io.moved() - before) : -EAGAIN;
}

int Pipe::resize(std::size_t pages) {
  if (pages < used) return -EBUSY;
  std::vector<Page> fresh(pages);
  std::unique_ptr<char[]> room(bytes != nullptr ? new char[page * pages] : nullptr);
  for (std::size_t i = 0; i < used; ++i) {
    fresh[i] = ring[slot(i)];
    std::copy_n(data(slot(i)), page, room.get() + i * page);
  }
  ring = std::move(fresh);
  bytes = std::move(room);
  tail = 0;
  return 0;
}

int PipeEnd::unread() {
  std::size_t size = 0;
  for (std::size_t i = 0; i < pipe_->used; ++i) size += pipe_->ring[pipe_->slot(i)].size;
  return static_cast<int>(size);
}

int PipeEnd::set_capacity(long bytes) {
  const auto wanted = static_cast<std::uint32_t>(bytes);
  if (wanted > 1u << 31) return -EINVAL;
  const std::size_t pages = std::bit_ceil((wanted + Pipe::page - 1) / Pipe::page);
  if (pages > Pipe::most_pages) return -EPERM;
  const int result = pipe_->resize(pages);
  if (result < 0) return result;
  if (pipe_->writer != nullptr) pipe_->writer->wake_all();
  return capacity();
}

void PipeEnd::closed() {
  Pipe& p = *pipe_;
  PipeEnd*& mine = (flags & O_ACCMODE) == O_RDONLY ? p.reader : p.writer;
  mine = nullptr;
  // The other end learns of it: end of file for a reader, EPIPE for a writer.
  for (PipeEnd* other : {p.reader, p.writer}) {
    if (other == nullptr) continue;
    state_.release(p.messages.readable);
    state_.release(p.messages.writable);
    other->wake_all();
  }
}

int Kernel::pipe2(int fds[2], int flags, const void* pc) {
  State& k = *state_;
  k.enter("pipe2", {}, pc);
  const auto done = [&](int result) {
    return k.leave("pipe2", result < 0 ? -1 : fds[0], result, pc, result < 0 ? 0 : fds[1]);
  };
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return done(-EINVAL);
  auto pipe = std::make_shared<Pipe>();
  auto& reader = k.make<PipeEnd>(O_RDONLY | (flags & O_NONBLOCK), pipe);
  auto& writer = k.make<PipeEnd>(O_WRONLY | (flags & O_NONBLOCK), pipe);
  pipe->reader = &reader;
  pipe->writer = &writer;
  const bool close_on_exec = (flags & O_CLOEXEC) != 0;
  const int in = k.install(reader, close_on_exec);
  if (in < 0) return done(in);
  const int out = k.install(writer, close_on_exec);
  if (out < 0) {
    k.drop(*k.fds.remove(in));
    return done(out);
  }
  fds[0] = in;
  fds[1] = out;
  return done(0);
}

}  // namespace aiosim::kernel
