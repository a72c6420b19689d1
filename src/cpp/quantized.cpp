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
// Blocks of rows; the first one goes without, to set the thresholds.
constexpr std::size_t kLeastBlocks = 4;
constexpr std::size_t kGroup = 4;
constexpr std::size_t kRowStep = 16;
// Shorter queries have scales that float32 has no full precision for.
constexpr double kLeastLength = 1e-30;

std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

// To nearest, for |x| below 2^51; std::nearbyint is a call of the library.
double whole(double x) {
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

// Twice what the float32 pass allows for a row and a query together.
double rounding(std::size_t dim) { return 2 * 0x1p-24 * (1.125 * static_cast<double>(dim) + 32); }

double largest(const double* q, std::size_t dim) {
  double most = 0;
  for (std::size_t j = 0; j < dim; ++j) most = std::max(most, std::abs(q[j]));
  return most;
}

}  // namespace

bool QuantizedQueries::are_useful(const Queries& queries, const Kernels& kernels, std::size_t rows,
                                  std::size_t block_rows) {
  return kernels.int8 != nullptr && queries.bounds().filter() != Filter::kNone &&
         queries.dim() >= kLeastDims && queries.dim() <= kMostDims &&
         queries.size() >= kLeastQueries && rows >= kLeastBlocks * block_rows;
}

QuantizedQueries::QuantizedQueries(const Queries& queries, std::size_t first, std::size_t last)
    : queries_(queries),
      groups_((queries.dim() + kGroup - 1) / kGroup),
      stride_(round_up(queries.dim(), kRowStep)),
      first_query_(queries.units()[first].first),
      first_lane_(queries.units()[first].lane0) {
  const Unit& end = queries.units()[last - 1];
  const std::size_t lanes = end.lane0 + std::max(end.lanes, end.count) - first_lane_;
  const std::size_t count = end.first + end.count - first_query_;
  floats_ = Buffer::make(count * queries.padded() * sizeof(float));
  codes_ = Buffer::make(lanes * groups_ * kGroup);
  std::memset(codes_->data(), 0, codes_->size());
  start_.resize(lanes);
  for (auto* v : {&scale_, &length_, &error_}) v->resize(lanes);
  for (std::size_t u = first; u < last; ++u) {
    const Unit& unit = queries.units()[u];
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
  float* to =
      reinterpret_cast<float*>(floats_->data()) + (query - first_query_) * queries_.padded();
  for (std::size_t j = 0; j < queries_.dim(); ++j) to[j] = static_cast<float>(from[j] * scale);
  std::fill(to + queries_.dim(), to + queries_.padded(), 0.0f);
}

// What is quantized is the query of length one; under kSquared its length goes
// into what its lane is multiplied by. A query that float32 cannot search for,
// or too short a one, gets a length that makes every bound infinite: a hit.
void QuantizedQueries::quantize(const Unit& unit, std::size_t i) {
  const std::size_t query = unit.first + i, lane = unit.lane0 - first_lane_ + i;
  const std::size_t dim = queries_.dim();
  const double* q = queries_.vector(query);
  const double length = queries_.length(query);
  const bool is_squared = queries_.bounds().filter() == Filter::kSquared;
  if (is_squared && length == 0) return;  // every product is 0, and so is every bound
  if (length < kLeastLength || queries_.bounds().query_scale(queries_.squared_length(query)) == 0) {
    length_[lane] = std::numeric_limits<float>::infinity();
    return;
  }
  const double most = largest(q, dim), inverse = 127 / most;
  auto* codes = reinterpret_cast<std::int8_t*>(codes_->data()) +
                (unit.lane0 - first_lane_) * groups_ * kGroup;
  double squares = 0;
  std::int32_t sum = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double code = whole(q[j] * inverse);
    const double left = q[j] * inverse - code;
    squares += left * left;
    sum += static_cast<std::int32_t>(code);
    codes[(j / kGroup * unit.lanes + i) * kGroup + j % kGroup] = static_cast<std::int8_t>(code);
  }
  const double scale = most / 127 / length;
  const double error = std::sqrt(squares) * scale * (1 + 1e-6) + 1e-12;
  const double size = is_squared ? length : 1;
  start_[lane] = -128 * sum;
  scale_[lane] = static_cast<float>(size * scale);
  length_[lane] = static_cast<float>(size * (1 + error));
  error_[lane] = static_cast<float>(size * (error + rounding(dim)));
}

void QuantizedQueries::set_lanes(const Unit& unit, Int8Tile& tile) const {
  const std::size_t lane = unit.lane0 - first_lane_;
  tile.panel = reinterpret_cast<const std::int8_t*>(codes_->data()) + lane * groups_ * kGroup;
  tile.start = start_.data() + lane;
  tile.lanes = unit.lanes;
  tile.groups = groups_;
  tile.lane_scale = scale_.data() + lane;
  tile.lane_length = length_.data() + lane;
  tile.lane_error = error_.data() + lane;
}

QuantizedBlock::QuantizedBlock(const Queries& queries, std::size_t stride, std::size_t rows)
    : bounds_(queries.bounds()),
      dim_(queries.dim()),
      stride_(stride),
      codes_(Buffer::make(rows * stride)) {
  std::memset(codes_->data(), 0, codes_->size());
  for (auto* v : {&scale_, &error_, &length_}) v->resize(rows);
}

void QuantizedBlock::fill(const Int8Kernels& kernels, const float* const* rows, std::size_t count,
                          const float* norms, const RowTerms& terms) {
  auto* codes = reinterpret_cast<std::uint8_t*>(codes_->data());
  offset_ = terms.offset;
  std::size_t i = 0;
  for (; i < count; ++i) {
    const Int8Row row = kernels.quantize(rows[i], dim_, stride_, codes + i * stride_);
    // A row without bounds has the offset that lets it through.
    const float scale = bounds_.is_plain(norms[i]) ? terms.scale[i] : 0.0f;
    scale_[i] = row.scale * scale;
    error_[i] = row.error * scale;
    length_[i] = std::sqrt(norms[i] + bounds_.underflow()) * scale;
  }
  for (; i % kTileRows != 0; ++i) scale_[i] = error_[i] = length_[i] = 0.0f;
}

void QuantizedBlock::set_rows(std::size_t row, Int8Tile& tile) const {
  tile.rows = reinterpret_cast<const std::uint8_t*>(codes_->data()) + row * stride_;
  tile.stride = stride_;
  tile.scale = scale_.data() + row;
  tile.error = error_.data() + row;
  tile.length = length_.data() + row;
  tile.offset = offset_ + row;
}

}  // namespace docstore
