#include "column.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <string>

#include "errors.hpp"

namespace docstore {
namespace {

// Signed, so that every line can be addressed by pointer arithmetic.
constexpr std::size_t kMaxBytes = std::numeric_limits<std::ptrdiff_t>::max();

std::size_t checked_line_bytes(DType dtype, std::size_t dim) {
  if (dim == 0) throw InvalidArgument("a column of vectors needs dim >= 1, not 0");
  if (dim > kMaxBytes / size_of(dtype)) {
    throw InvalidArgument("dim " + std::to_string(dim) + " is larger than memory");
  }
  return dim * size_of(dtype);
}

}  // namespace

Column::Column(DType dtype, std::size_t dim)
    : dtype_(dtype),
      dim_(dim),
      line_bytes_(checked_line_bytes(dtype, dim)),
      buffer_(Buffer::make(0)) {}

std::size_t Column::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

std::size_t Column::nbytes() const {
  const std::lock_guard lock(mutex_);
  return buffer_->size();
}

Column::Snapshot Column::snapshot() const {
  const std::lock_guard lock(mutex_);
  shown_ = std::max(shown_, size_);
  return {buffer_, size_};
}

// Snapshots are made under the mutex only, so the count cannot rise here. When
// it has fallen to one, the fence orders what the last reader read before what
// we write.
bool Column::is_shared() const {
  if (buffer_.use_count() > 1) return true;
  std::atomic_thread_fence(std::memory_order_acquire);
  return false;
}

std::size_t Column::bytes_for(std::size_t lines) const {
  if (lines > kMaxBytes / line_bytes_) {
    throw InvalidArgument("a column of " + std::to_string(lines) + " lines of " +
                          std::to_string(line_bytes_) + " bytes is larger than memory");
  }
  return lines * line_bytes_;
}

void Column::move_to(std::size_t capacity) {
  std::shared_ptr<Buffer> fresh = Buffer::make(bytes_for(capacity));
  std::memcpy(fresh->data(), buffer_->data(), size_ * line_bytes_);
  buffer_ = std::move(fresh);
  shown_ = 0;
}

std::size_t Column::append(const std::byte* rows, std::ptrdiff_t stride, std::size_t count) {
  const std::lock_guard lock(mutex_);
  const std::size_t first = size_;
  if (count == 0) return first;
  if (count > kMaxBytes - first) throw InvalidArgument("a column cannot have that many lines");
  const std::size_t needed = first + count;
  const std::size_t capacity = buffer_->size() / line_bytes_;
  if (!is_shared()) shown_ = 0;  // nobody looks any more
  const bool overwrites = first < shown_;
  if (bytes_for(needed) > buffer_->size() || overwrites) {
    const std::size_t most = kMaxBytes / line_bytes_;
    const std::size_t roomy = capacity > most / 2 ? most : capacity + capacity / 2;
    move_to(needed <= capacity ? capacity : std::max(needed, roomy));
  }
  std::byte* to = buffer_->data() + first * line_bytes_;
  if (stride == static_cast<std::ptrdiff_t>(line_bytes_)) {
    std::memcpy(to, rows, count * line_bytes_);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(to + i * line_bytes_, rows + static_cast<std::ptrdiff_t>(i) * stride,
                  line_bytes_);
    }
  }
  size_ = needed;
  return first;
}

void Column::set(const std::int64_t* lines, const std::byte* rows, std::ptrdiff_t stride,
                 std::size_t count) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) {
    if (lines[i] < 0 || static_cast<std::uint64_t>(lines[i]) >= size_) {
      throw InvalidArgument("line " + std::to_string(lines[i]) + " is not one of the column's " +
                            std::to_string(size_));
    }
  }
  if (count == 0) return;
  if (is_shared()) move_to(buffer_->size() / line_bytes_);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(buffer_->data() + static_cast<std::size_t>(lines[i]) * line_bytes_,
                rows + static_cast<std::ptrdiff_t>(i) * stride, line_bytes_);
  }
}

void Column::truncate(std::size_t n) {
  const std::lock_guard lock(mutex_);
  if (n > size_) {
    throw InvalidArgument("cannot truncate a column of " + std::to_string(size_) + " lines to " +
                          std::to_string(n));
  }
  size_ = n;
}

}  // namespace docstore
