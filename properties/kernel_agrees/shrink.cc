// Delta debugging of a sequence: fewer calls, then simpler ones.
#include <sys/epoll.h>

#include "kernel_agrees/draw.h"

namespace kernel_agrees {
namespace {

/// Without the `count` steps from `at`.
Sequence without(const Sequence& steps, std::size_t at, std::size_t count) {
  Sequence fewer = steps;
  const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
  fewer.erase(from, from + static_cast<std::ptrdiff_t>(count));
  return fewer;
}

/// Without step `at`, which made `made` fds, the first of them `fd`: later numbers move down.
Sequence renumbered(const Sequence& steps, std::size_t at, int fd, int made) {
  Sequence fewer = without(steps, at, 1);
  for (std::size_t i = at; i < fewer.size(); ++i) {
    if (fewer[i].fd >= fd + made) fewer[i].fd -= made;
    if (fewer[i].other >= fd + made) fewer[i].other -= made;
    if (fewer[i].call != Call::poll) continue;
    const std::uint64_t low = (std::uint64_t{1} << (fd - first_fd)) - 1;
    fewer[i].value = (fewer[i].value & low) | ((fewer[i].value >> made) & ~low);
  }
  return fewer;
}

int fds_made(Call call) {
  switch (call) {
    case Call::pipe2:
    case Call::socketpair:
      return 2;
    case Call::eventfd:
    case Call::epoll_create1:
    case Call::timerfd_create:
    case Call::socket:
    case Call::accept:
    case Call::dup:
      return 1;
    default:
      return 0;
  }
}

bool try_instead(Sequence& best, const Sequence& other,
                 const std::function<bool(const Sequence&)>& fails) {
  if (other == best || !fails(other)) return false;
  best = other;
  return true;
}

bool remove_chunks(Sequence& best, const std::function<bool(const Sequence&)>& fails) {
  bool better = false;
  for (std::size_t size = best.size() / 2; size > 0; size /= 2) {
    for (std::size_t end = best.size(); end >= size && end > 0;) {
      const bool removed = try_instead(best, without(best, end - size, size), fails);
      better |= removed;
      end = removed ? std::min(end - size, best.size()) : end - 1;
    }
  }
  return better;
}

bool remove_makers(Sequence& best, const std::function<bool(const Sequence&)>& fails) {
  bool better = false;
  for (std::size_t at = best.size(); at-- > 0;) {
    const int made = fds_made(best[at].call);
    for (int fd = first_fd; made > 0 && fd < first_fd + fd_range && at < best.size(); ++fd) {
      if (try_instead(best, renumbered(best, at, fd, made), fails)) {
        better = true;
        break;
      }
    }
  }
  return better;
}

bool simplify(Sequence& best, const std::function<bool(const Sequence&)>& fails) {
  bool better = false;
  for (std::size_t at = 0; at < best.size(); ++at) {
    const auto attempt = [&](auto change) {
      Sequence other = best;
      change(other[at]);
      better |= try_instead(best, other, fails);
    };
    attempt([](Step& step) { step.thread = 0; });
    for (const std::uint32_t a : {0u, 1u, 8u, std::uint32_t{EPOLLIN}, best[at].a / 2}) {
      if (a < best[at].a) attempt([a](Step& step) { step.a = a; });
    }
    for (int bit = 0; bit < 32; ++bit) {
      attempt([bit](Step& step) { step.a &= ~(1u << bit); });
      attempt([bit](Step& step) { step.value &= ~(std::uint64_t{1} << bit); });
    }
  }
  return better;
}

}  // namespace

Sequence shrink(const Sequence& steps, const std::function<bool(const Sequence&)>& fails) {
  Sequence best = steps;
  while (remove_chunks(best, fails) | remove_makers(best, fails)) {
  }
  simplify(best, fails);
  remove_chunks(best, fails);
  return best;
}

}  // namespace kernel_agrees
