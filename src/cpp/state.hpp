#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "batch.hpp"
#include "id_index.hpp"
#include "order.hpp"
#include "sparse_array.hpp"
#include "vectors_file.hpp"

namespace docstore::disk {

// Where the parts of a row are. `id` is null for a row that does not exist.
struct Row {
  std::uint64_t payload_offset = 0;
  const char* id = nullptr;
  std::uint32_t id_length = 0;
  std::uint32_t payload_length = 0;
  std::int64_t line = -1;
  std::string_view id_text() const { return {id, id_length}; }
};

// A row as a checkpoint holds it; the ids stand one after the other elsewhere.
struct PackedRow {
  std::uint64_t payload_offset;
  std::uint32_t payload_length;
  std::uint32_t id_length;
  std::int64_t line;
};
static_assert(sizeof(PackedRow) == 24);

// Text that stays where it is until the arena goes. One thread adds.
class Arena {
 public:
  const char* add(std::string_view text);
  // Takes over a buffer that the caller has pointers into.
  void adopt(std::unique_ptr<char[]> buffer) { buffers_.push_back(std::move(buffer)); }

 private:
  std::vector<std::unique_ptr<char[]>> buffers_;
  char* free_ = nullptr;
  std::size_t room_ = 0;
};

// Everything about a store that is kept in memory: what the log says, applied.
// Knows no files. Reading from many threads is safe while nobody changes it.
class State {
 public:
  State(std::uint64_t at_sequence, std::int64_t first_row)
      : sequence(at_sequence), next_row(first_row) {}

  // Follows one operation of the log. Throws CorruptData when it does not fit
  // the state, which is then of no more use.
  void apply(const Op& op);

  const Row* find(std::int64_t row) const;
  std::size_t size() const { return order_.size(); }
  const RowOrder& order() const { return order_; }
  // Needs index_built().
  std::int64_t lookup(std::string_view id) const;
  bool index_built() const { return index_built_; }
  void build_index();

  // For loading into an empty state whose other members are set: all rows, in
  // order. Nothing may reach past `log_end`. Throws CorruptData.
  void load(std::span<const std::int64_t> order, std::span<const PackedRow> rows,
            std::unique_ptr<char[]> ids, std::uint64_t ids_size, std::uint64_t log_end);

  std::uint64_t sequence;
  std::int64_t next_row;
  std::uint64_t next_line = 0;
  std::optional<VectorSpec> field;
  std::uint64_t live_vectors = 0;
  std::uint64_t live_bytes = 0;  // of the log that rows still need, about
  std::vector<std::uint32_t> line_crcs;

 private:
  void apply_insert(const Op& op);
  void apply_update(const Op& op);
  void apply_delete(const Op& op);
  void apply_reorder(const Op& op);
  void apply_clear();
  void apply_field(const VectorSpec& spec);
  void set_id(Row& row, std::int64_t number, std::string_view id);
  void set_line(Row& row, const Item& item);
  void forget(Row& row, std::int64_t number);
  void count(const Row& row, bool add);

  SparseArray<Row> rows_;
  RowOrder order_;
  Arena ids_;
  IdIndex index_;
  bool index_built_ = false;
  std::uint64_t deleted_ = 0;
};

}  // namespace docstore::disk
