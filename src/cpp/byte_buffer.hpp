#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string_view>

namespace docstore {

// The formats are little-endian, and numbers are copied as they are in memory.
static_assert(std::endian::native == std::endian::little, "docstore needs a little-endian machine");

using ByteSpan = std::span<const std::uint8_t>;

inline ByteSpan as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Bytes that grow at the end. The first kilobyte needs no allocation, and
// memory that is made room for is not cleared. Owns its bytes; neither copied
// nor moved, for the first bytes live inside. One thread at a time.
class ByteBuffer {
 public:
  ByteBuffer() noexcept : data_(inline_) {}
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  const std::uint8_t* data() const noexcept { return data_; }
  std::uint8_t* data() noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  ByteSpan span() const noexcept { return {data_, size_}; }
  void clear() noexcept { size_ = 0; }

  // Room for `count` more bytes, which `advance` then counts as written. The
  // pointer is good until the next call that adds bytes.
  std::uint8_t* reserve(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    return data_ + size_;
  }
  void advance(std::size_t count) noexcept { size_ += count; }

  void put(std::uint8_t byte) {
    *reserve(1) = byte;
    ++size_;
  }

  void put(const void* bytes, std::size_t count) {
    if (count == 0) return;
    std::memcpy(reserve(count), bytes, count);
    size_ += count;
  }

  template <class Number>
  void put_raw(Number value) {
    put(&value, sizeof value);
  }

  // Seven bits a byte, the lowest first; the top bit says that more follow.
  void put_varint(std::uint64_t value) {
    std::uint8_t* out = reserve(10);
    std::size_t count = 0;
    while (value >= 0x80) {
      out[count++] = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    out[count++] = static_cast<std::uint8_t>(value);
    size_ += count;
  }

 private:
  void grow(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / 4 - size_) throw std::bad_alloc();
    std::size_t wanted = capacity_ * 2;
    if (wanted < size_ + count) wanted = size_ + count;
    auto bigger = std::make_unique_for_overwrite<std::uint8_t[]>(wanted);
    std::memcpy(bigger.get(), data_, size_);
    heap_ = std::move(bigger);
    data_ = heap_.get();
    capacity_ = wanted;
  }

  static constexpr std::size_t kInline = 1024;
  std::uint8_t* data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInline;
  std::unique_ptr<std::uint8_t[]> heap_;
  alignas(8) std::uint8_t inline_[kInline];
};

}  // namespace docstore
