#include "scan.hpp"

#include <algorithm>
#include <limits>

namespace docstore {
namespace {

// Blocks of this size leave room for two panels in a second-level cache of 1 MiB.
constexpr std::size_t kBlockBytes = std::size_t{384} << 10;
constexpr std::size_t kMostBlockRows = 256;

// Rows that lie anywhere: the processor cannot guess the next one. It can go
// on by itself in a long one.
constexpr std::size_t kPrefetchedBytes = 1024;
// What the memory can deliver while a block's bounds are worked out.
constexpr std::size_t kPrefetchedAhead = std::size_t{12} << 10;
constexpr std::size_t kCacheLine = 64;

void prefetch([[maybe_unused]] const std::byte* row, [[maybe_unused]] std::size_t bytes) {
#if defined(__GNUC__)
  const auto first = reinterpret_cast<std::uintptr_t>(row);
  for (std::size_t i = 0; i < bytes; i += kCacheLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(first + i), 0, 2);
  }
#endif
}

// Blocks for which the int8 pass rests at most.
constexpr unsigned kLongestRest = 32;

// The int8 pass saves time while it lets one pair in so many through: what it
// saves grows with the dimension, and a measurement by itself has its price.
std::size_t pairs_for_one(std::size_t dim) { return 16 + 1024 / dim; }

constexpr float kNever = std::numeric_limits<float>::infinity();

}  // namespace

std::size_t Scanner::block_rows(std::size_t dim) {
  const std::size_t fit = kBlockBytes / (sizeof(float) * std::max<std::size_t>(dim, 1));
  return std::clamp(fit / kTileRows * kTileRows, 2 * kTileRows, kMostBlockRows);
}

Scanner::Scanner(const Problem& problem, std::size_t first, std::size_t last,
                 const QuantizedQueries* quantized)
    : problem_(problem),
      first_(problem.queries.units().data() + first),
      last_(problem.queries.units().data() + last),
      first_query_(first_->first),
      first_lane_(first_->lane0),
      scorer_(problem.candidates, problem.queries),
      quantized_(quantized) {
  const Unit& end = last_[-1];
  best_.assign(end.first + end.count - first_query_, TopK(problem.k, problem.candidates.size()));
  thresholds_.assign(end.lane0 + std::max(end.lanes, end.count) - first_lane_, kNever);
  for (const Unit* unit = first_; unit != last_; ++unit) {
    std::fill_n(thresholds_.begin() + static_cast<std::ptrdiff_t>(unit->lane0 - first_lane_),
                unit->count, -kNever);
  }
  const std::size_t block = block_rows(problem.queries.dim());
  rows_.resize(block);
  for (auto* v : {&scale_, &offset_, &width_, &norms_}) v->resize(block);
  dots_.resize(block * kFewQueries);
  hits_.resize(std::max(block, kTileRows * kPanelLanes));
  trust_.resize(last - first);
  if (quantized != nullptr) {
    block_ = std::make_unique<QuantizedBlock>(problem.queries, quantized->stride(), block);
  }
}

RowTerms Scanner::terms() { return {scale_.data(), offset_.data(), width_.data()}; }

void Scanner::scan(std::size_t begin, std::size_t end) {
  const std::size_t block = rows_.size();
  for (; begin < end; begin += block) scan_block(begin, std::min(block, end - begin));
}

