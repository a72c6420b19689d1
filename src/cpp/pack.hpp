#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "byte_buffer.hpp"

namespace docstore {

// Packed values: the encoding of plain values (numbers, text, bytes, lists,
// mappings, arrays) in every file of docstore. docs/format-array.md is its
// specification; what is written here must be readable for ever.

// No value nests deeper than this, on either side.
inline constexpr int kMaxPackDepth = 256;
inline constexpr int kMaxArrayDims = 32;
inline constexpr std::size_t kArrayAlignment = 8;

enum class Kind : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,  // two's complement, lowest byte first
  kFloat,
  kStr,
  kBytes,
  kList,
  kDict,
  kArray,
};

// Bytes that start a value. Below 0x40 is the number itself, from 0x40 to 0x7f
// a text of 0 to 63 bytes.
enum Tag : std::uint8_t {
  kTagShortStr = 0x40,
  kTagNone = 0x80,
  kTagFalse = 0x81,
  kTagTrue = 0x82,
  kTagInt = 0x83,
  kTagBigInt = 0x84,
  kTagFloat = 0x85,
  kTagStr = 0x86,
  kTagBytes = 0x87,
  kTagList = 0x88,
  kTagDict = 0x89,
  kTagArray = 0x8a,
};

// Keys that take one byte. Part of the format: append only, never reorder.
inline constexpr std::array<std::string_view, 24> kPackKeys = {
    "id",        "parent_id", "granularity", "adjacency", "blob",        "tensor",
    "mime_type", "text",      "weight",      "uri",       "tags",        "_metadata",
    "offset",    "location",  "embedding",   "modality",  "evaluations", "scores",
    "chunks",    "matches",   "value",       "op_name",   "description", "ref_id"};

// The number of `key` in kPackKeys, or -1.
int pack_key_number(std::string_view key) noexcept;

// Element types of arrays that take one byte, as NumPy spells them. Part of
// the format: append only, never reorder.
inline constexpr std::array<std::string_view, 14> kPackDtypes = {"|b1", "|i1", "|u1", "<i2", "<u2",
                                                                 "<i4", "<u4", "<i8", "<u8", "<f2",
                                                                 "<f4", "<f8", "<c8", "<c16"};
inline constexpr std::uint8_t kNamedDtype = 0xff;  // the name follows

// The number of `name` in kPackDtypes, or kNamedDtype.
std::uint8_t pack_dtype_code(std::string_view name) noexcept;

// Bytes of one element; 0 for a type that is not stored (objects, records,
// long double, big-endian, no type at all). Fixed-width text and bytes
// ('<U5', '|S3') and dates ('<M8[ns]', '<m8[s]') are stored by name.
std::size_t pack_dtype_size(std::string_view name) noexcept;

// A packed array as it lies in the input, which it points into.
struct ArrayView {
  std::uint8_t code = 0;   // index into kPackDtypes, or kNamedDtype
  std::string_view dtype;  // as NumPy spells it
  std::size_t item_size = 0;
  int ndim = 0;
  std::array<std::int64_t, kMaxArrayDims> shape{};
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;  // in bytes
};

// Elements of one type that are stored by value but could be no such value
// (a bool of 7, a code point above 10FFFF) would be trouble later.
// Throws CorruptData.
void check_array_content(std::string_view dtype, const std::uint8_t* data, std::size_t size);

// Writes packed values one after the other. `base` is where its first byte
// will lie: array data is aligned to kArrayAlignment from there. A list or a
// dict is its count, then the items (for a dict, key and value in turn); the
// caller keeps that promise, and the depth. One thread at a time.
class PackWriter {
 public:
  explicit PackWriter(std::size_t base = 0) noexcept : base_(base) {}

  ByteBuffer& buffer() noexcept { return out_; }
  const std::uint8_t* data() const noexcept { return out_.data(); }
  std::size_t size() const noexcept { return out_.size(); }

  void none() { out_.put(kTagNone); }
  void boolean(bool value) { out_.put(value ? kTagTrue : kTagFalse); }

