#include "state.hpp"

#include <algorithm>
#include <cstring>

#include "errors.hpp"

namespace docstore::disk {
namespace {

constexpr std::size_t kArenaChunk = std::size_t{1} << 16;
// What a row takes in the log besides id and payload.
constexpr std::uint64_t kItemOverhead = 33;

// Behind the header of the log, that of a record, and that of a payload.
constexpr std::uint64_t kFirstPayload = 64 + 48 + 8;

void require(bool fits, const char* what) {
  if (!fits) throw CorruptData(what);
}

}  // namespace

const char* Arena::add(std::string_view text) {
  if (text.empty()) return "";
  if (text.size() > room_) {
    const std::size_t size = std::max(kArenaChunk, text.size());
    buffers_.push_back(std::make_unique_for_overwrite<char[]>(size));
    free_ = buffers_.back().get();
    room_ = size;
  }
  char* at = free_;
  std::memcpy(at, text.data(), text.size());
  free_ += text.size();
  room_ -= text.size();
  return at;
}

const Row* State::find(std::int64_t row) const {
  const Row* found = rows_.find(row);
  return found != nullptr && found->id != nullptr ? found : nullptr;
}

std::int64_t State::lookup(std::string_view id) const {
  return index_.find(id, [&](std::int64_t row) { return rows_.find(row)->id_text(); });
}

void State::build_index() {
  if (index_built_) return;
  const auto id_of = [&](std::int64_t row) { return rows_.find(row)->id_text(); };
  std::vector<std::int64_t> all(size());
  order_.copy(0, all);
  IdIndex fresh;
  fresh.rehash(all.size() + 1, id_of);
  for (const std::int64_t row : all) fresh.add(id_of(row), row, id_of);
  index_ = std::move(fresh);
  index_built_ = true;
}

void State::load(std::span<const std::int64_t> order, std::span<const PackedRow> rows,
                 std::unique_ptr<char[]> ids, std::uint64_t ids_size, std::uint64_t log_end) {
  const char* id = ids.get();
  std::uint64_t left = ids_size;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const PackedRow& packed = rows[i];
    require(order[i] >= 0 && order[i] < next_row && next_row <= IdIndex::kMostRows &&
                packed.id_length <= left && packed.payload_offset >= kFirstPayload &&
                packed.payload_offset <= log_end &&
                packed.payload_length <= log_end - packed.payload_offset &&
                packed.line < static_cast<std::int64_t>(next_line),
            "a checkpoint with a row out of range");
    Row& row = rows_.at(order[i]);
    require(row.id == nullptr, "a checkpoint names a row twice");
    row = {packed.payload_offset, id, packed.id_length, packed.payload_length, packed.line};
    id += packed.id_length;
    left -= packed.id_length;
    if (row.line >= 0) ++live_vectors;
    count(row, true);
  }
  order_.assign(order);
  ids_.adopt(std::move(ids));
}

void State::count(const Row& row, bool add) {
  const std::uint64_t bytes = kItemOverhead + row.id_length + row.payload_length;
  live_bytes = add ? live_bytes + bytes : live_bytes - bytes;
}

void State::apply(const Op& op) {
  switch (op.code) {
    case OpCode::kInsert:
      return apply_insert(op);
    case OpCode::kUpdate:
      return apply_update(op);
    case OpCode::kDelete:
      return apply_delete(op);
    case OpCode::kReorder:
      return apply_reorder(op);
    case OpCode::kClear:
      return apply_clear();
    case OpCode::kField:
      return apply_field(op.spec);
  }
}

void State::set_id(Row& row, std::int64_t number, std::string_view id) {
  const auto id_of = [&](std::int64_t other) { return rows_.find(other)->id_text(); };
  if (index_built_ && row.id != nullptr) index_.remove(row.id_text(), number);
  row.id = ids_.add(id);
  row.id_length = static_cast<std::uint32_t>(id.size());
  if (index_built_) index_.add(id, number, id_of);
}

void State::set_line(Row& row, const Item& item) {
  if (row.line >= 0) --live_vectors;
  row.line = item.line;
  if (item.line < 0) return;
  require(field.has_value(), "a vector before its field");
  require(item.line >= 0 && item.line < IdIndex::kMostRows, "a vector line out of range");
  const auto line = static_cast<std::uint64_t>(item.line);
  ++live_vectors;
  // Lines that a rolled back transaction took are left out, never many.
  require(line < next_line + (std::uint64_t{1} << 32), "a vector line out of range");
  if (line >= line_crcs.size()) line_crcs.resize(line + 1);
  line_crcs[line] = item.line_crc;
  next_line = std::max(next_line, line + 1);
}

void State::apply_insert(const Op& op) {
  require(op.position <= size(), "rows are inserted past the end");
  std::vector<std::int64_t> numbers;
  numbers.reserve(op.items.size());
  for (const Item& item : op.items) {
    require(item.has_id && item.has_payload && item.row >= 0 && item.row < IdIndex::kMostRows,
            "an inserted row is not whole");
    Row& row = rows_.at(item.row);
    require(row.id == nullptr, "a row is inserted twice");
    set_id(row, item.row, item.id);
    row.payload_offset = item.payload_offset;
    row.payload_length = item.payload_length;
    if (item.has_line) set_line(row, item);
    count(row, true);
    next_row = std::max(next_row, item.row + 1);
    numbers.push_back(item.row);
  }
  order_.insert(static_cast<std::size_t>(op.position), numbers);
}

void State::apply_update(const Op& op) {
  for (const Item& item : op.items) {
    require(find(item.row) != nullptr, "a row that does not exist is changed");
    Row& row = *rows_.find(item.row);
    count(row, false);
    if (item.has_id) set_id(row, item.row, item.id);
    if (item.has_payload) {
      row.payload_offset = item.payload_offset;
      row.payload_length = item.payload_length;
    }
    if (item.has_line) set_line(row, item);
    count(row, true);
  }
}

void State::forget(Row& row, std::int64_t number) {
  if (index_built_) index_.remove(row.id_text(), number);
  if (row.line >= 0) --live_vectors;
  count(row, false);
  row = Row();
}

void State::apply_delete(const Op& op) {
  for (const std::int64_t number : op.rows) {
    require(find(number) != nullptr, "a row that does not exist is deleted");
    forget(*rows_.find(number), number);
  }
  order_.erase(op.rows);
  deleted_ += op.rows.size();
  if (deleted_ > 4 * 4096 + size()) {
    rows_.trim([](const Row& row) { return row.id == nullptr; });
    deleted_ = 0;
  }
}

void State::apply_reorder(const Op& op) {
  require(op.rows.size() == size(), "an order does not name all rows");
  for (const std::int64_t row : op.rows) require(find(row) != nullptr, "an order of unknown rows");
  order_.assign(op.rows);
  // A row named twice is in one block only, and then another one is missing.
  std::vector<std::int64_t> sorted = op.rows;
  std::sort(sorted.begin(), sorted.end());
  require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
          "an order names a row twice");
}

void State::apply_clear() {
  rows_.clear();
  order_.clear();
  ids_ = Arena();
  index_ = IdIndex();
  live_vectors = live_bytes = deleted_ = 0;
}

void State::apply_field(const VectorSpec& spec) {
  require(live_vectors == 0, "a vector field changes while it is in use");
  field = spec;
  next_line = 0;
  line_crcs.clear();
}

}  // namespace docstore::disk
