#include "quantized.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace docstore {
namespace {

// Beyond, sums of products could leave int32: 255 * 127 * 2^16 does not.
constexpr std::size_t kMostDims = std::size_t{1} << 16;
// Below, a row costs more to quantize than it saves.
constexpr std::size_t kLeastDims = 16;
constexpr std::size_t kLeastQueries = 20;
constexpr std::size_t kGroup = 4;
constexpr std::size_t kRowStep = 16;

std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

}  // namespace

bool QuantizedQueries::are_useful(const Queries& queries, const Kernels& kernels) {
  return kernels.int8 != nullptr && queries.bounds().filter() != Filter::kNone &&
         queries.dim() >= kLeastDims && queries.dim() <= kMostDims &&
         queries.size() >= kLeastQueries;
}

QuantizedQueries::QuantizedQueries(const Queries& queries)
    : queries_(queries),
      groups_((queries.dim() + kGroup - 1) / kGroup),
      stride_(round_up(queries.dim(), kRowStep)) {
  const Unit& last = queries.units().back();
  const std::size_t lanes = last.lane0 + std::max(last.lanes, last.count);
  floats_ = Buffer::make(queries.size() * queries.padded() * sizeof(float));
  codes_ = Buffer::make(lanes * groups_ * kGroup);
  std::memset(floats_->data(), 0, floats_->size());
  std::memset(codes_->data(), 0, codes_->size());
  start_.resize(lanes);
  scale_.resize(lanes);
  length_.resize(lanes);
  for (const Unit& unit : queries.units()) {
    if (unit.lanes == 0) continue;
    for (std::size_t i = 0; i < unit.count; ++i) {
      pack(unit.first + i);
      quantize(unit, i);
    }
  }
}

void QuantizedQueries::pack(std::size_t query) {
  const double* from = queries_.vector(query);
  const double scale = queries_.bounds().query_scale(queries_.squared_length(query));
  float* to = reinterpret_cast<float*>(floats_->data()) + query * queries_.padded();
  for (std::size_t j = 0; j < queries_.dim(); ++j) to[j] = static_cast<float>(from[j] * scale);
}

// What is quantized is the query of length one. A query that float32 cannot
// search for gets a length that makes every bound infinite or NaN: a hit.
void QuantizedQueries::quantize(const Unit& unit, std::size_t i) {
  const std::size_t query = unit.first + i, lane = unit.lane0 + i, dim = queries_.dim();
  const double* q = queries_.vector(query);
  const double length = queries_.length(query), most = [&] {
    double found = 0;
    for (std::size_t j = 0; j < dim; ++j) found = std::max(found, std::abs(q[j]));
    return found;
  }();
  const bool is_squared = queries_.bounds().filter() == Filter::kSquared;
  const bool fits = queries_.bounds().query_scale(queries_.squared_length(query)) != 0;
  length_[lane] = !fits        ? std::numeric_limits<float>::infinity()
                  : is_squared ? static_cast<float>(length)
                               : 1.0f;
  if (!fits || !(most / length > 0)) return;
  const double scale = most / 127;
  auto* codes = reinterpret_cast<std::int8_t*>(codes_->data()) + unit.lane0 * groups_ * kGroup;
  double squares = 0;
  std::int32_t sum = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double code = std::nearbyint(q[j] / scale);
    const double left = q[j] / scale - code;
    squares += left * left;
    sum += static_cast<std::int32_t>(code);
    codes[(j / kGroup * unit.lanes + i) * kGroup + j % kGroup] = static_cast<std::int8_t>(code);
  }
  start_[lane] = -128 * sum;
  scale_[lane] = static_cast<float>(is_squared ? scale : scale / length);
  const double error = std::sqrt(squares) * (scale / length) * (1 + 1e-6);
  error_ = std::max(error_, static_cast<float>(error));
}

void QuantizedQueries::set_lanes(const Unit& unit, Int8Tile& tile) const {
  tile.panel = reinterpret_cast<const std::int8_t*>(codes_->data()) + unit.lane0 * groups_ * kGroup;
  tile.start = start_.data() + unit.lane0;
  tile.lanes = unit.lanes;
  tile.groups = groups_;
  tile.lane_scale = scale_.data() + unit.lane0;
  tile.lane_length = length_.data() + unit.lane0;
}

QuantizedBlock::QuantizedBlock(const QuantizedQueries& queries, const Bounds& bounds,
                               std::size_t dim, std::size_t rows)
    : queries_(queries),
      bounds_(bounds),
      dim_(dim),
      // Twice what the float32 pass allows for a row and a query together.
      rounding_(static_cast<float>(2 * 0x1p-24 * (1.125 * static_cast<double>(dim) + 32))),
      codes_(Buffer::make(rows * queries.stride())),
      scale_(rows),
      error_(rows) {
  std::memset(codes_->data(), 0, codes_->size());
}

void QuantizedBlock::fill(const Int8Kernels& kernels, const float* const* rows, std::size_t count,
                          const float* norms, const RowTerms& terms) {
  auto* codes = reinterpret_cast<std::uint8_t*>(codes_->data());
  offset_ = terms.offset;
  std::size_t i = 0;
  for (; i < count; ++i) {
    const Int8Row row =
        kernels.quantize(rows[i], dim_, queries_.stride(), codes + i * queries_.stride());
    scale_[i] = row.scale * terms.scale[i];
    const float length = std::sqrt(norms[i]);
    const float error =
        row.error * (1 + queries_.error()) + length * (queries_.error() + rounding_);
    // An unbounded row has the offset for it; infinity less infinity does no harm.
    error_[i] = bounds_.is_plain(norms[i]) ? error * terms.scale[i] : 0.0f;
  }
  for (; i % kTileRows != 0; ++i) scale_[i] = error_[i] = 0.0f;
}

void QuantizedBlock::set_rows(std::size_t row, Int8Tile& tile) const {
  tile.rows = reinterpret_cast<const std::uint8_t*>(codes_->data()) + row * queries_.stride();
  tile.stride = queries_.stride();
  tile.scale = scale_.data() + row;
  tile.error = error_.data() + row;
  tile.offset = offset_ + row;
}

}  // namespace docstore
