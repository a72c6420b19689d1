#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dtype.hpp"

namespace docstore {

// Where one vector lies. The memory belongs to the caller.
struct RowRef {
  const std::byte* data;
  DType dtype;
};

// The vectors of a search, in the caller's memory, as a list of positions 0 to
// size() - 1. It refers to three shapes: a matrix with any distance between
// its rows, chosen lines of such a matrix, and single vectors anywhere. Data
// need not be aligned. Owns nothing; what it refers to must live as long as
// it does. Immutable, any thread.
class Rows {
 public:
  // `count` rows, `stride` bytes apart (negative and zero are fine).
  static Rows matrix(const void* data, DType dtype, std::size_t dim, std::size_t count,
                     std::ptrdiff_t stride);

  // Position i is line lines[i] of the matrix, which has `matrix_lines`. A line
  // out of range is found when it is used: InvalidArgument.
  static Rows lines(const void* data, DType dtype, std::size_t dim, std::size_t matrix_lines,
                    std::ptrdiff_t stride, const std::int64_t* lines, std::size_t count);

  static Rows pointers(const RowRef* rows, std::size_t dim, std::size_t count);

  std::size_t size() const noexcept { return count_; }
  std::size_t dim() const noexcept { return dim_; }

  RowRef at(std::size_t position) const;

  // True when position i is simply row i of a matrix that the kernels can read
  // where it is.
  bool is_plain_matrix() const noexcept {
    return refs_ == nullptr && lines_ == nullptr && dtype_ == DType::kFloat32 &&
           reinterpret_cast<std::uintptr_t>(base_) % alignof(float) == 0 &&
           stride_ % static_cast<std::ptrdiff_t>(alignof(float)) == 0;
  }

 private:
  Rows() = default;

  const std::byte* base_ = nullptr;
  const std::int64_t* lines_ = nullptr;
  const RowRef* refs_ = nullptr;
  DType dtype_ = DType::kFloat32;
  std::size_t dim_ = 0;
  std::size_t count_ = 0;
  std::size_t matrix_lines_ = 0;
  std::ptrdiff_t stride_ = 0;
};

// The vector as float64.
void load(const RowRef& row, std::size_t dim, double* out) noexcept;

// The vector as float32, rounded to nearest; beyond its range becomes infinite.
// `half` converts float16.
void load(const RowRef& row, std::size_t dim, float* out,
          void (*half)(const std::byte* from, std::size_t count, float* to)) noexcept;

// True when the kernels may read the vector where it is.
inline bool is_plain_float(const RowRef& row) noexcept {
  return row.dtype == DType::kFloat32 &&
         reinterpret_cast<std::uintptr_t>(row.data) % alignof(float) == 0;
}

}  // namespace docstore
