#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "byte_buffer.hpp"
#include "errors.hpp"

namespace docstore::proto {

// Field numbers, as in the docarray.proto of docarray 0.21.
enum DocumentField : std::uint32_t {
  kId = 1,
  kBlob = 2,
  kTensor = 3,
  kText = 4,
  kGranularity = 5,
  kAdjacency = 6,
  kParentId = 7,
  kWeight = 8,
  kUri = 9,
  kModality = 10,
  kMimeType = 11,
  kOffset = 12,
  kLocation = 13,
  kChunks = 14,
  kMatches = 15,
  kEmbedding = 16,
  kTags = 17,
  kScores = 18,
  kEvaluations = 19,
  kMetadata = 20,
};
enum NdArrayField : std::uint32_t { kDense = 1, kSparse = 2, kClsName = 3, kParameters = 4 };
enum DenseField : std::uint32_t { kBuffer = 1, kShape = 2, kDtype = 3 };
enum SparseField : std::uint32_t { kIndices = 1, kValues = 2, kSparseShape = 3 };
enum ScoreField : std::uint32_t { kValue = 1, kOpName = 2, kDescription = 3, kRefId = 4 };
enum MapField : std::uint32_t { kMapKey = 1, kMapValue = 2 };
enum ValueField : std::uint32_t {
  kNullValue = 1,
  kNumberValue = 2,
  kStringValue = 3,
  kBoolValue = 4,
  kStructValue = 5,
  kListValue = 6,
};
// Both Struct and ListValue have one field; so has DocumentArrayProto.
inline constexpr std::uint32_t kOnlyField = 1;

enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One field of a message as it lies in the input. `number` is its value for a
// varint or its bits for a fixed one; `bytes` the content for kBytes.
struct Field {
  std::uint32_t id = 0;
  Wire wire = kVarint;
  std::uint64_t number = 0;
  ByteSpan bytes;

  bool is(std::uint32_t want_id, Wire want_wire) const noexcept {
    return id == want_id && wire == want_wire;
  }
};

inline float bits_float(std::uint64_t bits) noexcept {
  const auto low = static_cast<std::uint32_t>(bits);
  float value;
  std::memcpy(&value, &low, 4);
  return value;
}

// Goes through the fields of one message. Never reads outside of it; throws
// CorruptData for what is no message. Does not own the bytes.
class FieldReader {
 public:
  explicit FieldReader(ByteSpan message) noexcept : rest_(message) {}

  bool done() const noexcept { return rest_.empty(); }
  ByteSpan rest() const noexcept { return rest_; }

  Field next() {
    Field field;
    const std::uint64_t head = varint();
    if (head >> 3 == 0 || head >> 32 != 0) fail("a field without a number");
    field.id = static_cast<std::uint32_t>(head >> 3);
    field.wire = static_cast<Wire>(head & 7);
    switch (field.wire) {
      case kVarint:
        field.number = varint();
        break;
      case kFixed64:
        field.number = fixed<std::uint64_t>();
        break;
      case kFixed32:
        field.number = fixed<std::uint32_t>();
        break;
      case kBytes:
        field.bytes = take(varint());
        break;
      default:
        fail("a field of an unknown wire type");
    }
    return field;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      if (i >= rest_.size()) fail("ends too early");
      const std::uint64_t byte = rest_[i];
      // The tenth byte has room for one bit; protobuf drops the others.
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        rest_ = rest_.subspan(i + 1);
        return value;
      }
    }
    fail("a number that is too long");
  }

  template <class Number>
  Number fixed() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  [[noreturn]] static void fail(const char* what) {
    throw CorruptData(std::string("protobuf message: ") + what);
  }

 private:
  ByteSpan take(std::uint64_t size) {
    if (size > rest_.size()) fail("ends too early");
    const ByteSpan bytes = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return bytes;
  }

  ByteSpan rest_;
};

// Appends fields to a message.
class FieldWriter {
 public:
  explicit FieldWriter(ByteBuffer& out) noexcept : out_(out) {}

  ByteBuffer& buffer() noexcept { return out_; }

  void head(std::uint32_t id, Wire wire) { out_.put_varint(std::uint64_t{id} << 3 | wire); }
  void varint(std::uint32_t id, std::uint64_t value) {
    head(id, kVarint);
    out_.put_varint(value);
  }
  void real32(std::uint32_t id, float value) {
    head(id, kFixed32);
    out_.put_raw(value);
  }
  void real64(std::uint32_t id, double value) {
    head(id, kFixed64);
    out_.put_raw(value);
  }
  void bytes(std::uint32_t id, ByteSpan value) {
    head(id, kBytes);
    out_.put_varint(value.size());
    out_.put(value.data(), value.size());
  }
  void text(std::uint32_t id, std::string_view value) { bytes(id, as_bytes(value)); }

  // A nested message, which `write()` appends: its length comes before it and
  // is known after, so one byte is kept free and more are made when needed.
  template <class Write>
  void message(std::uint32_t id, Write&& write) {
    head(id, kBytes);
    out_.put(0);
    const std::size_t start = out_.size();
    write();
    close(start);
  }

 private:
  void close(std::size_t start) {
    std::size_t size = out_.size() - start;
    std::size_t extra = 0;
    for (std::size_t rest = size >> 7; rest != 0; rest >>= 7) ++extra;
    if (extra != 0) {
      out_.reserve(extra);
      out_.advance(extra);
      std::memmove(out_.data() + start + extra, out_.data() + start, size);
    }
    std::uint8_t* length = out_.data() + start - 1;
    for (; size >= 0x80; size >>= 7) *length++ = static_cast<std::uint8_t>(size | 0x80);
    *length = static_cast<std::uint8_t>(size);
  }

  ByteBuffer& out_;
};

}  // namespace docstore::proto
