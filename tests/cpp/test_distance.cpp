#include "distance.hpp"

#include <cmath>

#include "bounds.hpp"
#include "check.hpp"
#include "search_reference.hpp"

using namespace docstore;
using namespace docstore::testing;

namespace {

double square(const std::vector<double>& x) { return dot(x.data(), x.data(), x.size()); }

// What the filter bounds, to more digits than float64.
double true_value(Filter filter, const std::vector<double>& x, const std::vector<double>& q) {
  long double product = 0, xx = 0, qq = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    product += static_cast<long double>(x[i]) * q[i];
    xx += static_cast<long double>(x[i]) * x[i];
    qq += static_cast<long double>(q[i]) * q[i];
  }
  if (filter == Filter::kInner) return static_cast<double>(product / std::sqrt(qq));
  if (filter == Filter::kCosine) return static_cast<double>(product / std::sqrt(xx * qq));
  return static_cast<double>(product - xx / 2);
}

// That what the kernels compute for rows and a query encloses the true values.
void check_enclosed(const Kernels& kernels, Filter filter, std::size_t dim, double row_scale,
                    double query_scale, bool positive, unsigned seed) {
  constexpr std::size_t kCount = kTileRows;
  std::vector<std::vector<double>> rows;
  std::vector<std::vector<float>> floats;
  std::vector<double> query = random_values(dim, seed, query_scale);
  std::vector<const float*> pointers;
  for (unsigned i = 0; i < kCount; ++i) {
    rows.push_back(random_values(dim, seed + 1 + i, row_scale));
    // Without cancellation the sums grow, and so do their errors.
    if (positive)
      std::transform(query.begin(), query.end(), query.begin(),
                     [](double v) { return std::abs(v); });
    if (positive)
      for (double& v : rows.back()) v = std::abs(v);
    floats.push_back(as<float>(rows.back()));
  }
  for (const auto& row : floats) pointers.push_back(row.data());
  const Bounds bounds(filter, dim);
  const double qq = square(query), slack = bounds.slack(qq), scale = bounds.query_scale(qq);
  const std::size_t padded = (dim + kQueryPadding - 1) / kQueryPadding * kQueryPadding;
  std::vector<float> packed(padded), threshold(kPanelLanes, -INFINITY);
  for (std::size_t i = 0; i < dim; ++i) {
    packed[i] = static_cast<float>(query[i] * scale);
  }
  float dots[kCount], norms[kCount], scales[kCount], offsets[kCount], widths[kCount];
  kernels.few(pointers.data(), kCount, packed.data(), padded, 1, dim, dots, norms);
  CHECK(bounds.row_terms(kernels, norms, kCount, {scales, offsets, widths}));
  std::vector<Hit> hits(kTileRows * kPanelLanes);
  const std::size_t few = kernels.select(dots, scales, offsets, kCount, -INFINITY, 3, hits.data());
  CHECK_EQ(few, kCount);
  const auto check_hits = [&](std::size_t found) {
    for (std::size_t h = 0; h < found; ++h) {
      const double value = true_value(filter, rows[hits[h].row], query);
      CHECK(hits[h].upper + slack >= value);
      CHECK(static_cast<double>(hits[h].upper - widths[hits[h].row]) - slack <= value);
    }
  };
  check_hits(few);
  for (const std::size_t lanes : {std::size_t{16}, std::size_t{32}, std::size_t{48}}) {
    std::vector<float> panel;
    for (std::size_t i = 0; i < dim; ++i) panel.insert(panel.end(), lanes, packed[i]);
    const Tile tile{pointers.data(), panel.data(), lanes, dim, scales, offsets, threshold.data()};
    const std::size_t found = kernels.tile(tile, hits.data());
    CHECK_EQ(found, kTileRows * lanes);
    check_hits(found);
  }
}

}  // namespace

TEST(metrics_have_names_and_meanings) {
  const std::vector<double> x = random_values(37, 1), q = random_values(37, 2);
  CHECK_EQ(metrics().size(), 4);
  for (const Metric& metric : metrics()) {
    CHECK(find_metric(metric.name) == &metric);
    const double raw = metric.raw(x.data(), q.data(), 37, square(x), square(q));
    CHECK_NEAR(metric.distance(raw), reference_distance(metric.name, x.data(), q.data(), 37),
               1e-12);
  }
  CHECK(find_metric("") == nullptr);
  CHECK(find_metric("cosine ") == nullptr);
}

TEST(equal_vectors_are_at_distance_zero) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<double> x = random_values(1 + seed, seed);
    for (const char* name : {"cosine", "euclidean", "sqeuclidean"}) {
      const Metric& metric = *find_metric(name);
      const double xx = square(x);
      CHECK_EQ(metric.distance(metric.raw(x.data(), x.data(), x.size(), xx, xx)), 0.0);
    }
  }
}

TEST(cosine_stays_between_0_and_2) {
  const Metric& metric = *find_metric("cosine");
  CHECK_EQ(metric.distance(1 + 1e-15), 0.0);
  CHECK_EQ(metric.distance(-1 - 1e-15), 2.0);
  const double big[] = {1e150, 1e150}, small[] = {1e-150, 1e-150};
  CHECK_NEAR(metric.raw(big, small, 2, dot(big, big, 2), dot(small, small, 2)), 1.0, 1e-15);
}

TEST(bounds_enclose_the_true_values) {
  for (const Kernels* kernels : all_kernels()) {
    for (const Filter filter : {Filter::kInner, Filter::kCosine, Filter::kSquared}) {
      for (const std::size_t dim : {1, 2, 3, 15, 16, 17, 64, 127, 300, 1536, 5000}) {
        for (const double rows : {1e-9, 1.0, 1e8}) {
          for (const double query : {1e-6, 1.0, 1e4}) {
            check_enclosed(*kernels, filter, dim, rows, query, dim % 2 == 0, 7);
          }
        }
      }
    }
  }
}

TEST(bounds_are_narrow_enough_to_be_of_use) {
  for (const std::size_t dim : {128, 768}) {
    CHECK(Bounds(Filter::kCosine, dim).slack(1) < 1e-7 * static_cast<double>(dim));
    CHECK(Bounds(Filter::kSquared, dim).slack(1) < 1e-7 * static_cast<double>(dim));
  }
  CHECK(Bounds(Filter::kCosine, 1 << 20).filter() == Filter::kNone);
}

TEST_MAIN()
