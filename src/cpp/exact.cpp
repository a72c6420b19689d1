#include "exact.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>

#include "errors.hpp"
#include "parallel.hpp"
#include "scan.hpp"

namespace docstore {
namespace {

// Queries that go over the rows together. Each wave reads all rows and measures
// their lengths; more queries in one would push each other out of the caches.
constexpr std::size_t kWaveQueries = 21 * kPanelLanes;
// What the candidates of one wave may take, roughly.
constexpr std::size_t kWaveBytes = std::size_t{256} << 20;
// Multiplications that are worth another thread.
constexpr double kWorkPerThread = 1 << 20;
// Rows that stay in the caches, so that each thread may read all of them.
constexpr std::size_t kCachedBytes = std::size_t{4} << 20;
// Queries that one slot finishes.
constexpr std::size_t kFinishedTogether = 8;

// The query units [first, last) and how they are worked off.
struct Wave {
  std::size_t first;
  std::size_t last;
};

class Search {
 public:
  Search(const Problem& problem, int threads, Neighbours& out)
      : problem_(problem), threads_(useful(threads)), out_(out) {}

  void run() {
    const std::vector<Unit>& units = problem_.queries.units();
    if (is_split_by_queries()) {
      parallel(units.size(), threads_, [&](std::size_t unit) { search_unit(unit); });
      return;
    }
    for (std::size_t first = 0; first < units.size();) {
      const Wave wave{first, end_of_wave(first)};
      search_wave(wave);
      first = wave.last;
    }
  }

 private:
  std::size_t rows() const { return problem_.candidates.size(); }
  std::size_t dim() const { return problem_.queries.dim(); }

  int useful(int threads) const {
    const double work = static_cast<double>(problem_.candidates.size()) *
                        static_cast<double>(problem_.queries.dim()) *
                        static_cast<double>(problem_.queries.size());
    return static_cast<int>(std::min(static_cast<double>(threads), 1 + work / kWorkPerThread));
  }

  bool is_split_by_queries() const {
    const std::size_t units = problem_.queries.units().size();
    return threads_ > 1 && units >= 2 * static_cast<std::size_t>(threads_) &&
           rows() <= kCachedBytes / (sizeof(float) * std::max<std::size_t>(dim(), 1));
  }

  std::size_t end_of_wave(std::size_t first) const {
    const std::vector<Unit>& units = problem_.queries.units();
    const std::size_t each = sizeof(Candidate) * std::min(rows(), 3 * problem_.k + 24);
    const std::size_t fit = kWaveBytes / (each * static_cast<std::size_t>(threads_) + 1);
    const std::size_t most = std::clamp(fit, kPanelLanes, kWaveQueries);
    std::size_t last = first + 1;
    while (last < units.size() &&
           units[last].first + units[last].count - units[first].first <= most) {
      ++last;
    }
    return last;
  }

  // The int8 forms of the units [first, last), if they are of use.
  std::unique_ptr<QuantizedQueries> quantize(std::size_t first, std::size_t last) const {
    const bool useful = QuantizedQueries::are_useful(problem_.queries, problem_.kernels, rows(),
                                                     Scanner::block_rows(dim()));
    return useful ? std::make_unique<QuantizedQueries>(problem_.queries, first, last) : nullptr;
  }

  // All rows for the queries of one unit.
  void search_unit(std::size_t unit) {
    const auto quantized = quantize(unit, unit + 1);
    Scanner scanner(problem_, unit, unit + 1, quantized.get());
    scanner.scan(0, rows());
    Scorer scorer(problem_.candidates, problem_.queries);
    const Unit& done = problem_.queries.units()[unit];
    for (std::size_t i = 0; i < done.count; ++i) {
      finish(done.first + i, scanner.best(done.first + i), scorer);
    }
  }

  // The threads take turns at stretches of rows and then at the queries.
  void search_wave(const Wave& wave) {
    const auto slots = static_cast<std::size_t>(threads_);
    const auto quantized = quantize(wave.first, wave.last);
    std::vector<std::unique_ptr<Scanner>> scanners(slots);
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    const std::size_t stretch = stretch_rows();
    parallel(slots, threads_, [&](std::size_t slot) {
      try {
        for (;;) {
          const std::size_t begin = next.fetch_add(stretch);
          if (begin >= rows() || failed.load(std::memory_order_relaxed)) return;
          if (!scanners[slot])
            scanners[slot] =
                std::make_unique<Scanner>(problem_, wave.first, wave.last, quantized.get());
          scanners[slot]->scan(begin, begin + std::min(stretch, rows() - begin));
        }
      } catch (...) {
        failed = true;
        throw;
      }
    });
    std::erase(scanners, nullptr);
    finish_wave(wave, scanners);
  }

