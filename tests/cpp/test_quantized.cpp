#include "quantized.hpp"

#include <cmath>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "check.hpp"
#include "exact.hpp"
#include "search_reference.hpp"
#include "topk.hpp"

using namespace docstore;
using namespace docstore::testing;

namespace {

constexpr std::size_t kRows = kTileRows;

double square(const double* x, std::size_t dim) { return dot(x, x, dim); }

double value_of(Filter filter, const double* x, const double* q, std::size_t dim) {
  const double xx = square(x, dim), qq = square(q, dim), product = dot(x, q, dim);
  if (filter == Filter::kInner) return product / std::sqrt(qq);
  if (filter == Filter::kCosine) return product / std::sqrt(xx * qq);
  return product - xx / 2;
}

const Metric& metric_for(Filter filter) {
  return *find_metric(filter == Filter::kInner    ? "ip"
                      : filter == Filter::kCosine ? "cosine"
                                                  : "sqeuclidean");
}

// One tile's worth of rows, ready for the kernel.
class Prepared {
 public:
  Prepared(const Kernels& kernels, const Queries& queries, const std::vector<double>& rows)
      : kernels_(kernels),
        floats_(as<float>(rows)),
        quantized_(queries, 0, queries.units().size()),
        block_(queries, quantized_.stride(), kRows) {
    const std::size_t dim = queries.dim();
    for (std::size_t i = 0; i < kRows; ++i) pointers_.push_back(floats_.data() + i * dim);
    kernels.norms(pointers_.data(), kRows, dim, norms_);
    CHECK(queries.bounds().row_terms(kernels, norms_, kRows, {scale_, offset_, width_}));
    block_.fill(*kernels.int8, pointers_.data(), kRows, norms_, {scale_, offset_, width_});
  }

  // The lanes of the unit that `row` is a hit for.
  std::vector<bool> hits(const Unit& unit, std::size_t row, const std::vector<float>& thresholds) {
    Int8Tile tile{};
    quantized_.set_lanes(unit, tile);
    block_.set_rows(0, tile);
    tile.threshold = thresholds.data();
    std::vector<Hit> found(kRows * kPanelLanes);
    const std::size_t count = kernels_.int8->tile(tile, found.data());
    std::vector<bool> lanes(unit.lanes);
    for (std::size_t h = 0; h < count; ++h) {
      if (found[h].row == row) lanes[found[h].lane] = true;
    }
    return lanes;
  }

 private:
  const Kernels& kernels_;
  std::vector<float> floats_;
  std::vector<const float*> pointers_;
  float norms_[kRows], scale_[kRows], offset_[kRows], width_[kRows];
  QuantizedQueries quantized_;
  QuantizedBlock block_;
};

// A pair is a hit when its value reaches the threshold, and is none when it
// stays far below: by `gap` of both lengths.
void check_tile(const Kernels& kernels, Filter filter, const std::vector<double>& rows,
                const std::vector<double>& asked, std::size_t dim, double gap) {
  const Queries queries(asked.data(), asked.size() / dim, dim, metric_for(filter));
  Prepared prepared(kernels, queries, rows);
  for (const Unit& unit : queries.units()) {
    if (unit.lanes == 0) continue;
    for (std::size_t row = 0; row < kRows; ++row) {
      std::vector<float> at(unit.lanes, INFINITY), above(unit.lanes, INFINITY);
      for (std::size_t i = 0; i < unit.count; ++i) {
        const double* x = rows.data() + row * dim;
        const double* q = queries.vector(unit.first + i);
        const double value = value_of(filter, x, q, dim);
        const double xx = square(x, dim), qq = square(q, dim);
        const double size = filter == Filter::kCosine  ? 1
                            : filter == Filter::kInner ? std::sqrt(xx)
                                                       : std::sqrt(xx * qq) + xx / 100;
        at[i] = round_down(value);
        above[i] = static_cast<float>(value + gap * size);
      }
      const std::vector<bool> reached = prepared.hits(unit, row, at);
      const std::vector<bool> missed = prepared.hits(unit, row, above);
      for (std::size_t i = 0; i < unit.lanes; ++i) {
        CHECK_EQ(reached[i], i < unit.count);
        CHECK(!missed[i]);
      }
    }
  }
}

// The int8 pass changes nothing: the portable kernels have none.
void check_same(const Rows& rows, const std::vector<double>& queries, std::size_t k,
                const std::uint8_t* mask = nullptr) {
  const std::size_t count = queries.size() / rows.dim();
  for (const Metric& metric : metrics()) {
    SearchOptions options{.threads = 1, .mask = mask};
    options.with = kernels_for(InstructionSet::kPortable);
    const Neighbours wanted = search_exact(rows, queries.data(), count, k, metric, options);
    for (const Kernels* with : all_kernels()) {
      if (with->int8 == nullptr) continue;
      options.with = with;
      const Neighbours found = search_exact(rows, queries.data(), count, k, metric, options);
      CHECK(found.positions == wanted.positions);
      CHECK(found.distances == wanted.distances);
    }
  }
}

template <class T>
Rows matrix(const std::vector<T>& values, DType type, std::size_t dim) {
  return Rows::matrix(values.data(), type, dim, values.size() / dim,
                      static_cast<std::ptrdiff_t>(dim * sizeof(T)));
}

void check_same(const std::vector<double>& rows, std::size_t dim,
                const std::vector<double>& queries, std::size_t k) {
  const std::vector<float> floats = as<float>(rows);
  check_same(matrix(floats, DType::kFloat32, dim), queries, k);
}

// Each component but one is a little less than half-way between two steps of
// the scale, so that all rounding errors point the same way.
std::vector<double> half_way(std::size_t dim, double scale) {
  std::vector<double> values(dim, 3.49 * scale / 127);
  values[0] = scale;
  for (double& v : values) v = static_cast<double>(static_cast<float>(v));
  return values;
}

}  // namespace

