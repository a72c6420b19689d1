#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "byte_io.hpp"
#include "vectors_file.hpp"

namespace docstore::disk {

// Memory of a caller, kept alive by `owner` for as long as the batch.
struct Shared {
  Bytes bytes;
  std::shared_ptr<const void> owner;
};

// The packed records of a batch: record i is bytes offsets[i] to offsets[i + 1].
struct Payloads {
  Shared blob;
  std::vector<std::uint64_t> offsets;
  std::size_t count() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  Bytes at(std::size_t i) const {
    return blob.bytes.subspan(offsets[i], offsets[i + 1] - offsets[i]);
  }
};

// What happens to the vector of each record.
enum class VectorAction : std::uint8_t { kKeep = 0, kSet = 1, kUnset = 2 };

// Lines for the records with kSet, in their order, already of the field's type.
struct VectorLines {
  VectorSpec spec;  // without an epoch
  Shared lines;
  std::vector<VectorAction> actions;  // one a record; empty: keep
};

struct InsertRows {
  std::uint64_t position = 0;
  std::vector<std::string> ids;
  Payloads payloads;
  VectorLines vectors;
};

struct UpdateRows {
  std::vector<std::int64_t> rows;
  std::vector<std::string> ids;  // one a row, or empty: ids stay
  Payloads payloads;             // one a row, or empty: contents stay
  VectorLines vectors;
};

struct DeleteRows {
  std::vector<std::int64_t> rows;
};

struct ReorderRows {
  std::vector<std::int64_t> rows;
};

struct ClearRows {};

using Change = std::variant<InsertRows, UpdateRows, DeleteRows, ReorderRows, ClearRows>;
using Batch = std::vector<Change>;

// How a change is written in the body of a log record; docs/format-store.md.
enum class OpCode : std::uint8_t {
  kInsert = 1,
  kUpdate = 2,
  kDelete = 3,
  kReorder = 4,
  kClear = 5,
  kField = 6,
};

// One row of an insert or update, as read from a log. The id points into the
// body; the payload is only located: its checksum stands before it in the file.
struct Item {
  std::int64_t row = 0;
  bool has_id = false, has_payload = false, has_line = false;
  std::string_view id;
  std::uint64_t payload_offset = 0;
  std::uint32_t payload_length = 0;
  std::int64_t line = -1;
  std::uint32_t line_crc = 0;
};

struct Op {
  OpCode code = OpCode::kClear;
  std::uint64_t position = 0;
  std::vector<Item> items;
  std::vector<std::int64_t> rows;
  VectorSpec spec;
};

// Writes the bodies of log records. One thread.
class BodyWriter {
 public:
  explicit BodyWriter(ByteWriter& out) : out_(out) {}
  void begin_insert(std::uint64_t position, std::uint64_t count);
  void begin_update(std::uint64_t count);
  // For an insert all three parts must be there; `line` is -1 for none.
  void put_item(const Item& item, Bytes payload);
  void put_rows(OpCode code, std::span<const std::int64_t> rows);
  void put_clear();
  void put_field(const VectorSpec& spec);

 private:
  ByteWriter& out_;
};

// The operations in the body of a log record that begins at `offset` of its
// file. Throws CorruptData. Ids point into `body`.
std::vector<Op> read_body(Bytes body, std::uint64_t offset);

}  // namespace docstore::disk
