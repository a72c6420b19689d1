#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "queries.hpp"

namespace docstore {

// Queries of some panels in int8, for the pass that goes before the float32 one
// and rules most rows out: see docs/search.md for its bound. Each has one scale,
// as each row has (symmetric scalar quantization). Refers to the queries, owns
// its own memory. Immutable after construction, any thread.
class QuantizedQueries {
 public:
  // Whether the pass exists and is worth while for so many rows.
  static bool are_useful(const Queries& queries, const Kernels& kernels, std::size_t rows,
                         std::size_t block_rows);

  // Units [first, last).
  QuantizedQueries(const Queries& queries, std::size_t first, std::size_t last);

  // Bytes of a row in int8, a multiple of 16.
  std::size_t stride() const { return stride_; }

  // The unit's part of a tile.
  void set_lanes(const Unit& unit, Int8Tile& tile) const;

  // A query of a panel, as `few` takes it.
  const float* packed(std::size_t query) const {
    return reinterpret_cast<const float*>(floats_->data()) +
           (query - first_query_) * queries_.padded();
  }

 private:
  void pack(std::size_t query);
  void quantize(const Unit& unit, std::size_t i);

  const Queries& queries_;
  std::size_t groups_;
  std::size_t stride_;
  std::size_t first_query_;
  std::size_t first_lane_;
  std::shared_ptr<Buffer> floats_, codes_;
  std::vector<std::int32_t> start_;
  std::vector<float> scale_, length_, error_;
};

// The rows of one block in int8. Owned and used by one thread.
class QuantizedBlock {
 public:
  QuantizedBlock(const Queries& queries, std::size_t stride, std::size_t rows);

  // `count` rows with their squared lengths and what Bounds says of them. The
  // terms must stay valid while tiles are used.
  void fill(const Int8Kernels& kernels, const float* const* rows, std::size_t count,
            const float* norms, const RowTerms& terms);

  // The rows' part of the tile that begins at `row`.
  void set_rows(std::size_t row, Int8Tile& tile) const;

 private:
  const Bounds& bounds_;
  std::size_t dim_;
  std::size_t stride_;
  std::shared_ptr<Buffer> codes_;
  const float* offset_ = nullptr;
  std::vector<float> scale_, error_, length_;
};

}  // namespace docstore