void Scanner::scan_block(std::size_t begin, std::size_t count) {
  if (problem_.queries.bounds().filter() == Filter::kNone) {
    for (std::size_t i = 0; i < count; ++i) scorer_.check(begin + i);
    for (const Unit* unit = first_; unit != last_; ++unit) offer_all(*unit, begin, count);
    return;
  }
  gather(begin, count);
  // `few` measures the rows on its way, if it comes first.
  bool have_terms = first_->lanes != 0;
  if (have_terms) {
    problem_.kernels.norms(rows_.data(), count, problem_.queries.dim(), norms_.data());
    set_terms(begin, count);
  }
  is_quantized_ = false;
  for (const Unit* unit = first_; unit != last_; ++unit) {
    Trust& trust = trust_[static_cast<std::size_t>(unit - first_)];
    if (unit->lanes == 0) {
      run_few(*unit, begin, count, have_terms);
    } else if (block_ == nullptr || trust.rest > 0) {
      if (trust.rest > 0) --trust.rest;
      run_panel(*unit, begin, 0, count);
    } else {
      run_quantized(*unit, begin, count, trust);
    }
  }
}

// Points rows_ at the block's vectors, converted where they are not float32.
// The last tile is filled up with the last row; set_terms rules those out.
void Scanner::gather(std::size_t begin, std::size_t count) {
  if (problem_.candidates.is_plain_matrix()) {
    const std::byte* first = problem_.candidates.at(begin).data;
    const std::ptrdiff_t stride = count > 1 ? problem_.candidates.at(begin + 1).data - first : 0;
    for (std::size_t i = 0; i < count; ++i) {
      rows_[i] = reinterpret_cast<const float*>(first + static_cast<std::ptrdiff_t>(i) * stride);
    }
  } else {
    for (std::size_t i = 0; i < count; ++i) rows_[i] = gather_row(begin + i, i);
  }
  for (std::size_t i = count; i % kTileRows != 0; ++i) rows_[i] = rows_[count - 1];
}

// The row as float32: where it is, or converted into place i.
const float* Scanner::gather_row(std::size_t row, std::size_t i) {
  const RowRef found = problem_.candidates.at(row);
  const std::size_t dim = problem_.queries.dim();
  if (is_plain_float(found)) {
    prefetch(found.data, std::min(dim * sizeof(float), kPrefetchedBytes));
    return reinterpret_cast<const float*>(found.data);
  }
  if (converted_.empty()) converted_.resize(rows_.size() * dim);
  float* to = converted_.data() + i * dim;
  load(found, dim, to, problem_.kernels.half);
  return to;
}

void Scanner::set_terms(std::size_t begin, std::size_t count) {
  const Bounds& bounds = problem_.queries.bounds();
  if (!bounds.row_terms(problem_.kernels, norms_.data(), count, terms())) {
    for (std::size_t i = 0; i < count; ++i) {
      if (bounds.is_plain(norms_[i])) continue;
      scorer_.check(begin + i);
      Bounds::set_unbounded(terms(), i);
    }
  }
  for (std::size_t i = count; i % kTileRows != 0; ++i) {
    scale_[i] = 0;
    offset_[i] = -kNever;
  }
}

// The rows from `row` on, the first of a tile.
void Scanner::run_panel(const Unit& unit, std::size_t begin, std::size_t row, std::size_t count) {
  for (; row < count; row += kTileRows) {
    const Tile tile{rows_.data() + row,
                    problem_.queries.packed(unit),
                    unit.lanes,
                    problem_.queries.dim(),
                    scale_.data() + row,
                    offset_.data() + row,
                    thresholds_.data() + (unit.lane0 - first_lane_)};
    const std::size_t found = problem_.kernels.tile(tile, hits_.data());
    for (std::size_t h = 0; h < found; ++h) {
      const Hit& hit = hits_[h];
      // NaN is a hit as well, in the lanes and rows that only fill up too.
      if (row + hit.row < count && hit.lane < unit.count) take(unit, begin, row + hit.row, hit);
    }
  }
}

