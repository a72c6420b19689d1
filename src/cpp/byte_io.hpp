#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "errors.hpp"

namespace docstore::disk {

static_assert(std::endian::native == std::endian::little,
              "the files of a store are little-endian; this machine needs byte swaps");

using Bytes = std::span<const std::byte>;

// Appends values to a growing buffer, unaligned and little-endian. One thread.
class ByteWriter {
 public:
  template <class T>
  void put(T value) {
    static_assert(std::is_arithmetic_v<T>);
    put_bytes(&value, sizeof value);
  }
  void put_bytes(const void* data, std::size_t size) {
    if (size == 0) return;
    const auto* from = static_cast<const std::byte*>(data);
    buffer_.insert(buffer_.end(), from, from + size);
  }
  // Strings up to 4 GiB, which callers have checked.
  void put_string(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    put_bytes(text.data(), text.size());
  }
  void reserve(std::size_t size) { buffer_.reserve(size); }
  std::size_t size() const { return buffer_.size(); }
  std::byte* data() { return buffer_.data(); }
  Bytes bytes() const { return buffer_; }

 private:
  std::vector<std::byte> buffer_;
};

// Takes values out of bytes that it does not own; throws CorruptData rather
// than read past their end. One thread.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
    return value;
  }
  Bytes take_bytes(std::uint64_t size) {
    if (size > left()) throw CorruptData("a length points past the end of its record");
    const Bytes part = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += static_cast<std::size_t>(size);
    return part;
  }
  std::string_view take_string() {
    const Bytes part = take_bytes(take<std::uint32_t>());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  // How many items follow; refused when they could not fit into what is left.
  std::uint64_t take_count(std::size_t least_item_size) {
    const auto count = take<std::uint64_t>();
    if (count > left() / least_item_size) {
      throw CorruptData("a count is larger than its record");
    }
    return count;
  }
  template <class T>
  std::vector<T> take_array(std::uint64_t count) {
    if (count > left() / sizeof(T)) throw CorruptData("an array is larger than its record");
    std::vector<T> values(static_cast<std::size_t>(count));
    const Bytes part = take_bytes(count * sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), part.data(), part.size());
    return values;
  }
  std::size_t position() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  bool done() const { return left() == 0; }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace docstore::disk
