#include "aio/io_thread.h"

#include <pthread.h>

#include <string>

#include "check.h"

namespace aio {

IoThread::IoThread(const ContextOptions& options, const char* name) : context_(options) {
  constexpr std::size_t longest_name = 15;  // pthread_setname_np(3)
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), std::string(name).substr(0, longest_name).c_str());
}

IoThread::~IoThread() { stop(); }

void IoThread::run() {
  context_.bind_home_thread();
  while (running_) context_.poll(true);
  while (context_.poll(false)) {
  }
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  AIO_CHECK(std::this_thread::get_id() != thread_.get_id());
  context_.schedule_oneshot([](void* self) { static_cast<IoThread*>(self)->running_ = false; },
                            this, "IoThread::stop");
  thread_.join();
  context_.bind_home_thread();
}

}  // namespace aio
