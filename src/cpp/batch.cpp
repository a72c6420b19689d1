#include "batch.hpp"

#include "crc32c.hpp"
#include "errors.hpp"

namespace docstore::disk {
namespace {

constexpr std::uint8_t kHasId = 1, kHasLine = 2, kHasPayload = 4;
constexpr std::size_t kLeastItem = 9;  // a row and its flags

Item read_item(ByteReader& in, std::uint64_t offset) {
  Item item;
  item.row = in.take<std::int64_t>();
  const auto flags = in.take<std::uint8_t>();
  if (flags & kHasId) {
    item.has_id = true;
    item.id = in.take_string();
  }
  if (flags & kHasLine) {
    item.has_line = true;
    item.line = in.take<std::int64_t>();
    item.line_crc = in.take<std::uint32_t>();
  }
  if (flags & kHasPayload) {
    item.has_payload = true;
    item.payload_length = in.take<std::uint32_t>();
    in.take<std::uint32_t>();  // its checksum, read again with the payload
    item.payload_offset = offset + in.position();
    in.take_bytes(item.payload_length);
  }
  return item;
}

Op read_op(ByteReader& in, std::uint64_t offset) {
  Op op;
  op.code = static_cast<OpCode>(in.take<std::uint8_t>());
  switch (op.code) {
    case OpCode::kInsert:
      op.position = in.take<std::uint64_t>();
      [[fallthrough]];
    case OpCode::kUpdate: {
      const std::uint64_t count = in.take_count(kLeastItem);
      op.items.reserve(static_cast<std::size_t>(count));
      for (std::uint64_t i = 0; i < count; ++i) op.items.push_back(read_item(in, offset));
      return op;
    }
    case OpCode::kDelete:
    case OpCode::kReorder:
      op.rows = in.take_array<std::int64_t>(in.take_count(sizeof(std::int64_t)));
      return op;
    case OpCode::kClear:
      return op;
    case OpCode::kField:
      op.spec.epoch = in.take<std::uint32_t>();
      op.spec.type = static_cast<VectorType>(in.take<std::uint8_t>());
      op.spec.dim = in.take<std::uint64_t>();
      op.spec.check();
      return op;
  }
  throw CorruptData("a log record holds an operation of an unknown kind");
}

}  // namespace

void BodyWriter::begin_insert(std::uint64_t position, std::uint64_t count) {
  out_.put(static_cast<std::uint8_t>(OpCode::kInsert));
  out_.put(position);
  out_.put(count);
}

void BodyWriter::begin_update(std::uint64_t count) {
  out_.put(static_cast<std::uint8_t>(OpCode::kUpdate));
  out_.put(count);
}

void BodyWriter::put_item(const Item& item, Bytes payload) {
  out_.put(item.row);
  const int flags = (item.has_id ? kHasId : 0) | (item.has_line ? kHasLine : 0) |
                    (item.has_payload ? kHasPayload : 0);
  out_.put(static_cast<std::uint8_t>(flags));
  if (item.has_id) out_.put_string(item.id);
  if (item.has_line) {
    out_.put(item.line);
    out_.put(item.line_crc);
  }
  if (item.has_payload) {
    out_.put(static_cast<std::uint32_t>(payload.size()));
    out_.put(crc32c(payload.data(), payload.size()));
    out_.put_bytes(payload.data(), payload.size());
  }
}

void BodyWriter::put_rows(OpCode code, std::span<const std::int64_t> rows) {
  out_.put(static_cast<std::uint8_t>(code));
  out_.put(std::uint64_t{rows.size()});
  out_.put_bytes(rows.data(), rows.size_bytes());
}

void BodyWriter::put_clear() { out_.put(static_cast<std::uint8_t>(OpCode::kClear)); }

void BodyWriter::put_field(const VectorSpec& spec) {
  out_.put(static_cast<std::uint8_t>(OpCode::kField));
  out_.put(spec.epoch);
  out_.put(static_cast<std::uint8_t>(spec.type));
  out_.put(spec.dim);
}

std::vector<Op> read_body(Bytes body, std::uint64_t offset) {
  std::vector<Op> ops;
  ByteReader in(body);
  while (!in.done()) ops.push_back(read_op(in, offset));
  return ops;
}

}  // namespace docstore::disk
