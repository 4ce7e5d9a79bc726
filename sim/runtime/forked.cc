// The result of a forked world comes back through a pipe; the choices also through shared memory,
// where they outlive the child.
#include "aiosim/forked.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace aiosim {
namespace {

[[noreturn]] void no_process(const char* call) {
  throw std::system_error(errno, std::generic_category(), std::string("a forked world: ") + call);
}

// --- texts, both ways. Addresses are the same in both processes: literals stay pointers.

struct Writer {
  std::string bytes;

  template <class T>
  void value(const T& from) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&from), sizeof from);
  }
  void text(const std::string& from) {
    value(from.size());
    bytes += from;
  }
  template <class T, class Each>
  void list(std::vector<T>& from, Each each) {
    value(from.size());
    for (T& element : from) each(element);
  }
};

struct Reader {
  const std::string& bytes;
  std::size_t at = 0;

  void take(void* to, std::size_t size) {
    if (bytes.size() - at < size) throw std::runtime_error("a forked world's result is cut short");
    std::memcpy(to, bytes.data() + at, size);
    at += size;
  }
  template <class T>
  void value(T& to) {
    take(&to, sizeof to);
  }
  void text(std::string& to) {
    std::size_t size = 0;
    value(size);
    to.resize(std::min(size, bytes.size()));
    take(to.data(), size);
  }
  template <class T, class Each>
  void list(std::vector<T>& to, Each each) {
    std::size_t size = 0;
    value(size);
    to.resize(std::min(size, bytes.size()));
    for (T& element : to) each(element);
  }
};

template <class Stream>
void transfer(Stream& stream, RunResult& result) {
  stream.value(result.verdict.kind);
  stream.text(result.verdict.rule);
  stream.text(result.verdict.text);
  stream.value(result.trace_hash);
  stream.value(result.behaviour);
  stream.value(result.points);
  stream.value(result.unseen_points);
  stream.value(result.cut);
  stream.value(result.end_ns);
  stream.list(result.choices, [&stream](Choice& choice) {
    stream.value(choice.key);
    stream.value(choice.answers);
    stream.value(choice.value);
    stream.text(choice.operation);
    stream.text(choice.object);
    stream.value(choice.step);
  });
  stream.list(result.trace, [&stream](TraceEvent& event) {
    stream.value(event.step);
    stream.value(event.time_ns);
    stream.value(event.thread);
    stream.value(event.operation);
    stream.text(event.object);
    stream.value(event.a);
    stream.value(event.b);
    stream.text(event.detail);
    stream.value(event.pc);
  });
  stream.list(result.threads, [&stream](ThreadInfo& thread) {
    stream.text(thread.name);
    stream.text(thread.waiting_for);
  });
  stream.list(result.leftovers, [&stream](std::string& line) { stream.text(line); });
}

// --- choices that outlive the child

struct Kept {
  struct Entry {
    ChoiceKey key;
    std::uint32_t answers;
    std::uint32_t value;
    std::uint64_t step;
  };
  static constexpr std::size_t most = 1 << 16;
  std::size_t count;
  std::array<Entry, most> entries;
};

class SharedChoices {
 public:
  SharedChoices()
      : kept_(static_cast<Kept*>(mmap(nullptr, sizeof(Kept), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (kept_ == MAP_FAILED) no_process("mmap");
  }
  ~SharedChoices() { munmap(kept_, sizeof(Kept)); }
  SharedChoices(const SharedChoices&) = delete;
  SharedChoices& operator=(const SharedChoices&) = delete;

  void add(const Question& question, std::uint32_t value) {
    if (value == 0 || kept_->count == Kept::most) return;
    kept_->entries[kept_->count] = {question.key, question.answers, value, question.step};
    ++kept_->count;
  }
  std::vector<Choice> choices() const {
    std::vector<Choice> out;
    for (std::size_t i = 0; i < kept_->count; ++i) {
      const Kept::Entry& entry = kept_->entries[i];
      out.push_back({entry.key, entry.answers, entry.value, {}, {}, entry.step});
    }
    return out;
  }

 private:
  Kept* kept_;
};

class Keeping final : public Chooser {
 public:
  Keeping(Chooser& chooser, SharedChoices& kept) : chooser_(chooser), kept_(kept) {}
  void begin() override { chooser_.begin(); }
  std::uint32_t choose(const Question& question) override {
    const std::uint32_t value = chooser_.choose(question);
    if (value < question.answers) kept_.add(question, value);
    return value;
  }

 private:
  Chooser& chooser_;
  SharedChoices& kept_;
};

// --- the two processes

enum class Came : char { result = 'R', bad_input = 'B', error = 'E' };

std::string do_run(const std::function<RunResult()>& work) {
  Writer writer;
  try {
    RunResult result = work();
    writer.value(Came::result);
    transfer(writer, result);
  } catch (const BadInput& bad) {
    writer.value(Came::bad_input);
    writer.text(bad.what());
  } catch (const std::exception& error) {
    writer.value(Came::error);
    writer.text(error.what());
  }
  return std::move(writer.bytes);
}

void send(int fd, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::write(fd, bytes.data() + sent, bytes.size() - sent);
    if (n < 0 && errno != EINTR) _exit(2);
    if (n > 0) sent += static_cast<std::size_t>(n);
  }
}

std::string receive(int fd) {
  std::string bytes;
  std::array<char, 16384> part;
  for (;;) {
    const ssize_t n = ::read(fd, part.data(), part.size());
    if (n == 0) return bytes;
    if (n < 0 && errno != EINTR) no_process("read");
    if (n > 0) bytes.append(part.data(), static_cast<std::size_t>(n));
  }
}

RunResult died(int status, const SharedChoices& kept) {
  RunResult result;
  result.choices = kept.choices();
  result.verdict.kind = VerdictKind::crash;
  result.verdict.text =
      WIFSIGNALED(status)
          ? std::string("the world's process was killed by signal ") +
                std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")"
          : "the world's process ended with status " + std::to_string(WEXITSTATUS(status));
  return result;
}

RunResult take(const std::string& bytes) {
  Reader reader{bytes};
  Came came{};
  reader.value(came);
  RunResult result;
  if (came == Came::result) {
    transfer(reader, result);
    return result;
  }
  std::string what;
  reader.text(what);
  if (came == Came::bad_input) throw BadInput(what);
  throw std::runtime_error(what);
}

}  // namespace

RunResult run_forked(const std::function<void()>& body, Chooser& chooser, const RunOptions& options,
                     const std::function<void(RunResult&)>& finish) {
  if (chooser.watches() != Watch::nothing) {
    throw BadInput("a forked world: a search that learns from its runs cannot run in children");
  }
  SharedChoices kept;
  int ends[2];
  if (::pipe(ends) != 0) no_process("pipe");
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    no_process("fork");
  }
  if (child == 0) {
    ::close(ends[0]);
    Keeping keeping(chooser, kept);
    send(ends[1], do_run([&] {
           RunResult result = run(body, keeping, options);
           if (finish) finish(result);
           return result;
         }));
    _exit(0);
  }
  ::close(ends[1]);
  const std::string bytes = receive(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const bool whole = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return whole ? take(bytes) : died(status, kept);
}

}  // namespace aiosim
