// The kernels, written once for every instruction set. A file kernels_*.cpp
// defines a vector type V and includes this inside an unnamed namespace, with
// the compiler switched to its instruction set. So nothing here may have a
// name that another file could share, and no standard header may be included
// here: an inline function of the library compiled with wide instructions
// could be the copy that the linker keeps for everyone.
//
// V has: Vec, kWidth, kRows (rows of a register tile), kVecs48/32/16 (vectors
// of a register tile for a panel that wide), zero, set1, load, load_part,
// store, fma(a, b, c) = a*b+c, add, sum, not_less (a bit per lane, NaN gives
// 1), inverse_root.

inline unsigned lowest_bit(unsigned mask) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long bit;
  _BitScanForward(&bit, mask);
  return bit;
#else
  return static_cast<unsigned>(__builtin_ctz(mask));
#endif
}

template <class V, int R, int N>
std::size_t register_tile(const Tile& t, std::size_t row0, std::size_t lane0, Hit* hits) {
  using Vec = typename V::Vec;
  Vec acc[R][N];
  const float* x[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    x[r] = t.rows[row0 + static_cast<std::size_t>(r)];
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) acc[r][v] = V::zero();
  }
  const float* p = t.panel + lane0;
  for (std::size_t j = 0; j < t.dim; ++j, p += t.lanes) {
    Vec y[N];
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) y[v] = V::load(p + static_cast<std::size_t>(v) * V::kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec s = V::set1(x[r][j]);
#pragma GCC unroll 8
      for (int v = 0; v < N; ++v) acc[r][v] = V::fma(s, y[v], acc[r][v]);
    }
  }
  Hit* out = hits;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const std::size_t row = row0 + static_cast<std::size_t>(r);
    const Vec scale = V::set1(t.scale[row]), offset = V::set1(t.offset[row]);
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) {
      const std::size_t lane = lane0 + static_cast<std::size_t>(v) * V::kWidth;
      const Vec upper = V::fma(acc[r][v], scale, offset);
      unsigned mask = V::not_less(upper, V::load(t.threshold + lane));
      if (mask == 0) continue;
      alignas(64) float values[V::kWidth];
      V::store(values, upper);
      for (; mask != 0; mask &= mask - 1) {
        const unsigned bit = lowest_bit(mask);
        *out++ = {static_cast<std::uint16_t>(row), static_cast<std::uint16_t>(lane + bit),
                  values[bit]};
      }
    }
  }
  return static_cast<std::size_t>(out - hits);
}

template <class V, int N>
std::size_t tile_with(const Tile& t, Hit* hits) {
  std::size_t found = 0;
  for (std::size_t lane = 0; lane < t.lanes; lane += N * V::kWidth) {
    for (std::size_t row = 0; row < kTileRows; row += V::kRows) {
      found += register_tile<V, V::kRows, N>(t, row, lane, hits + found);
    }
  }
  return found;
}

template <class V>
std::size_t tile(const Tile& t, Hit* hits) {
  switch (t.lanes) {
    case 48:
      return tile_with<V, V::kVecs48>(t, hits);
    case 32:
      return tile_with<V, V::kVecs32>(t, hits);
    default:
      return tile_with<V, V::kVecs16>(t, hits);
  }
}

// Adds the products of the components from j on; `width` of them when kPart.
// (No lambdas here: GCC compiles those of a template without the instruction
// set that the pragma of the including file names.)
template <class V, int Q, bool kNorms, bool kPart>
DOCSTORE_INLINE void few_step(const float* row, const float* packed, std::size_t padded,
                              std::size_t j, std::size_t width, typename V::Vec (&acc)[Q + 1]) {
  typename V::Vec x;
  if constexpr (kPart) {
    x = V::load_part(row + j, width);
  } else {
    x = V::load(row + j);
  }
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) {
    acc[q] = V::fma(x, V::load(packed + static_cast<std::size_t>(q) * padded + j), acc[q]);
  }
  if constexpr (kNorms) acc[Q] = V::fma(x, x, acc[Q]);
}