  void integer(std::int64_t value) {
    if (value >= 0 && value < kTagShortStr) return out_.put(static_cast<std::uint8_t>(value));
    out_.put(kTagInt);
    const auto bits = static_cast<std::uint64_t>(value);
    out_.put_varint((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }

  // Two's complement, lowest byte first.
  void big_integer(ByteSpan bytes) { block(kTagBigInt, bytes.data(), bytes.size()); }

  void real(double value) {
    std::uint8_t* out = out_.reserve(9);
    out[0] = kTagFloat;
    std::memcpy(out + 1, &value, 8);
    out_.advance(9);
  }

  void string(std::string_view text) {
    if (text.size() >= 64) return block(kTagStr, text.data(), text.size());
    std::uint8_t* out = out_.reserve(64);
    out[0] = static_cast<std::uint8_t>(kTagShortStr + text.size());
    if (!text.empty()) std::memcpy(out + 1, text.data(), text.size());
    out_.advance(1 + text.size());
  }

  void bytes(ByteSpan bytes) { block(kTagBytes, bytes.data(), bytes.size()); }

  void list(std::size_t count) { head(kTagList, count); }
  void dict(std::size_t count) { head(kTagDict, count); }

  void key(std::string_view name) {
    const int number = pack_key_number(name);
    if (number >= 0) return out_.put(static_cast<std::uint8_t>(number * 2 + 1));
    out_.put_varint(std::uint64_t{name.size()} * 2);
    out_.put(name.data(), name.size());
  }

  // An array of `shape`; returns where its elements are to be copied to, in
  // C order and little-endian, before anything else is written. Throws
  // InvalidArgument for a type or shape that is not stored.
  std::uint8_t* array(std::string_view dtype, std::span<const std::int64_t> shape);

 private:
  void head(std::uint8_t tag, std::uint64_t count) {
    out_.put(tag);
    out_.put_varint(count);
  }
  void block(std::uint8_t tag, const void* data, std::size_t size) {
    head(tag, size);
    out_.put(data, size);
  }

  ByteBuffer out_;
  std::size_t base_;
};

// What a value starts with. `size` counts the bytes at `data` (kBigInt, kStr,
// kBytes) or the items that follow (kList, kDict). After kArray comes a call
// of PackReader::array.
struct Token {
  Kind kind;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data), size}; }
};

struct Key {
  int number;  // in kPackKeys, or -1
  std::string_view text;
};

// One step into a value: a key of a dict, or a place in a list (negative ones
// count from the end).
using PathStep = std::variant<std::string, std::int64_t>;

// Reads packed values one after the other. It never reads outside the bytes
// it was given, and every count it returns is at most the number of bytes
// left, so that a caller may allocate for it. Text is not checked to be UTF-8.
// Everything that cannot be is CorruptData. Does not own the bytes; one thread
// at a time.
class PackReader {
 public:
  explicit PackReader(ByteSpan input) noexcept
      : begin_(input.data()), at_(input.data()), end_(input.data() + input.size()) {}

  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

  Token next() {
    if (at_ == end_) [[unlikely]]
      fail("ends too early");
    const std::uint8_t tag = *at_++;
    if (tag < kTagShortStr) return {.kind = Kind::kInt, .integer = tag};
    if (tag < kTagNone) return block(Kind::kStr, tag - kTagShortStr);
    return next_tagged(tag);
  }

  Key key() {
    const std::uint64_t head = varint();
    if (head & 1) {
      if (head / 2 >= kPackKeys.size()) [[unlikely]]
        fail("has an unknown key");
      return {static_cast<int>(head / 2), kPackKeys[head / 2]};
    }
    return {-1, block(Kind::kStr, head / 2).text()};
  }

  // The rest of an array whose token was just read.
  ArrayView array();

  // Passes over one value. `depth` is how deep it lies.
  void skip(int depth = 0);

  // Goes to the value that `path` leads to; false when there is none.
  bool find(std::span<const PathStep> path);

  // Throws unless everything was read.
  void finish() const {
    if (at_ != end_) fail("is followed by other bytes");
  }

  [[noreturn]] void fail(const char* what) const;

  static void check_depth(int depth) {
    if (depth > kMaxPackDepth) [[unlikely]]
      fail_depth();
  }

 private:
  std::uint64_t varint() {
    if (at_ != end_ && *at_ < 0x80) [[likely]]
      return *at_++;
    return long_varint();
  }
  std::uint64_t long_varint();
  Token next_tagged(std::uint8_t tag);
  Token block(Kind kind, std::uint64_t size) {
    if (size > left()) [[unlikely]]
      fail("ends too early");
    const Token token{.kind = kind, .data = at_, .size = static_cast<std::size_t>(size)};
    at_ += size;
    return token;
  }
  Token counted(Kind kind, std::uint64_t least_item);
  bool find_key(std::size_t count, const PathStep& step);
  bool find_item(std::size_t count, const PathStep& step);
  [[noreturn]] static void fail_depth();

  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace docstore
