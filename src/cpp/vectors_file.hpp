#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "byte_io.hpp"
#include "file.hpp"

namespace docstore::disk {

// The types that a vector field may have; the numbers are written to files.
enum class VectorType : std::uint8_t {
  kFloat32 = 1,
  kFloat64 = 2,
  kFloat16 = 3,
  kInt8 = 4,
  kUint8 = 5,
  kInt16 = 6,
  kUint16 = 7,
  kInt32 = 8,
  kUint32 = 9,
  kInt64 = 10,
  kUint64 = 11,
};

// What the lines of a vector file are. A field whose vectors were all removed
// may get another type or length: then `epoch` goes up, and with it the file.
struct VectorSpec {
  std::uint32_t epoch = 0;
  VectorType type = VectorType::kFloat32;
  std::uint64_t dim = 0;

  std::uint64_t line_bytes() const;
  bool same_shape(const VectorSpec& other) const { return type == other.type && dim == other.dim; }
  bool operator==(const VectorSpec&) const = default;
  // Throws CorruptData when it cannot be.
  void check() const;
};

// The vectors of one field: raw lines after a header page, in a file that only
// grows and is memory-mapped. The checksums of the lines are kept elsewhere.
// One thread may write lines that nobody reads yet while others read.
class VectorsFile {
 public:
  static constexpr std::uint64_t kHeaderSize = 4096;

  static std::shared_ptr<VectorsFile> create(const std::string& path, const VectorSpec& spec,
                                             std::uint64_t salt, FaultHook* hook);
  static std::shared_ptr<VectorsFile> open(const std::string& path, const VectorSpec& spec,
                                           std::uint64_t salt, bool writable, FaultHook* hook);

  const VectorSpec& spec() const { return spec_; }
  const std::string& path() const { return file_.path(); }
  std::uint64_t offset_of(std::uint64_t line) const {
    return kHeaderSize + line * spec_.line_bytes();
  }
  // Whether the file is long enough to hold so many lines.
  bool holds(std::uint64_t lines) const { return file_.size() >= offset_of(lines); }
  // On failure the file has its old length again, if that can be had.
  void write(std::uint64_t first_line, Bytes lines);
  void cut(std::uint64_t lines) { file_.truncate(offset_of(lines)); }
  void sync() { file_.sync(); }
  // A mapping of at least `lines` lines, which stays valid as long as it is
  // held. Throws CorruptStore when the file is shorter.
  std::shared_ptr<const Mapping> map(std::uint64_t lines);

  // Checks lines against their checksums, each only once. Throws CorruptStore.
  void verify(std::span<const std::int64_t> lines, std::span<const std::uint32_t> crcs);
  // Whether one line is there and has this checksum.
  bool matches(std::uint64_t line, std::uint32_t crc);
  // Lines that this process wrote need no check.
  void trust(std::uint64_t first_line, std::uint64_t count);

 private:
  VectorsFile(const std::string& path, File::Mode mode, const VectorSpec& spec, FaultHook* hook)
      : hook_(hook), file_(path, mode, hook), spec_(spec) {}

  FaultHook* const hook_;
  File file_;
  const VectorSpec spec_;
  std::mutex mapping_mutex_;
  std::shared_ptr<const Mapping> mapping_;
  std::mutex verified_mutex_;
  std::vector<bool> verified_;
};

}  // namespace docstore::disk
