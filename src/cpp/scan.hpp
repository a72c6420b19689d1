#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels.hpp"
#include "quantized.hpp"
#include "queries.hpp"
#include "scorer.hpp"
#include "topk.hpp"

namespace docstore {

// What all threads of one search share. Refers to its parts, owns none.
struct Problem {
  const Candidates& candidates;
  const Queries& queries;
  const Kernels& kernels;
  std::size_t k;
};

// One thread's share of a search: a run of query units, and the best rows of
// each so far. Rows are read in blocks that stay in the cache while all units
// go over them. Made, used and read by one thread at a time.
class Scanner {
 public:
  // Units [first, last), which `quantized` holds as well if there is an int8 pass.
  Scanner(const Problem& problem, std::size_t first, std::size_t last,
          const QuantizedQueries* quantized);

  // Looks at the rows [begin, end). Throws InvalidVector when one of them
  // cannot be searched.
  void scan(std::size_t begin, std::size_t end);

  TopK& best(std::size_t query) { return best_[query - first_query_]; }

  static std::size_t block_rows(std::size_t dim);

 private:
  // Whether the int8 pass rules enough rows out for a unit. After a block in
  // which it did not, it rests for some blocks, each time for more of them.
  struct Trust {
    unsigned rest = 1;  // the first block sets the thresholds
    unsigned next = 1;
  };

  void scan_block(std::size_t begin, std::size_t count);
  void gather(std::size_t begin, std::size_t count);
  const float* gather_row(std::size_t row, std::size_t i);
  void set_terms(std::size_t begin, std::size_t count);
  void run_panel(const Unit& unit, std::size_t begin, std::size_t row, std::size_t count);
  void run_quantized(const Unit& unit, std::size_t begin, std::size_t count, Trust& trust);
  void measure(const Unit& unit, std::size_t begin, std::size_t row, Hit hit);
  void run_few(const Unit& unit, std::size_t begin, std::size_t count, bool& have_terms);
  void take(const Unit& unit, std::size_t begin, std::size_t row, const Hit& hit);
  void offer_all(const Unit& unit, std::size_t begin, std::size_t count);
  RowTerms terms();

  const Problem& problem_;
  const Unit* first_;
  const Unit* last_;
  std::size_t first_query_;
  std::size_t first_lane_;
  Scorer scorer_;
  std::vector<TopK> best_;
  std::vector<float> thresholds_;
  std::vector<const float*> rows_;
  std::vector<float> converted_;
  std::vector<float> scale_, offset_, width_, norms_, dots_;
  std::vector<Hit> hits_;
  const QuantizedQueries* quantized_;
  std::unique_ptr<QuantizedBlock> block_;
  bool is_quantized_ = false;  // this block
  std::vector<Trust> trust_;   // of each unit
};

}  // namespace docstore
