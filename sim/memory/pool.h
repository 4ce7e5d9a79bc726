// Storage of one run: handed out in order, all taken back by one reset, never given to the host.
//
// Elements have stable addresses and are not initialised when they are handed out again: the
// taker fills them in. Memory comes from mmap, so that no malloc of anybody is involved.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aiosim::memory {

/// Zeroed pages from the host; ends the process with a message if there are none.
void* map_pages(std::size_t bytes);
void unmap_pages(void* at, std::size_t bytes);

template <class T>
class Pool {
 public:
  static constexpr std::uint32_t chunk_elements = 1024;

  Pool() : chunks_(static_cast<T**>(map_pages(table_bytes))) {}
  ~Pool() {
    for (std::uint32_t i = 0; i < chunk_count_; ++i) unmap_pages(chunks_[i], chunk_bytes);
    unmap_pages(chunks_, table_bytes);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Index 0 is never handed out: it means none.
  std::uint32_t add() {
    if ((used_ >> shift) >= chunk_count_) grow();
    return used_++;
  }
  /// `n` <= chunk_elements neighbours.
  std::uint32_t add_array(std::uint32_t n) {
    if ((used_ & mask) + n > chunk_elements) used_ = (used_ | mask) + 1;
    if ((used_ >> shift) >= chunk_count_) grow();
    const std::uint32_t first = used_;
    used_ += n;
    return first;
  }
  T& operator[](std::uint32_t i) { return chunks_[i >> shift][i & mask]; }
  const T& operator[](std::uint32_t i) const { return chunks_[i >> shift][i & mask]; }

  /// One past the last index handed out.
  std::uint32_t end() const { return used_; }
  void reset() { used_ = 1; }

 private:
  static constexpr std::uint32_t shift = 10;
  static constexpr std::uint32_t mask = chunk_elements - 1;
  static constexpr std::uint32_t max_chunks = 1U << 16;
  static constexpr std::size_t table_bytes = max_chunks * sizeof(T*);
  static constexpr std::size_t chunk_bytes = chunk_elements * sizeof(T);

  void grow() {
    chunks_[chunk_count_] = static_cast<T*>(map_pages(chunk_bytes));
    ++chunk_count_;
  }

  T** chunks_;
  std::uint32_t chunk_count_ = 0;
  std::uint32_t used_ = 1;
};

}  // namespace aiosim::memory
