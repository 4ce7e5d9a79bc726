#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>

#include "scenario.h"

namespace aiosim::threads {
namespace {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  int code = 0;
};

// Each thread is inside a handler while the other throws.
void handlers_interleave() {
  two_of([] {
    for (int i = 0; i < 2; ++i) {
      try {
        throw Error("outer");
      } catch (const Error& outer) {
        std::this_thread::yield();
        try {
          throw std::logic_error("inner");
        } catch (const std::logic_error&) {
          assert(std::uncaught_exceptions() == 0);
          std::this_thread::yield();
        }
        std::this_thread::yield();
        assert(std::string(outer.what()) == "outer");
        assert(std::current_exception() != nullptr);
      }
      assert(std::current_exception() == nullptr);
    }
  });
}

struct Yields {
  ~Yields() {
    assert(std::uncaught_exceptions() == 1);
    std::this_thread::yield();
    assert(std::uncaught_exceptions() == 1);
  }
};

void unwinding_interleaves() {
  two_of([] {
    try {
      const Yields yields;
      throw 5;
    } catch (int value) {
      assert(value == 5);
    }
  });
}

void handed_across() {
  std::exception_ptr error;
  std::mutex mutex;
  two_threads(
      [&] {
        try {
          Error made("from one");
          made.code = 7;
          throw made;
        } catch (...) {
          const std::lock_guard lock(mutex);
          error = std::current_exception();
        }
      },
      [&] {
        std::exception_ptr mine;
        {
          const std::lock_guard lock(mutex);
          mine = error;
        }
        if (!mine) return;
        try {
          std::rethrow_exception(mine);
        } catch (const Error& caught) {
          assert(caught.code == 7);
          assert(std::string(caught.what()) == "from one");
        }
      });
}

// Whoever lets go last frees it: what counts the references puts that in order.
void freed_by_the_last() {
  Error made("shared");
  made.code = 7;
  auto error = std::make_exception_ptr(made);
  const auto use = [](std::exception_ptr mine) {
    try {
      std::rethrow_exception(std::move(mine));
    } catch (const Error& caught) {
      assert(caught.code == 7);
      assert(std::string(caught.what()) == "shared");
    }
  };
  std::thread one(use, error), two(use, std::move(error));
  one.join();
  two.join();
}

// Both threads are inside a handler of one exception object, and write to it.
void shared_without_order() {
  std::exception_ptr error = std::make_exception_ptr(Error("shared"));
  two_of([&, error] {
    try {
      std::rethrow_exception(error);
    } catch (Error& caught) {
      std::this_thread::yield();
      ++caught.code;
    }
  });
}

void leaves_a_thread() {
  std::thread([] { throw Error("nobody wants me"); }).join();
}

void leaves_noexcept() {
  const auto throws = [] { throw Error("nobody may have me"); };
  std::thread([&throws]() noexcept { throws(); }).join();
}

void rethrown_without_any() {
  std::thread([] { throw; }).join();
}

constexpr Scenario all[] = {
    {"HandlersInterleave", handlers_interleave},
    {"UnwindingInterleaves", unwinding_interleaves},
    {"ExceptionHandedAcross", handed_across},
    {"ExceptionFreedByTheLast", freed_by_the_last},
    {"ExceptionSharedWithoutOrder", shared_without_order, "data race", "plain"},
    {"ExceptionLeavesAThread", leaves_a_thread, "escaped exception", "Error: nobody wants me"},
    {"ExceptionLeavesNoexcept", leaves_noexcept, "escaped exception", "Error: nobody may have me"},
    {"RethrownWithoutAny", rethrown_without_any, "crash", "std::terminate in T1"},
};

}  // namespace

Scenarios exceptions() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
