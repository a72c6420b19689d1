#include "exact.hpp"

#include <limits>
#include <memory>
#include <thread>

#include "check.hpp"
#include "errors.hpp"
#include "search_reference.hpp"

using namespace docstore;
using namespace docstore::testing;

namespace {

struct Case {
  std::size_t rows, dim, queries, k;
  int threads = 1;
};

// That `found` is what the reference says. Sums in another order may differ in
// the last digits, so rows may swap where the reference sees no difference.
void check_result(const Neighbours& found, std::string_view metric, const std::vector<double>& rows,
                  const std::vector<double>& queries, std::size_t dim, std::size_t k) {
  const std::size_t count = queries.size() / dim;
  const std::size_t width = std::min(k, rows.size() / dim);
  CHECK_EQ(found.width, width);
  CHECK_EQ(found.positions.size(), count * width);
  if (found.positions.size() != count * width) return;
  for (std::size_t q = 0; q < count; ++q) {
    const Reference reference(metric, rows, queries.data() + q * dim, dim);
    const double most = reference.distances[static_cast<std::size_t>(reference.order.back())];
    for (std::size_t i = 0; i < width; ++i) {
      const auto got = static_cast<std::size_t>(found.positions[q * width + i]);
      const auto wanted = static_cast<std::size_t>(reference.order[i]);
      const double expected = reference.distances[wanted];
      if (got != wanted)
        CHECK_NEAR(reference.distances[got], expected, 1e-13 * (1 + std::abs(most)));
      const double tolerance = 1e-6 * std::abs(expected) + 1e-12 * (1 + std::abs(most));
      CHECK_NEAR(found.distances[q * width + i], expected, tolerance);
    }
  }
}

void check_case(const Case& c, const Kernels* with, unsigned seed) {
  const std::vector<double> rows = random_values(c.rows * c.dim, seed);
  const std::vector<double> queries = random_values(c.queries * c.dim, seed + 1);
  const std::vector<float> floats = as<float>(rows);
  const auto stride = static_cast<std::ptrdiff_t>(c.dim * sizeof(float));
  for (const Metric& metric : metrics()) {
    const Rows matrix = Rows::matrix(floats.data(), DType::kFloat32, c.dim, c.rows, stride);
    const Neighbours found = search_exact(matrix, queries.data(), c.queries, c.k, metric,
                                          {.threads = c.threads, .with = with});
    check_result(found, metric.name, rows, queries, c.dim, c.k);
  }
}

Neighbours search_floats(const std::vector<float>& rows, std::size_t dim,
                         const std::vector<double>& queries, std::size_t k, const char* metric,
                         const SearchOptions& options = {}) {
  const Rows matrix = Rows::matrix(rows.data(), DType::kFloat32, dim, rows.size() / dim,
                                   static_cast<std::ptrdiff_t>(dim * sizeof(float)));
  return search_exact(matrix, queries.data(), queries.size() / dim, k, *find_metric(metric),
                      options);
}

template <class T>
void check_type(DType type) {
  const std::size_t dim = 19, count = 90;
  std::vector<double> rows = random_values(count * dim, 3, 20);
  for (double& v : rows) v = std::floor(std::abs(v)) + 1;
  const std::vector<T> typed = as<T>(rows);
  for (const Kernels* with : all_kernels()) {
    for (const std::size_t queries : {std::size_t{1}, std::size_t{20}}) {
      const std::vector<double> wanted = random_values(queries * dim, 4, 20);
      for (const Metric& metric : metrics()) {
        const Rows matrix = Rows::matrix(typed.data(), type, dim, count,
                                         static_cast<std::ptrdiff_t>(dim * sizeof(T)));
        check_result(search_exact(matrix, wanted.data(), queries, 11, metric, {.with = with}),
                     metric.name, rows, wanted, dim, 11);
      }
    }
  }
}

}  // namespace

TEST(every_dimension_on_every_kernel) {
  for (const Kernels* with : all_kernels()) {
    for (std::size_t dim = 1; dim <= 130; ++dim) check_case({61, dim, 9, 5}, with, 100);
  }
}

TEST(every_number_of_queries_on_every_kernel) {
  for (const Kernels* with : all_kernels()) {
    for (std::size_t queries = 1; queries <= 104; ++queries) {
      check_case({70, 17, queries, 4}, with, 200);
    }
  }
}

TEST(every_number_of_rows_and_results) {
  for (const Kernels* with : all_kernels()) {
    for (const std::size_t rows : {1, 2, 7, 8, 9, 16, 255, 256, 257, 600}) {
      for (const std::size_t k : {1, 2, 10, 64, 255, 1000}) {
        check_case({rows, 12, 1, k}, with, 300);
        check_case({rows, 12, 50, k}, with, 301);
      }
    }
  }
}

