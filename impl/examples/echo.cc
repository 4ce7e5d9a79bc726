// A TCP echo server on one aio::Context.
//
//   echo PORT           serves 127.0.0.1:PORT (0: any free port, printed) until killed
//   echo --self-test    serves a client thread of its own for 1,000 round trips, then exits 0
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "echo_server.h"

namespace {

using echo::EchoServer;

/// Sends `rounds` messages and compares what comes back. True if all is well.
bool run_client(std::uint16_t port, int rounds) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = echo::loopback(port);
  bool good = fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  for (int round = 0; good && round < rounds; ++round) {
    const std::string message = "round " + std::to_string(round);
    good = send(fd, message.data(), message.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(message.size());
    std::string echoed(message.size(), '\0');
    good = good && recv(fd, echoed.data(), echoed.size(), MSG_WAITALL) ==
                       static_cast<ssize_t>(echoed.size());
    good = good && echoed == message;
  }
  if (fd >= 0) close(fd);
  return good;
}

int self_test() {
  constexpr int rounds = 1000;
  aio::Context context;
  EchoServer server(context, 0);
  std::atomic<bool> client_done{false};
  bool good = false;
  std::thread client([&, port = server.port()] {
    good = run_client(port, rounds);
    client_done.store(true, std::memory_order_release);
    context.notify();
  });
  while (!client_done.load(std::memory_order_acquire) || (good && server.served() == 0)) {
    context.poll(true);
  }
  client.join();
  std::printf("echo: %d round trips %s\n", rounds, good ? "ok" : "FAILED");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int serve(std::uint16_t port) {
  aio::Context context;
  EchoServer server(context, port);
  std::printf("echo: listening on 127.0.0.1:%d\n", int{server.port()});
  std::fflush(stdout);
  for (;;) context.poll(true);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::strcmp(argv[1], "--self-test") == 0) return self_test();
    if (argc == 2) return serve(static_cast<std::uint16_t>(std::atoi(argv[1])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo: %s\n", error.what());
    return EXIT_FAILURE;
  }
  std::fprintf(stderr, "usage: echo PORT | --self-test\n");
  return 2;
}
