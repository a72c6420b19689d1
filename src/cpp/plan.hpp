#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "batch.hpp"
#include "log.hpp"
#include "state.hpp"

namespace docstore::disk {

// Lines to be written to a vector file before the record that names them.
struct LineWrite {
  VectorSpec spec;
  std::uint64_t first_line;
  Bytes lines;
};

// The numbers that the next new row, line and vector file get. They only grow
// while a store is open, so that what was rolled back is never used again.
struct Counters {
  std::int64_t row = 0;
  std::uint64_t line = 0;
  std::uint32_t epoch = 0;
};

// Checks a batch against a state, as if its changes were done one after the
// other, and writes the log record for it. Changes neither. Throws DuplicateId,
// DocumentGone, InvalidArgument. One thread; the state must not change meanwhile.
class Plan {
 public:
  // The state must have its id index built.
  Plan(const State& state, Counters counters, const Batch& batch);

  ByteWriter frame;  // head room, then the body of the record
  std::vector<LineWrite> writes;
  std::vector<std::int64_t> inserted;
  Counters counters;

 private:
  struct Changed {
    std::string_view id;
    bool vector;
  };

  void add(const InsertRows& change);
  void add(const UpdateRows& change);
  void add(const DeleteRows& change);
  void add(const ReorderRows& change);
  void add(const ClearRows& change);

  std::int64_t row_of(std::string_view id) const;
  Changed current(std::int64_t row) const;
  void claim(std::string_view id, std::int64_t row);
  void release(std::string_view id);
  void remember(std::int64_t row, Changed content);
  std::uint64_t take_lines(const VectorLines& vectors, std::size_t records);
  void fill_line(Item& item, const VectorLines& vectors, std::size_t record, std::uint64_t& line,
                 std::size_t& used) const;

  const State& state_;
  bool cleared_ = false;
  bool more_ = false;  // whether changes follow the one at hand
  std::optional<VectorSpec> field_;
  std::uint64_t live_vectors_;
  std::uint64_t size_;
  std::unordered_map<std::string_view, std::int64_t> ids_;  // -1: given up
  std::unordered_map<std::int64_t, Changed> rows_;          // no id: gone
};

}  // namespace docstore::disk
