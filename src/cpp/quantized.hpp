#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "queries.hpp"

namespace docstore {

// The queries of the panels in int8, for the pass that goes before the float32
// one and rules most rows out: see docs/search.md for its bound. Each has one
// scale, as each row has (symmetric scalar quantization). Refers to the queries,
// owns its own memory. Immutable after construction, any thread.
class QuantizedQueries {
 public:
  // Whether the pass exists and is worth while.
  static bool are_useful(const Queries& queries, const Kernels& kernels);

  explicit QuantizedQueries(const Queries& queries);

  // Bytes of a row in int8, a multiple of 16.
  std::size_t stride() const { return stride_; }
  // No query differs from its int8 form by more than this share of its length.
  float error() const { return error_; }

  // The unit's part of a tile.
  void set_lanes(const Unit& unit, Int8Tile& tile) const;

  // The query as `few` takes it.
  const float* packed(std::size_t query) const {
    return reinterpret_cast<const float*>(floats_->data()) + query * queries_.padded();
  }

 private:
  void quantize(const Unit& unit, std::size_t i);
  void pack(std::size_t query);

  const Queries& queries_;
  std::size_t groups_;
  std::size_t stride_;
  float error_ = 0;
  std::shared_ptr<Buffer> floats_, codes_;
  std::vector<std::int32_t> start_;
  std::vector<float> scale_, length_;
};

// The rows of one block in int8. Owned and used by one thread.
class QuantizedBlock {
 public:
  QuantizedBlock(const QuantizedQueries& queries, const Bounds& bounds, std::size_t dim,
                 std::size_t rows);

  // `count` rows, filled up to whole tiles, with their squared lengths and
  // what Bounds says of them. All must stay valid while tiles are used.
  void fill(const Int8Kernels& kernels, const float* const* rows, std::size_t count,
            const float* norms, const RowTerms& terms);

  // The rows' part of the tile that begins at `row`.
  void set_rows(std::size_t row, Int8Tile& tile) const;

 private:
  const QuantizedQueries& queries_;
  const Bounds& bounds_;
  std::size_t dim_;
  float rounding_;
  std::shared_ptr<Buffer> codes_;
  const float* offset_ = nullptr;
  std::vector<float> scale_, error_;
};

}  // namespace docstore