TEST(int8_bounds_hold_and_are_of_use) {
  for (const Kernels* kernels : all_kernels()) {
    if (kernels->int8 == nullptr) continue;
    for (const Filter filter : {Filter::kInner, Filter::kCosine, Filter::kSquared}) {
      for (const std::size_t dim : {16, 17, 31, 64, 127, 300, 768, 1537}) {
        for (const double rows : {1e-9, 1.0, 1e8}) {
          for (const double query : {1e-6, 1.0, 1e4}) {
            check_tile(*kernels, filter, random_values(kRows * dim, 11, rows),
                       random_values((20 + dim % 97) * dim, 12, query), dim, 0.05);
          }
        }
      }
    }
  }
}

TEST(int8_bounds_hold_where_all_errors_point_the_same_way) {
  for (const Kernels* kernels : all_kernels()) {
    if (kernels->int8 == nullptr) continue;
    for (const Filter filter : {Filter::kInner, Filter::kCosine, Filter::kSquared}) {
      for (const std::size_t dim : {16, 2000, 20000}) {
        std::vector<double> rows;
        for (std::size_t i = 0; i < kRows; ++i) {
          const std::vector<double> row = half_way(dim, 1 + 0.1 * static_cast<double>(i));
          rows.insert(rows.end(), row.begin(), row.end());
        }
        std::vector<double> asked;
        for (std::size_t i = 0; i < 48; ++i) {
          const std::vector<double> query = half_way(dim, 1 + 0.01 * static_cast<double>(i));
          asked.insert(asked.end(), query.begin(), query.end());
        }
        check_tile(*kernels, filter, rows, asked, dim, 0.5);
      }
    }
  }
}

TEST(the_int8_pass_gives_the_same_results) {
  for (const std::size_t dim : {16, 19, 40, 128, 385}) {
    for (const std::size_t count : {20, 54, 103}) {
      check_same(random_values(1501 * dim, 1), dim, random_values(count * dim, 2), 10);
    }
  }
}

TEST(all_types_and_masks_go_through_the_int8_pass) {
  const std::size_t dim = 24, count = 1301;
  const std::vector<double> queries = random_values(30 * dim, 21, 20);
  std::vector<double> rows = random_values(count * dim, 20, 20);
  check_same(matrix(rows, DType::kFloat64, dim), queries, 7);
  for (double& v : rows) v = std::round(v);
  const auto bytes = as<std::int8_t>(rows);
  check_same(matrix(bytes, DType::kInt8, dim), queries, 7);
  const auto wholes = as<std::int64_t>(rows);
  check_same(matrix(wholes, DType::kInt64, dim), queries, 7);
  std::vector<std::uint8_t> mask(count);
  for (std::size_t i = 0; i < count; ++i) mask[i] = i % 11 != 3;
  for (const std::size_t k : {1, 40, 300}) {
    check_same(matrix(wholes, DType::kInt64, dim), queries, k, mask.data());
  }
}

