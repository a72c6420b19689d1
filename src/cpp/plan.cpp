#include "plan.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "crc32c.hpp"
#include "errors.hpp"

namespace docstore::disk {
namespace {

constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint32_t>::max();

void check_shape(std::size_t records, std::size_t ids, const Payloads& payloads,
                 const VectorLines& vectors) {
  const bool fits = (ids == 0 || ids == records) &&
                    (payloads.count() == 0 || payloads.count() == records) &&
                    (vectors.actions.empty() || vectors.actions.size() == records);
  if (!fits) throw InvalidArgument("the parts of a batch have different lengths");
  for (std::size_t i = 0; i < payloads.count(); ++i) {
    if (payloads.offsets[i] > payloads.offsets[i + 1] ||
        payloads.offsets[i + 1] > payloads.blob.bytes.size()) {
      throw InvalidArgument("the offsets of a batch are out of order");
    }
    if (payloads.offsets[i + 1] - payloads.offsets[i] > kMostBytes) {
      throw InvalidArgument("record " + std::to_string(i) +
                            " is larger than 4 GiB, the most that a store can hold");
    }
  }
}

void check_id(std::string_view id) {
  if (id.size() > kMostBytes) throw InvalidArgument("an id is longer than 4 GiB");
}

}  // namespace

Plan::Plan(const State& state, Counters start, const Batch& batch)
    : counters(start),
      state_(state),
      field_(state.field),
      live_vectors_(state.live_vectors),
      size_(state.size()) {
  for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
  for (std::size_t i = 0; i < batch.size(); ++i) {
    more_ = i + 1 < batch.size();
    std::visit([&](const auto& change) { add(change); }, batch[i]);
  }
}

std::int64_t Plan::row_of(std::string_view id) const {
  const auto found = ids_.find(id);
  if (found != ids_.end()) return found->second;
  return cleared_ ? -1 : state_.lookup(id);
}

Plan::Changed Plan::current(std::int64_t row) const {
  const auto found = rows_.find(row);
  if (found != rows_.end()) {
    if (found->second.id.data() != nullptr) return found->second;
  } else if (const Row* stored = cleared_ ? nullptr : state_.find(row)) {
    return {stored->id_text(), stored->line >= 0};
  }
  throw DocumentGone("row " + std::to_string(row) + " was deleted");
}

void Plan::claim(std::string_view id, std::int64_t row) {
  check_id(id);
  if (row_of(id) >= 0) {
    throw DuplicateId("the store already holds a document with the id '" + std::string(id) + "'",
                      std::string(id));
  }
  ids_[id] = row;
}

void Plan::release(std::string_view id) { ids_[id] = -1; }

void Plan::remember(std::int64_t row, Changed content) {
  if (content.id.data() == nullptr) content.id = std::string_view("", 0);
  rows_[row] = content;
}

// Makes room for the vectors of a change and returns their first line. Starts
// a new file where no row has a vector and theirs are of another shape.
std::uint64_t Plan::take_lines(const VectorLines& vectors, std::size_t records) {
  std::uint64_t count = 0;
  for (const VectorAction action : vectors.actions) count += action == VectorAction::kSet;
  if (count == 0) return counters.line;
  vectors.spec.check();
  if (records == 0 || vectors.lines.bytes.size() / count != vectors.spec.line_bytes() ||
      vectors.lines.bytes.size() % count != 0) {
    throw InvalidArgument("the vectors of a batch have the wrong length");
  }
  if (!field_ || !field_->same_shape(vectors.spec)) {
    if (live_vectors_ > 0) throw InvalidArgument("vectors of another shape than those stored");
    field_ = vectors.spec;
    field_->epoch = counters.epoch++;
    counters.line = 0;
    BodyWriter(frame).put_field(*field_);
  }
  writes.push_back({*field_, counters.line, vectors.lines.bytes});
  const std::uint64_t first = counters.line;
  counters.line += count;
  return first;
}

// Completes an item whose record has a vector. `line` and `used` move on.
void Plan::fill_line(Item& item, const VectorLines& vectors, std::size_t record,
                     std::uint64_t& line, std::size_t& used) const {
  if (vectors.actions.empty() || vectors.actions[record] == VectorAction::kKeep) return;
  item.has_line = true;
  item.line = -1;
  if (vectors.actions[record] == VectorAction::kUnset) return;
  const auto size = static_cast<std::size_t>(field_->line_bytes());
  item.line = static_cast<std::int64_t>(line++);
  item.line_crc = crc32c(vectors.lines.bytes.data() + size * used++, size);
}

void Plan::add(const InsertRows& change) {
  const std::size_t count = change.ids.size();
  check_shape(count, change.ids.size(), change.payloads, change.vectors);
  if (change.payloads.count() != count) throw InvalidArgument("an insert needs its records");
  if (change.position > size_) throw InvalidArgument("an insert past the end");
  if (count > static_cast<std::size_t>(IdIndex::kMostRows - counters.row)) {
    throw InvalidArgument("a store cannot hold more than 2^40 rows in its life");
  }
  std::uint64_t line = take_lines(change.vectors, count);
  std::size_t used = 0;
  BodyWriter body(frame);
  ids_.reserve(ids_.size() + count);
  frame.reserve(frame.size() + change.payloads.blob.bytes.size() + count * 80);
  body.begin_insert(change.position, count);
  for (std::size_t i = 0; i < count; ++i) {
    Item item;
    item.row = counters.row++;
    item.has_id = item.has_payload = true;
    item.id = change.ids[i];
    claim(item.id, item.row);
    fill_line(item, change.vectors, i, line, used);
    body.put_item(item, change.payloads.at(i));
    if (more_) remember(item.row, {item.id, item.line >= 0});
    inserted.push_back(item.row);
  }
  live_vectors_ += used;
  size_ += count;
}

void Plan::add(const UpdateRows& change) {
  const std::size_t count = change.rows.size();
  check_shape(count, change.ids.size(), change.payloads, change.vectors);
  std::vector<Changed> before;
  before.reserve(count);
  for (const std::int64_t row : change.rows) before.push_back(current(row));
  // Ids are given up first, so that two rows may swap theirs.
  for (std::size_t i = 0; i < change.ids.size(); ++i) {
    if (change.ids[i] != before[i].id) release(before[i].id);
  }
  std::uint64_t line = take_lines(change.vectors, count);
  std::size_t used = 0;
  BodyWriter body(frame);
  frame.reserve(frame.size() + change.payloads.blob.bytes.size() + count * 40);
  body.begin_update(count);
  for (std::size_t i = 0; i < count; ++i) {
    Item item;
    item.row = change.rows[i];
    item.has_id = i < change.ids.size() && change.ids[i] != before[i].id;
    item.has_payload = change.payloads.count() > 0;
    if (item.has_id) claim(item.id = change.ids[i], item.row);
    fill_line(item, change.vectors, i, line, used);
    const bool vector = item.has_line ? item.line >= 0 : before[i].vector;
    live_vectors_ = live_vectors_ + (vector ? 1 : 0) - (before[i].vector ? 1 : 0);
    body.put_item(item, item.has_payload ? change.payloads.at(i) : Bytes());
    if (more_) remember(item.row, {item.has_id ? item.id : before[i].id, vector});
  }
}

void Plan::add(const DeleteRows& change) {
  std::unordered_set<std::int64_t> seen;
  std::vector<std::int64_t> rows;
  for (const std::int64_t row : change.rows) {
    if (!seen.insert(row).second) continue;
    const Changed before = current(row);
    live_vectors_ -= before.vector ? 1 : 0;
    rows.push_back(row);
    if (!more_) continue;
    release(before.id);
    rows_[row] = {};
  }
  size_ -= rows.size();
  BodyWriter(frame).put_rows(OpCode::kDelete, rows);
}

void Plan::add(const ReorderRows& change) {
  std::vector<std::int64_t> sorted = change.rows;
  std::sort(sorted.begin(), sorted.end());
  const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  if (twice || sorted.size() != size_) {
    throw InvalidArgument("a new order must name each of the " + std::to_string(size_) +
                          " rows once");
  }
  for (const std::int64_t row : sorted) current(row);
  BodyWriter(frame).put_rows(OpCode::kReorder, change.rows);
}

void Plan::add(const ClearRows&) {
  cleared_ = true;
  ids_.clear();
  rows_.clear();
  live_vectors_ = size_ = 0;
  BodyWriter(frame).put_clear();
}

}  // namespace docstore::disk
