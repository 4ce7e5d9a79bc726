// The one line on a terminal that long work rewrites. Says nothing where stderr is no terminal.
#pragma once

#include <chrono>
#include <string>

namespace aiosim::cli {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Is it time for another update? At most ten a second, never where nobody sees them.
  bool due();
  /// Shows `text`, cut to the terminal's width.
  void show(const std::string& text);
  /// Takes the line away, before ordinary output.
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

/// "[#####.....]  50 %" of `width` cells.
std::string bar(double part, unsigned width);

}  // namespace aiosim::cli