// One row with Q queries; Q = 0 gives the squared length only. The row is read
// from front to back, and rows one after the other: the order in which the
// processor fetches memory ahead. J sums run side by side.
template <class V, int J, int Q, bool kNorms>
DOCSTORE_INLINE void few_row(const float* row, const float* packed, std::size_t padded,
                             std::size_t dim, std::size_t count, float* dots, float* norm) {
  static_assert(J * V::kWidth >= 8, "Bounds counts on eight sums side by side");
  typename V::Vec acc[J][Q + 1];
#pragma GCC unroll 8
  for (int i = 0; i < J; ++i) {
#pragma GCC unroll 8
    for (int q = 0; q <= Q; ++q) acc[i][q] = V::zero();
  }
  std::size_t j = 0;
  for (; j + J * V::kWidth <= dim; j += J * V::kWidth) {
#pragma GCC unroll 8
    for (int i = 0; i < J; ++i) {
      few_step<V, Q, kNorms, false>(row, packed, padded,
                                    j + static_cast<std::size_t>(i) * V::kWidth, V::kWidth, acc[i]);
    }
  }
  for (; j + V::kWidth <= dim; j += V::kWidth) {
    few_step<V, Q, kNorms, false>(row, packed, padded, j, V::kWidth, acc[0]);
  }
  if (j < dim) few_step<V, Q, kNorms, true>(row, packed, padded, j, dim - j, acc[0]);
#pragma GCC unroll 8
  for (int i = 1; i < J; ++i) {
#pragma GCC unroll 8
    for (int q = 0; q <= Q; ++q) acc[0][q] = V::add(acc[0][q], acc[i][q]);
  }
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) dots[static_cast<std::size_t>(q) * count] = V::sum(acc[0][q]);
  if constexpr (kNorms) *norm = V::sum(acc[0][Q]);
}

template <class V, int J, int Q, bool kNorms>
void few_with(const float* const* rows, std::size_t count, const float* packed, std::size_t padded,
              std::size_t dim, float* dots, float* norms) {
  for (std::size_t i = 0; i < count; ++i) {
    few_row<V, J, Q, kNorms>(rows[i], packed, padded, dim, count, dots + i, norms + i);
  }
}

template <class V, bool kNorms>
void few_either(const float* const* rows, std::size_t count, const float* packed,
                std::size_t padded, std::size_t queries, std::size_t dim, float* dots,
                float* norms) {
  switch (queries) {
    case 1:
      return few_with<V, 4, 1, kNorms>(rows, count, packed, padded, dim, dots, norms);
    case 2:
      return few_with<V, 2, 2, kNorms>(rows, count, packed, padded, dim, dots, norms);
    case 3:
      return few_with<V, 2, 3, kNorms>(rows, count, packed, padded, dim, dots, norms);
    default:
      return few_with<V, 2, 4, kNorms>(rows, count, packed, padded, dim, dots, norms);
  }
}

template <class V>
void few(const float* const* rows, std::size_t count, const float* packed, std::size_t padded,
         std::size_t queries, std::size_t dim, float* dots, float* norms) {
  if (norms != nullptr) {
    few_either<V, true>(rows, count, packed, padded, queries, dim, dots, norms);
  } else {
    float unused = 0;
    few_either<V, false>(rows, count, packed, padded, queries, dim, dots, &unused);
  }
}

template <class V>
void norms(const float* const* rows, std::size_t count, std::size_t dim, float* out) {
  float unused = 0;
  few_with<V, 4, 0, true>(rows, count, &unused, 0, dim, &unused, out);
}

template <class V>
void inverse_roots(const float* in, std::size_t count, float* out) {
  std::size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth)
    V::store(out + i, V::inverse_root(V::load(in + i)));
  if (i == count) return;
  alignas(64) float rest[V::kWidth];
  V::store(rest, V::inverse_root(V::load_part(in + i, count - i)));
  for (std::size_t j = 0; i + j < count; ++j) out[i + j] = rest[j];
}

template <class V>
std::size_t select(const float* dots, const float* scale, const float* offset, std::size_t count,
                   float threshold, std::uint16_t lane, Hit* hits) {
  using Vec = typename V::Vec;
  const Vec limit = V::set1(threshold);
  Hit* out = hits;
  for (std::size_t i = 0; i < count; i += V::kWidth) {
    const std::size_t width = count - i < V::kWidth ? count - i : V::kWidth;
    const bool whole = width == V::kWidth;
    Vec upper;
    if (whole) {
      upper = V::fma(V::load(dots + i), V::load(scale + i), V::load(offset + i));
    } else {
      upper = V::fma(V::load_part(dots + i, width), V::load_part(scale + i, width),
                     V::load_part(offset + i, width));
    }
    unsigned mask = V::not_less(upper, limit);
    if (!whole) mask &= (1u << width) - 1;
    if (mask == 0) continue;
    alignas(64) float values[V::kWidth];
    V::store(values, upper);
    for (; mask != 0; mask &= mask - 1) {
      const unsigned bit = lowest_bit(mask);
      *out++ = {static_cast<std::uint16_t>(i + bit), lane, values[bit]};
    }
  }
  return static_cast<std::size_t>(out - hits);
}
