#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sparse_array.hpp"

namespace docstore::disk {

// The order of the rows of a store: a sequence of distinct row numbers, with
// insertion and removal anywhere, kept in blocks of about a thousand rows. A
// change costs one block plus a pass over the list of blocks; position -> row
// is a binary search over the blocks, row -> position a look into one block.
// Owns its memory. Reading from many threads is safe while nobody changes it.
class RowOrder {
 public:
  std::size_t size() const { return size_; }
  // `position` is below size().
  std::int64_t at(std::size_t position) const;
  // Rows at start, start + 1, ... until `into` is full.
  void copy(std::size_t start, std::span<std::int64_t> into) const;
  // -1 for a row that is not here.
  std::int64_t position_of(std::int64_t row) const;
  bool contains(std::int64_t row) const { return block_of(row) != kNone; }

  // Rows must not be here already; `position` is at most size().
  void insert(std::size_t position, std::span<const std::int64_t> rows);
  // Rows that are not here are ignored.
  void erase(std::span<const std::int64_t> rows);
  void assign(std::span<const std::int64_t> rows);
  void clear();

 private:
  using Block = std::vector<std::int64_t>;
  static constexpr std::uint32_t kNone = 0;  // block ids count from 1
  static constexpr std::size_t kFull = 2048;
  static constexpr std::size_t kHalf = kFull / 2;

  std::uint32_t block_of(std::int64_t row) const;
  std::size_t find_ordinal(std::size_t position) const;
  std::uint32_t new_block();
  void move_tail(std::size_t ordinal, std::size_t from);
  void fill_between(std::size_t ordinal, std::span<const std::int64_t> rows);
  void append(std::span<const std::int64_t> rows);
  void erase_one(std::int64_t row);
  void erase_bulk();
  void settle(std::size_t from);

  std::vector<Block> blocks_{1};          // by block id; 0 is unused
  std::vector<std::uint32_t> free_;       // ids of blocks to use again
  std::vector<std::uint32_t> sequence_;   // block ids in order
  std::vector<std::size_t> ordinals_{0};  // by block id: its place in sequence_
  std::vector<std::size_t> starts_;       // by place: position of the first row
  SparseArray<std::uint32_t> block_of_;
  std::size_t size_ = 0;
};

}  // namespace docstore::disk