// What the int8 pass lets through is measured in float32 at once, so that the
// thresholds stay as high as they would be without it.
void Scanner::run_quantized(const Unit& unit, std::size_t begin, std::size_t count, Trust& trust) {
  const Kernels& kernels = problem_.kernels;
  if (!is_quantized_) {
    block_->fill(*kernels.int8, rows_.data(), count, norms_.data(), terms());
    is_quantized_ = true;
  }
  Int8Tile tile{};
  quantized_->set_lanes(unit, tile);
  tile.threshold = thresholds_.data() + (unit.lane0 - first_lane_);
  const std::size_t most = count * unit.count / pairs_for_one(problem_.queries.dim());
  std::size_t measured = 0, row = 0;
  for (; row < count && measured <= most; row += kTileRows) {
    block_->set_rows(row, tile);
    const std::size_t found = kernels.int8->tile(tile, hits_.data());
    for (std::size_t h = 0; h < found; ++h) {
      if (row + hits_[h].row >= count || hits_[h].lane >= unit.count) continue;
      measure(unit, begin, row + hits_[h].row, hits_[h]);
      ++measured;
    }
  }
  if (measured <= most) {
    trust.next = 1;
    return;
  }
  trust.rest = trust.next;
  trust.next = std::min(2 * trust.next, kLongestRest);
  run_panel(unit, begin, row, count);
}

void Scanner::measure(const Unit& unit, std::size_t begin, std::size_t row, Hit hit) {
  float dot;
  problem_.kernels.few(rows_.data() + row, 1, quantized_->packed(unit.first + hit.lane),
                       problem_.queries.padded(), 1, problem_.queries.dim(), &dot, nullptr);
  hit.upper = dot * scale_[row] + offset_[row];
  take(unit, begin, row, hit);
}

void Scanner::run_few(const Unit& unit, std::size_t begin, std::size_t count, bool& have_terms) {
  const Kernels& kernels = problem_.kernels;
  const Queries& queries = problem_.queries;
  kernels.few(rows_.data(), count, queries.packed(unit), queries.padded(), unit.count,
              queries.dim(), dots_.data(), have_terms ? nullptr : norms_.data());
  if (!have_terms) {
    // So that the memory does not rest meanwhile.
    if (begin + count < problem_.candidates.size() && problem_.candidates.is_plain_matrix()) {
      prefetch(problem_.candidates.at(begin + count).data, kPrefetchedAhead);
    }
    set_terms(begin, count);
  }
  have_terms = true;
  for (std::size_t lane = 0; lane < unit.count; ++lane) {
    const float threshold = thresholds_[unit.lane0 - first_lane_ + lane];
    const std::size_t found =
        kernels.select(dots_.data() + lane * count, scale_.data(), offset_.data(), count, threshold,
                       static_cast<std::uint16_t>(lane), hits_.data());
    for (std::size_t h = 0; h < found; ++h) take(unit, begin, hits_[h].row, hits_[h]);
  }
}

void Scanner::take(const Unit& unit, std::size_t begin, std::size_t row, const Hit& hit) {
  float& threshold = thresholds_[unit.lane0 - first_lane_ + hit.lane];
  if (hit.upper < threshold) return;  // it has risen since the kernel looked
  const std::size_t query = unit.first + hit.lane;
  float upper = hit.upper, lower = hit.upper - width_[row];
  if (!(lower > -kNever && upper < kNever)) {
    upper = kNever;
    lower = -kNever;
  }
  TopK& top = best(query);
  if (!top.add({upper, lower, static_cast<std::int64_t>(begin + row)})) return;
  top.compact(problem_.queries.slack(query),
              [&](std::int64_t at) { return scorer_.score(query, at); });
  threshold = top.threshold();
}

// Without a float32 pass every row is a candidate.
void Scanner::offer_all(const Unit& unit, std::size_t begin, std::size_t count) {
  for (std::size_t i = 0; i < unit.count; ++i) {
    const std::size_t query = unit.first + i;
    TopK& top = best(query);
    for (std::size_t row = begin; row < begin + count; ++row) {
      if (!top.add({kNever, -kNever, static_cast<std::int64_t>(row)})) continue;
      top.compact(problem_.queries.slack(query),
                  [&](std::int64_t at) { return scorer_.score(query, at); });
    }
  }
}

}  // namespace docstore
