#include "order.hpp"

#include <algorithm>

namespace docstore::disk {

std::uint32_t RowOrder::block_of(std::int64_t row) const {
  const std::uint32_t* id = block_of_.find(row);
  return id == nullptr ? kNone : *id;
}

std::size_t RowOrder::find_ordinal(std::size_t position) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), position);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

std::int64_t RowOrder::at(std::size_t position) const {
  const std::size_t ordinal = find_ordinal(position);
  return blocks_[sequence_[ordinal]][position - starts_[ordinal]];
}

void RowOrder::copy(std::size_t start, std::span<std::int64_t> into) const {
  if (into.empty()) return;
  std::size_t ordinal = find_ordinal(start);
  std::size_t within = start - starts_[ordinal];
  std::size_t done = 0;
  for (; done < into.size(); ++ordinal, within = 0) {
    const Block& block = blocks_[sequence_[ordinal]];
    const std::size_t count = std::min(block.size() - within, into.size() - done);
    std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(within), count,
                into.begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
  }
}

std::int64_t RowOrder::position_of(std::int64_t row) const {
  const std::uint32_t id = block_of(row);
  if (id == kNone) return -1;
  const Block& block = blocks_[id];
  // Rows of one block mostly count up by one: look there first.
  const auto guess = static_cast<std::uint64_t>(row) - static_cast<std::uint64_t>(block.front());
  std::size_t within = static_cast<std::size_t>(guess);
  if (guess >= block.size() || block[within] != row) {
    within = static_cast<std::size_t>(std::find(block.begin(), block.end(), row) - block.begin());
  }
  return static_cast<std::int64_t>(starts_[ordinals_[id]] + within);
}

std::uint32_t RowOrder::new_block() {
  if (!free_.empty()) {
    const std::uint32_t id = free_.back();
    free_.pop_back();
    return id;
  }
  blocks_.emplace_back();
  ordinals_.push_back(0);
  return static_cast<std::uint32_t>(blocks_.size() - 1);
}

// Puts the rows of a block from `from` on into a block of their own behind it.
void RowOrder::move_tail(std::size_t ordinal, std::size_t from) {
  const std::uint32_t id = new_block();
  Block& block = blocks_[sequence_[ordinal]];
  const auto cut = block.begin() + static_cast<std::ptrdiff_t>(from);
  blocks_[id].assign(cut, block.end());
  block.erase(cut, block.end());
  for (const std::int64_t row : blocks_[id]) block_of_.at(row) = id;
  sequence_.insert(sequence_.begin() + static_cast<std::ptrdiff_t>(ordinal) + 1, id);
}

// Makes new blocks of `rows`, the first of them at place `ordinal`.
void RowOrder::fill_between(std::size_t ordinal, std::span<const std::int64_t> rows) {
  std::vector<std::uint32_t> ids;
  for (std::size_t done = 0; done < rows.size();) {
    const auto part = rows.subspan(done, std::min(kHalf, rows.size() - done));
    const std::uint32_t id = new_block();
    blocks_[id].assign(part.begin(), part.end());
    for (const std::int64_t row : part) block_of_.at(row) = id;
    ids.push_back(id);
    done += part.size();
  }
  sequence_.insert(sequence_.begin() + static_cast<std::ptrdiff_t>(ordinal), ids.begin(),
                   ids.end());
}

void RowOrder::append(std::span<const std::int64_t> rows) {
  const std::size_t dirty = sequence_.empty() ? 0 : sequence_.size() - 1;
  if (!sequence_.empty()) {
    const std::uint32_t id = sequence_.back();
    Block& last = blocks_[id];
    const std::size_t room = last.size() < kHalf ? kHalf - last.size() : 0;
    const auto part = rows.first(std::min(room, rows.size()));
    last.insert(last.end(), part.begin(), part.end());
    for (const std::int64_t row : part) block_of_.at(row) = id;
    rows = rows.subspan(part.size());
  }
  fill_between(sequence_.size(), rows);
  settle(dirty);
}

void RowOrder::insert(std::size_t position, std::span<const std::int64_t> rows) {
  if (rows.empty()) return;
  if (position == size_) return append(rows);
  const std::size_t ordinal = find_ordinal(position);
  const std::size_t within = position - starts_[ordinal];
  if (rows.size() <= kHalf) {
    const std::uint32_t id = sequence_[ordinal];
    Block& block = blocks_[id];
    block.insert(block.begin() + static_cast<std::ptrdiff_t>(within), rows.begin(), rows.end());
    for (const std::int64_t row : rows) block_of_.at(row) = id;
    if (block.size() > kFull) move_tail(ordinal, block.size() / 2);
  } else {
    if (within > 0) move_tail(ordinal, within);
    fill_between(ordinal + (within > 0 ? 1 : 0), rows);
  }
  settle(ordinal);
}

void RowOrder::erase(std::span<const std::int64_t> rows) {
  if (rows.size() > size_ / 16 + 8) {
    for (const std::int64_t row : rows) {
      if (block_of(row) != kNone) block_of_.at(row) = kNone;
    }
    erase_bulk();
    return;
  }
  std::size_t dirty = sequence_.size();
  for (const std::int64_t row : rows) {
    const std::uint32_t id = block_of(row);
    if (id == kNone) continue;
    dirty = std::min(dirty, ordinals_[id]);
    erase_one(row);
  }
  // The block before may be the one to join with.
  settle(dirty == 0 ? 0 : dirty - 1);
}

void RowOrder::erase_one(std::int64_t row) {
  Block& block = blocks_[block_of(row)];
  block.erase(std::find(block.begin(), block.end(), row));
  block_of_.at(row) = kNone;
}

// Keeps the rows that still have a block; for removals of many rows at once.
void RowOrder::erase_bulk() {
  for (const std::uint32_t id : sequence_) {
    std::erase_if(blocks_[id], [&](std::int64_t row) { return block_of(row) == kNone; });
  }
  settle(0);
  block_of_.trim([](std::uint32_t id) { return id == kNone; });
}

void RowOrder::assign(std::span<const std::int64_t> rows) {
  clear();
  append(rows);
}

void RowOrder::clear() { *this = RowOrder(); }

// Makes everything derived right again from place `from` on: drops empty
// blocks, joins small neighbours, counts positions.
void RowOrder::settle(std::size_t from) {
  std::size_t kept = from;
  for (std::size_t place = from; place < sequence_.size(); ++place) {
    const std::uint32_t id = sequence_[place];
    Block& block = blocks_[id];
    const std::uint32_t before = kept > 0 ? sequence_[kept - 1] : kNone;
    const bool joins = before != kNone && block.size() + blocks_[before].size() <= kHalf &&
                       place + 1 < sequence_.size();
    if (joins) {
      for (const std::int64_t row : block) block_of_.at(row) = before;
      blocks_[before].insert(blocks_[before].end(), block.begin(), block.end());
    }
    if (joins || block.empty()) {
      Block().swap(block);
      free_.push_back(id);
    } else {
      sequence_[kept++] = id;
    }
  }
  sequence_.resize(kept);
  starts_.resize(kept);
  const std::size_t first = from > 0 ? from - 1 : 0;
  std::size_t start = first < kept && first > 0 ? starts_[first] : 0;
  for (std::size_t place = first; place < kept; ++place) {
    starts_[place] = start;
    ordinals_[sequence_[place]] = place;
    start += blocks_[sequence_[place]].size();
  }
  size_ = kept == 0 ? 0 : starts_.back() + blocks_[sequence_.back()].size();
}

}  // namespace docstore::disk