TEST(the_int8_pass_rests_where_it_cannot_tell_rows_apart) {
  const std::size_t dim = 24;
  // A far-off cluster: all cosines are near 1, and all values near each other.
  std::vector<double> rows = random_values(3000 * dim, 3, 0.01);
  for (double& v : rows) v = static_cast<double>(static_cast<float>(v + 7));
  std::vector<double> queries = random_values(50 * dim, 4, 0.01);
  for (double& v : queries) v += 7;
  check_same(rows, dim, queries, 10);
  // Many equal rows.
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = rows[i % (5 * dim)];
  check_same(rows, dim, queries, 40);
}

TEST(rows_of_every_magnitude_go_through_the_int8_pass) {
  const std::size_t dim = 20;
  std::vector<double> rows = random_values(2000 * dim, 5);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const int exponent = static_cast<int>(i / dim % 13) * 10 - 60;
    rows[i] = static_cast<double>(static_cast<float>(std::ldexp(rows[i], exponent)));
  }
  // Rows with one component that outweighs all others.
  for (std::size_t row = 0; row < 2000; row += 7) rows[row * dim + row % dim] *= 1e6;
  check_same(rows, dim, random_values(40 * dim, 6, 3), 25);
}

TEST(rows_below_the_range_of_int8_scales_are_found) {
  const std::size_t dim = 16;
  for (const int exponent : {-70, -90, -110, -130}) {
    std::vector<double> rows = random_values(1100 * dim, 9);
    for (double& v : rows) v = std::ldexp(v, exponent);
    const std::vector<float> floats = as<float>(rows);
    const Rows all = matrix(floats, DType::kFloat32, dim);
    // Of length one and so long that the products matter.
    for (const double length : {1.0, 1e15}) {
      check_same(all, random_values(25 * dim, 10, length), 9);
    }
  }
}

#if defined(__SSE2__)
TEST(flushing_small_numbers_to_zero_loses_no_result) {
  const std::size_t dim = 16;
  // Their squares vanish, and so would their lengths. One is nearer, by less
  // than what int8 takes from the query.
  std::vector<double> rows(1100 * dim, 0.99 * 0x1p-70);
  std::fill_n(rows.begin() + 700 * dim, dim, 0x1p-70);
  std::vector<double> queries;
  for (std::size_t i = 0; i < 25; ++i) {
    const std::vector<double> query = half_way(dim, 0x1p57 + static_cast<double>(i));
    queries.insert(queries.end(), query.begin(), query.end());
  }
  const std::vector<float> floats = as<float>(rows);
  const Rows all = matrix(floats, DType::kFloat32, dim);
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  check_same(all, queries, 3);
  _mm_setcsr(before);
}
#endif

TEST(queries_that_float32_cannot_search_for_are_answered) {
  const std::size_t dim = 16;
  std::vector<double> queries = random_values(30 * dim, 7);
  for (std::size_t j = 0; j < dim; ++j) {
    queries[3 * dim + j] *= 1e30;
    queries[8 * dim + j] *= 1e-30;
    queries[11 * dim + j] *= 1e-140;
  }
  check_same(random_values(1200 * dim, 8), dim, queries, 5);
  const std::vector<float> rows = as<float>(random_values(1200 * dim, 8));
  for (std::size_t j = 0; j < dim; ++j) {
    queries[17 * dim + j] = 0;
    queries[23 * dim + j] = 4.9e-324;
  }
  for (const char* name : {"euclidean", "ip"}) {
    std::vector<Neighbours> found;
    for (const Kernels* with : all_kernels()) {
      found.push_back(search_exact(matrix(rows, DType::kFloat32, dim), queries.data(), 30, 5,
                                   *find_metric(name), {.threads = 1, .with = with}));
      CHECK(found.back().positions == found.front().positions);
    }
  }
}

TEST_MAIN()
