#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.hpp"

#if defined(_MSC_VER) && !defined(__clang__)
#define DOCSTORE_INLINE __forceinline
#else
#define DOCSTORE_INLINE inline __attribute__((always_inline))
#endif

namespace docstore {

// A place where the float32 pass did not rule a row out for a query.
struct Hit {
  std::uint16_t row;   // in the tile or block
  std::uint16_t lane;  // in the panel
  float upper;
};

constexpr std::size_t kTileRows = 8;
constexpr std::size_t kPanelLanes = 48;    // the widest panel; 32 and 16 exist too
constexpr std::size_t kFewQueries = 4;     // queries that `few` takes at most
constexpr std::size_t kQueryPadding = 16;  // `few` reads queries up to this multiple

// What one tile needs. The value of row r and lane l is
//   upper = dot(r, l) * scale[r] + offset[r]
// and is a hit unless upper < threshold[l]; a NaN is a hit.
struct Tile {
  const float* const* rows;  // kTileRows vectors of dim components
  const float* panel;        // dim x lanes, row after row
  std::size_t lanes;         // 16, 32 or 48
  std::size_t dim;
  const float* scale;
  const float* offset;
  const float* threshold;
};

// What one tile of the int8 pass needs. The bound of row r and lane l is
//   upper = dot(r, l) * scale[r] * lane_scale[l]
//         + error[r] * lane_length[l] + length[r] * lane_error[l] + offset[r]
// and is a hit unless upper < threshold[l]; a NaN is a hit. A group is four
// components, padded with zeros.
struct Int8Tile {
  const std::uint8_t* rows;   // kTileRows rows, `stride` bytes apart, 128 added to each component
  std::size_t stride;         // a multiple of 4
  const std::int8_t* panel;   // groups x lanes x 4 components
  const std::int32_t* start;  // minus 128 times the sum of a lane's components
  std::size_t lanes;          // 16, 32 or 48
  std::size_t groups;
  const float *scale, *error, *length, *offset;
  const float *lane_scale, *lane_length, *lane_error, *threshold;
};

// A row in int8: x is about scale * code, and |x - scale * code| <= error,
// which is infinite for a row that cannot be written so.
struct Int8Row {
  float scale;
  float error;
};

// The loops of the int8 pass; only instruction sets that multiply int8 faster
// than float32 have them. Pure, any thread.
struct Int8Kernels {
  // Writes the hits of a tile and returns how many; their `upper` is not set.
  std::size_t (*tile)(const Int8Tile& tile, Hit* hits);

  // Writes `stride` bytes: the components as int8, 128 added, then padding.
  Int8Row (*quantize)(const float* row, std::size_t dim, std::size_t stride, std::uint8_t* to);
};

// The inner loops of a search for one instruction set. All functions are pure
// and may be called from any thread. Rows need the alignment of a float only
// and are never read beyond their last component.
struct Kernels {
  InstructionSet set;

  // Writes the hits of a tile, at most kTileRows * lanes, and returns how many.
  std::size_t (*tile)(const Tile& tile, Hit* hits);

  // dots[q * count + r] for `queries` <= kFewQueries vectors that lie `padded`
  // floats apart, padded with zeros; with `norms`, also the squared lengths.
  void (*few)(const float* const* rows, std::size_t count, const float* packed, std::size_t padded,
              std::size_t queries, std::size_t dim, float* dots, float* norms);

  // The squared lengths of the rows.
  void (*norms)(const float* const* rows, std::size_t count, std::size_t dim, float* out);

  // out[i] = 1 / sqrt(in[i]).
  void (*inverse_roots)(const float* in, std::size_t count, float* out);

  // The hits among dots[i] * scale[i] + offset[i] for one query: row is i,
  // lane is `lane`. At most `count` <= 65536.
  std::size_t (*select)(const float* dots, const float* scale, const float* offset,
                        std::size_t count, float threshold, std::uint16_t lane, Hit* hits);

  // float16 to float32; `from` may be unaligned.
  void (*half)(const std::byte* from, std::size_t count, float* to);

  const Int8Kernels* int8;  // nullptr: none
};

// The kernels of an instruction set, nullptr when this build or this processor
// has none.
const Kernels* kernels_for(InstructionSet set) noexcept;

// The best ones, unless the environment variable DOCSTORE_KERNEL named others
// when they were first asked for. Throws InvalidArgument when it names some
// that do not exist here.
const Kernels& kernels();

// One for each file kernels_*.cpp; nullptr when it is for another processor.
const Kernels* portable_kernels() noexcept;
const Kernels* neon_kernels() noexcept;
const Kernels* avx2_kernels() noexcept;
const Kernels* avx512_kernels() noexcept;
const Kernels* avx512vnni_kernels() noexcept;

}  // namespace docstore
