#include "rows.hpp"

#include <string>

#include "errors.hpp"

namespace docstore {
namespace {

template <class From, class To>
void convert(const std::byte* from, std::size_t count, To* to) {
  for (std::size_t i = 0; i < count; ++i) {
    From value;  // copied out, since the data may be unaligned
    std::memcpy(&value, from + i * sizeof(From), sizeof value);
    to[i] = static_cast<To>(value);
  }
}

template <class To>
void convert_half(const std::byte* from, std::size_t count, To* to) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
    to[i] = static_cast<To>(half_to_float(bits));
  }
}

template <class To>
void convert_any(const RowRef& row, std::size_t count, To* to) {
  switch (row.dtype) {
    case DType::kFloat16:
      return convert_half(row.data, count, to);
    case DType::kFloat32:
      return convert<float>(row.data, count, to);
    case DType::kFloat64:
      return convert<double>(row.data, count, to);
    case DType::kInt8:
      return convert<std::int8_t>(row.data, count, to);
    case DType::kUInt8:
      return convert<std::uint8_t>(row.data, count, to);
    case DType::kInt16:
      return convert<std::int16_t>(row.data, count, to);
    case DType::kUInt16:
      return convert<std::uint16_t>(row.data, count, to);
    case DType::kInt32:
      return convert<std::int32_t>(row.data, count, to);
    case DType::kUInt32:
      return convert<std::uint32_t>(row.data, count, to);
    case DType::kInt64:
      return convert<std::int64_t>(row.data, count, to);
    case DType::kUInt64:
      return convert<std::uint64_t>(row.data, count, to);
  }
}

}  // namespace

Rows Rows::matrix(const void* data, DType dtype, std::size_t dim, std::size_t count,
                  std::ptrdiff_t stride) {
  Rows rows;
  rows.base_ = static_cast<const std::byte*>(data);
  rows.dtype_ = dtype;
  rows.dim_ = dim;
  rows.count_ = count;
  rows.matrix_lines_ = count;
  rows.stride_ = stride;
  return rows;
}

Rows Rows::lines(const void* data, DType dtype, std::size_t dim, std::size_t matrix_lines,
                 std::ptrdiff_t stride, const std::int64_t* lines, std::size_t count) {
  Rows rows = matrix(data, dtype, dim, matrix_lines, stride);
  rows.lines_ = lines;
  rows.count_ = count;
  return rows;
}

Rows Rows::pointers(const RowRef* refs, std::size_t dim, std::size_t count) {
  Rows rows;
  rows.refs_ = refs;
  rows.dim_ = dim;
  rows.count_ = count;
  return rows;
}

RowRef Rows::at(std::size_t position) const {
  if (refs_ != nullptr) return refs_[position];
  std::size_t line = position;
  if (lines_ != nullptr) {
    // Read once: another thread may write to the list of lines meanwhile.
    const std::int64_t wanted = *static_cast<const volatile std::int64_t*>(lines_ + position);
    if (wanted < 0 || static_cast<std::uint64_t>(wanted) >= matrix_lines_) {
      throw InvalidArgument("rows[" + std::to_string(position) + "] is line " +
                            std::to_string(wanted) + ", but vectors has lines 0 to " +
                            std::to_string(matrix_lines_) + " (exclusive)");
    }
    line = static_cast<std::size_t>(wanted);
  }
  return {base_ + static_cast<std::ptrdiff_t>(line) * stride_, dtype_};
}

void load(const RowRef& row, std::size_t dim, double* out) noexcept { convert_any(row, dim, out); }

void load(const RowRef& row, std::size_t dim, float* out,
          void (*half)(const std::byte*, std::size_t, float*)) noexcept {
  if (row.dtype == DType::kFloat16) return half(row.data, dim, out);
  convert_any(row, dim, out);
}

}  // namespace docstore