TEST(threads_give_the_same) {
  for (const int threads : {2, 3, 8}) {
    check_case({20000, 24, 3, 10, threads}, nullptr, 400);
    check_case({3000, 40, 130, 10, threads}, nullptr, 401);
  }
}

TEST(all_types_of_numbers) {
  check_type<double>(DType::kFloat64);
  check_type<float>(DType::kFloat32);
  check_type<std::int8_t>(DType::kInt8);
  check_type<std::uint8_t>(DType::kUInt8);
  check_type<std::int16_t>(DType::kInt16);
  check_type<std::uint16_t>(DType::kUInt16);
  check_type<std::int32_t>(DType::kInt32);
  check_type<std::uint32_t>(DType::kUInt32);
  check_type<std::int64_t>(DType::kInt64);
  check_type<std::uint64_t>(DType::kUInt64);
}

TEST(every_half_is_converted_alike) {
  std::vector<std::uint16_t> halves(1 << 16);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  std::vector<float> out(halves.size() + 1);
  for (const Kernels* with : all_kernels()) {
    for (const std::size_t count : {1, 3, 4, 7, 8, 15, 16, 17, 65536}) {
      out[count] = 77;
      with->half(reinterpret_cast<const std::byte*>(halves.data()), count, out.data());
      CHECK_EQ(out[count], 77.0f);
    }
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const float expected = half_to_float(halves[i]);
      if (std::isnan(expected) ? !std::isnan(out[i]) : out[i] != expected)
        CHECK_EQ(out[i], expected);
    }
  }
  CHECK_EQ(half_to_float(0x3c00), 1.0f);
  CHECK_EQ(half_to_float(0x8001), -0x1p-24f);
  CHECK_EQ(half_to_float(0x7bff), 65504.0f);
  CHECK_EQ(half_to_float(0xfc00), -std::numeric_limits<float>::infinity());
}

TEST(lines_masks_pointers_and_strides) {
  const std::size_t dim = 13, count = 400, padded = 16;
  const std::vector<double> values = random_values(count * padded, 5);
  const std::vector<float> floats = as<float>(values);
  const std::vector<double> queries = random_values(7 * dim, 6);
  std::vector<std::int64_t> lines;
  std::vector<std::uint8_t> mask;
  std::vector<RowRef> refs;
  std::vector<double> left;
  std::vector<std::int64_t> back;
  std::vector<std::unique_ptr<float[]>> own;  // so that reading past an end is seen
  for (std::size_t i = 0; i < count; i += 1 + i % 3) {
    const auto line = static_cast<std::int64_t>(count - 1 - i);
    const double* from = values.data() + line * static_cast<std::ptrdiff_t>(padded);
    lines.push_back(line);
    own.push_back(std::make_unique<float[]>(dim));
    std::transform(from, from + dim, own.back().get(), [](double v) { return float(v); });
    refs.push_back({reinterpret_cast<const std::byte*>(own.back().get()), DType::kFloat32});
    mask.push_back(i % 4 != 0);
    if (!mask.back()) continue;
    left.insert(left.end(), from, from + dim);
    back.push_back(static_cast<std::int64_t>(lines.size()) - 1);
  }
  const Rows chosen = Rows::lines(floats.data(), DType::kFloat32, dim, count,
                                  padded * sizeof(float), lines.data(), lines.size());
  const Rows pointers = Rows::pointers(refs.data(), dim, refs.size());
  for (const Metric& metric : metrics()) {
    for (const Rows* rows : {&chosen, &pointers}) {
      Neighbours found = search_exact(*rows, queries.data(), 7, 9, metric, {.mask = mask.data()});
      for (std::int64_t& position : found.positions) {
        position = std::find(back.begin(), back.end(), position) - back.begin();
      }
      check_result(found, metric.name, left, queries, dim, 9);
    }
  }
  const std::int64_t outside[] = {3, static_cast<std::int64_t>(count)};
  const Rows bad =
      Rows::lines(floats.data(), DType::kFloat32, dim, count, padded * sizeof(float), outside, 2);
  CHECK_THROWS(InvalidArgument, search_exact(bad, queries.data(), 1, 1, *find_metric("ip")));
}

TEST(ties_and_tight_clusters_keep_the_lowest_positions) {
  const std::size_t dim = 10, count = 30000;
  std::vector<float> rows(count * dim, 0.5f);
  for (const Kernels* with : all_kernels()) {
    for (const std::size_t queries : {1, 60}) {
      const std::vector<double> wanted = random_values(queries * dim, 7);
      for (const Metric& metric : metrics()) {
        const Neighbours found =
            search_floats(rows, dim, wanted, 40, metric.name.data(), {.threads = 2, .with = with});
        for (std::size_t i = 0; i < found.positions.size(); ++i) {
          CHECK_EQ(found.positions[i], i % 40);
        }
      }
    }
  }
}

