#include "vectors_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "crc32c.hpp"
#include "errors.hpp"
#include "log.hpp"

namespace docstore::disk {
namespace {

constexpr char kMagic[8] = {'D', 'S', 'V', 'E', 'C', '\r', '\n', '\x1a'};

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t crc;   // of the header, with 0 in this place
  std::uint64_t salt;  // of the log that the file belongs to
  std::uint64_t dim;
  std::uint32_t epoch;
  std::uint32_t type;
};

std::uint64_t type_bytes(VectorType type) {
  switch (type) {
    case VectorType::kInt8:
    case VectorType::kUint8:
      return 1;
    case VectorType::kFloat16:
    case VectorType::kInt16:
    case VectorType::kUint16:
      return 2;
    case VectorType::kFloat32:
    case VectorType::kInt32:
    case VectorType::kUint32:
      return 4;
    case VectorType::kFloat64:
    case VectorType::kInt64:
    case VectorType::kUint64:
      return 8;
  }
  return 0;
}

}  // namespace

std::uint64_t VectorSpec::line_bytes() const { return dim * type_bytes(type); }

void VectorSpec::check() const {
  if (type_bytes(type) == 0) throw CorruptData("a vector field of an unknown type");
  if (dim == 0 || dim > (std::uint64_t{1} << 32)) {
    throw CorruptData("a vector field with " + std::to_string(dim) + " dimensions");
  }
}

std::shared_ptr<VectorsFile> VectorsFile::create(const std::string& path, const VectorSpec& spec,
                                                 std::uint64_t salt, FaultHook* hook) {
  // What an earlier, unfinished attempt left is unlinked, not written over:
  // somebody may still have it mapped.
  remove_file(path, hook);
  std::shared_ptr<VectorsFile> file(new VectorsFile(path, File::Mode::kCreate, spec, hook));
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.salt = salt;
  header.dim = spec.dim;
  header.epoch = spec.epoch;
  header.type = static_cast<std::uint32_t>(spec.type);
  std::vector<std::byte> page(kHeaderSize);
  std::memcpy(page.data(), &header, sizeof header);
  header.crc = crc32c(page.data(), page.size());
  std::memcpy(page.data(), &header, sizeof header);
  file->file_.write(page.data(), page.size(), 0);
  return file;
}

std::shared_ptr<VectorsFile> VectorsFile::open(const std::string& path, const VectorSpec& spec,
                                               std::uint64_t salt, bool writable, FaultHook* hook) {
  const auto mode = writable ? File::Mode::kReadWrite : File::Mode::kRead;
  std::shared_ptr<VectorsFile> file(new VectorsFile(path, mode, spec, hook));
  std::vector<std::byte> page(kHeaderSize);
  file->file_.read(page.data(), page.size(), 0);
  Header header;
  std::memcpy(&header, page.data(), sizeof header);
  const std::uint32_t crc = std::exchange(header.crc, 0);
  std::memcpy(page.data(), &header, sizeof header);
  const bool fits = std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 &&
                    crc == crc32c(page.data(), page.size()) && header.version == kFormatVersion &&
                    header.salt == salt && header.dim == spec.dim && header.epoch == spec.epoch &&
                    header.type == static_cast<std::uint32_t>(spec.type);
  if (!fits) throw CorruptStore("the header of " + path + " is damaged", path, 0);
  return file;
}

void VectorsFile::write(std::uint64_t first_line, Bytes lines) {
  const std::uint64_t offset = offset_of(first_line);
  try {
    file_.write(lines.data(), lines.size(), offset);
  } catch (...) {
    // No line from here on belongs to a commit, so a longer file does no harm:
    // the next write goes over it.
    try {
      file_.truncate(offset);
    } catch (const Error&) {
    }
    throw;
  }
}

std::shared_ptr<const Mapping> VectorsFile::map(std::uint64_t lines) {
  const std::lock_guard guard(mapping_mutex_);
  const std::uint64_t wanted = offset_of(lines);
  if (mapping_ && mapping_->size() >= wanted) return mapping_;
  // Room for growth costs addresses only; those past the end are not touched,
  // since every line that a row names is inside the file.
  const std::uint64_t room = std::max<std::uint64_t>(wanted / 2, std::uint64_t{1} << 20);
  mapping_ = std::make_shared<const Mapping>(file_, wanted + room, hook_);
  return mapping_;
}

void VectorsFile::verify(std::span<const std::int64_t> lines, std::span<const std::uint32_t> crcs) {
  if (lines.empty()) return;
  const auto most = static_cast<std::uint64_t>(*std::max_element(lines.begin(), lines.end())) + 1;
  if (most == 0) return;
  if (!holds(most)) {
    throw CorruptStore(path() + " is shorter than its " + std::to_string(most) + " vectors", path(),
                       file_.size());
  }
  const auto mapping = map(most);
  const std::lock_guard guard(verified_mutex_);
  if (verified_.size() < most) verified_.resize(most, false);
  for (const std::int64_t signed_line : lines) {
    if (signed_line < 0) continue;
    const auto line = static_cast<std::uint64_t>(signed_line);
    if (verified_[line]) continue;
    const auto size = static_cast<std::size_t>(spec_.line_bytes());
    if (line >= crcs.size() || crc32c(mapping->data() + offset_of(line), size) != crcs[line]) {
      throw CorruptStore(
          "vector " + std::to_string(line) + " in " + path() + " does not match its checksum",
          path(), offset_of(line));
    }
    verified_[line] = true;
  }
}

bool VectorsFile::matches(std::uint64_t line, std::uint32_t crc) {
  if (!holds(line + 1)) return false;
  const auto mapping = map(line + 1);
  const auto size = static_cast<std::size_t>(spec_.line_bytes());
  return crc32c(mapping->data() + offset_of(line), size) == crc;
}

void VectorsFile::trust(std::uint64_t first_line, std::uint64_t count) {
  const std::lock_guard guard(verified_mutex_);
  if (verified_.size() < first_line + count) verified_.resize(first_line + count, false);
  std::fill_n(verified_.begin() + static_cast<std::ptrdiff_t>(first_line), count, true);
}

}  // namespace docstore::disk