  // Small enough that no thread waits long for the last one.
  std::size_t stretch_rows() const {
    if (threads_ == 1) return std::max<std::size_t>(rows(), 1);
    const std::size_t block = Scanner::block_rows(dim());
    const std::size_t share = rows() / (static_cast<std::size_t>(threads_) * 8);
    return std::max(block, share / block * block);
  }

  void finish_wave(const Wave& wave, const std::vector<std::unique_ptr<Scanner>>& scanners) {
    const std::vector<Unit>& units = problem_.queries.units();
    const std::size_t begin = units[wave.first].first;
    const std::size_t end = units[wave.last - 1].first + units[wave.last - 1].count;
    const std::size_t slots = (end - begin + kFinishedTogether - 1) / kFinishedTogether;
    const double work = static_cast<double>(end - begin) * static_cast<double>(problem_.k) *
                        static_cast<double>(dim());
    parallel(slots, work < kWorkPerThread / 4 ? 1 : threads_, [&](std::size_t slot) {
      Scorer scorer(problem_.candidates, problem_.queries);
      const std::size_t first = begin + slot * kFinishedTogether;
      for (std::size_t q = first; q < std::min(end, first + kFinishedTogether); ++q) {
        TopK& best = scanners.front()->best(q);
        for (std::size_t s = 1; s < scanners.size(); ++s) best.absorb(scanners[s]->best(q));
        finish(q, best, scorer);
      }
    });
  }

  void finish(std::size_t query, TopK& best, Scorer& scorer) {
    const std::vector<Scored>& found = best.finish(
        problem_.queries.slack(query), [&](std::int64_t row) { return scorer.score(query, row); });
    const std::size_t at = query * out_.width;
    for (std::size_t i = 0; i < out_.width; ++i) {
      out_.positions[at + i] = problem_.candidates.position(static_cast<std::size_t>(found[i].row));
      out_.distances[at + i] = static_cast<float>(found[i].distance);
    }
  }

  const Problem& problem_;
  const int threads_;
  Neighbours& out_;
};

// Threads meet bad rows in any order; the error names the first one.
[[noreturn]] void throw_first_invalid(const Candidates& candidates, const Queries& queries,
                                      const InvalidVector& found) {
  Scorer scorer(candidates, queries);
  for (std::size_t row = 0; row < candidates.size(); ++row) scorer.check(row);
  throw found;  // somebody has changed the vector meanwhile
}

int threads_for(int wanted) { return wanted > 0 ? wanted : thread_count(); }

}  // namespace

Neighbours search_exact(const Rows& rows, const double* queries, std::size_t count, std::size_t k,
                        const Metric& metric, const SearchOptions& options) {
  if (k == 0) throw InvalidArgument("k must be at least 1, not 0");
  const Queries packed(queries, count, rows.dim(), metric);
  const Candidates candidates(rows, options.mask);
  Neighbours out;
  out.width = std::min(k, candidates.size());
  if (out.width == 0 || count == 0) return out;
  if (count > std::numeric_limits<std::size_t>::max() / sizeof(Scored) / out.width) {
    throw InvalidArgument("k x queries results do not fit in memory");
  }
  out.positions.resize(count * out.width);
  out.distances.resize(count * out.width);
  const Kernels& with = options.with != nullptr ? *options.with : kernels();
  const Problem problem{candidates, packed, with, out.width};
  try {
    Search(problem, threads_for(options.threads), out).run();
  } catch (const InvalidVector& error) {
    throw_first_invalid(candidates, packed, error);
  }
  return out;
}

void pairwise(const Rows& rows, const double* queries, std::size_t count, const Metric& metric,
              int threads, double* out) {
  const Queries packed(queries, count, rows.dim(), metric);
  const Candidates candidates(rows, nullptr);
  constexpr std::size_t kTogether = 64;
  const std::size_t slots = (rows.size() + kTogether - 1) / kTogether;
  const double work = static_cast<double>(rows.size()) * static_cast<double>(count) *
                      static_cast<double>(rows.dim());
  parallel(slots, work < kWorkPerThread ? 1 : threads_for(threads), [&](std::size_t slot) {
    Scorer scorer(candidates, packed);
    const std::size_t end = std::min(rows.size(), (slot + 1) * kTogether);
    for (std::size_t row = slot * kTogether; row < end; ++row) {
      scorer.check(row);
      for (std::size_t q = 0; q < count; ++q) {
        out[q * rows.size() + row] = scorer.score(q, static_cast<std::int64_t>(row)).distance;
      }
    }
  });
}

}  // namespace docstore