TEST(bad_vectors_are_refused_wherever_they_are) {
  const std::size_t dim = 21, count = 500;
  const std::vector<float> good = as<float>(random_values(count * dim, 8));
  for (const Kernels* with : all_kernels()) {
    for (const std::size_t queries : {1, 4, 16, 48, 53}) {
      const std::vector<double> wanted = random_values(queries * dim, 9);
      for (const float value :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        for (const Metric& metric : metrics()) {
          std::vector<float> rows = good;
          rows[499 * dim + 20] = value;
          rows[77 * dim] = value;
          try {
            search_floats(rows, dim, wanted, 3, metric.name.data(), {.threads = 2, .with = with});
            CHECK(false);
          } catch (const InvalidVector& error) {
            CHECK_EQ(error.row, 77);
          }
        }
      }
      std::vector<float> rows = good;
      std::fill_n(rows.begin() + 499 * dim, dim, 0.0f);
      CHECK_THROWS(InvalidVector, search_floats(rows, dim, wanted, 3, "cosine", {.with = with}));
      CHECK_EQ(search_floats(rows, dim, wanted, 3, "ip", {.with = with}).width, 3);
    }
  }
  std::vector<double> wanted = random_values(3 * dim, 10);
  std::fill_n(wanted.begin() + 2 * dim, dim, 0.0);
  try {
    search_floats(good, dim, wanted, 3, "cosine");
    CHECK(false);
  } catch (const InvalidVector& error) {
    CHECK_EQ(error.row, -3);
  }
}

TEST(extreme_lengths_are_searched_or_refused) {
  const std::size_t dim = 5, count = 400;
  for (const double scale : {1e-30, 1e-20, 1e20, 1e30, 1e37}) {
    const std::vector<double> rows = random_values(count * dim, 11, scale);
    const std::vector<double> queries = random_values(20 * dim, 12, scale);
    for (const Metric& metric : metrics()) {
      const Rows matrix =
          Rows::matrix(rows.data(), DType::kFloat64, dim, count, dim * sizeof(double));
      const Neighbours found = search_exact(matrix, queries.data(), 20, 6, metric);
      for (std::size_t q = 0; q < 20; ++q) {
        const Reference reference(metric.name, rows, queries.data() + q * dim, dim);
        for (std::size_t i = 0; i < 6; ++i)
          CHECK_EQ(found.positions[q * 6 + i], reference.order[i]);
      }
    }
  }
  const double huge[] = {1e200, 1}, one[] = {1, 1};
  const Rows matrix = Rows::matrix(huge, DType::kFloat64, 2, 1, 2 * sizeof(double));
  CHECK_THROWS(InvalidVector, search_exact(matrix, one, 1, 1, *find_metric("ip")));
}

TEST(edges) {
  const std::vector<float> rows = as<float>(random_values(40, 13));
  const std::vector<double> query = random_values(4, 14);
  CHECK_THROWS(InvalidArgument, search_floats(rows, 4, query, 0, "ip"));
  CHECK_EQ(search_floats(rows, 4, query, 99, "ip").width, 10);
  CHECK_EQ(search_floats({}, 4, query, 3, "ip").width, 0);
  CHECK_EQ(search_floats(rows, 4, {}, 3, "ip").positions.size(), 0);
  CHECK(find_metric("cosin") == nullptr);
}

// Run under -fsanitize=thread as well.
TEST(searches_at_once) {
  const std::size_t dim = 16;
  const std::vector<float> rows = as<float>(random_values(8000 * dim, 15));
  const std::vector<double> queries = random_values(70 * dim, 16);
  const Neighbours expected = search_floats(rows, dim, queries, 5, "cosine");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3; ++i) {
        const Neighbours found =
            search_floats(rows, dim, queries, 5, "cosine", {.threads = 1 + (t + i) % 4});
        CHECK(found.positions == expected.positions && found.distances == expected.distances);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(pairwise_is_the_reference) {
  const std::size_t dim = 33;
  const std::vector<double> rows = random_values(130 * dim, 17),
                            queries = random_values(9 * dim, 18);
  std::vector<double> out(130 * 9);
  for (const Metric& metric : metrics()) {
    pairwise(Rows::matrix(rows.data(), DType::kFloat64, dim, 130, dim * sizeof(double)),
             queries.data(), 9, metric, 2, out.data());
    for (std::size_t q = 0; q < 9; ++q) {
      const Reference reference(metric.name, rows, queries.data() + q * dim, dim);
      for (std::size_t r = 0; r < 130; ++r)
        CHECK_NEAR(out[q * 130 + r], reference.distances[r], 1e-12);
    }
  }
}

TEST_MAIN()
