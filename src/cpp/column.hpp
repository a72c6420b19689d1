#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "buffer.hpp"
#include "dtype.hpp"

namespace docstore {

// Vectors of one length and type in one growable block: line i starts at
// i * line_bytes(), without padding, and the first line on a cache line.
//
// A Snapshot owns the memory that it shows and never changes: lines are added
// in place only behind what every living snapshot shows, and all other writes
// go to a copy while a snapshot lives. Every method may be called from any
// thread; each is atomic.
class Column {
 public:
  struct Snapshot {
    std::shared_ptr<const Buffer> buffer;
    std::size_t lines;
  };

  // Throws InvalidArgument when dim is 0 or a line would be larger than memory.
  Column(DType dtype, std::size_t dim);

  DType dtype() const noexcept { return dtype_; }
  std::size_t dim() const noexcept { return dim_; }
  std::size_t line_bytes() const noexcept { return line_bytes_; }
  std::size_t size() const;
  // Bytes that the column holds, spare room included.
  std::size_t nbytes() const;
  Snapshot snapshot() const;

  // Copies `count` lines of this column's type, each `stride` bytes behind the
  // other, to the end, and returns the line of the first. Throws
  // std::bad_alloc or InvalidArgument, and has then changed nothing.
  std::size_t append(const std::byte* rows, std::ptrdiff_t stride, std::size_t count);

  // Overwrites the lines with these numbers. InvalidArgument when one is out
  // of range; nothing has been changed then.
  void set(const std::int64_t* lines, const std::byte* rows, std::ptrdiff_t stride,
           std::size_t count);

  // Forgets all lines from n on; n may not exceed size().
  void truncate(std::size_t n);

 private:
  bool is_shared() const;
  void move_to(std::size_t capacity);
  std::size_t bytes_for(std::size_t lines) const;

  const DType dtype_;
  const std::size_t dim_;
  const std::size_t line_bytes_;
  mutable std::mutex mutex_;
  std::shared_ptr<Buffer> buffer_;
  std::size_t size_ = 0;
  mutable std::size_t shown_ = 0;  // lines of buffer_ that any snapshot has seen
};

}  // namespace docstore
