#include "checkpoint.hpp"

#include <cstring>
#include <utility>
#include <vector>

#include "crc32c.hpp"
#include "errors.hpp"
#include "log.hpp"

namespace docstore::disk {
namespace {

constexpr char kMagic[8] = {'D', 'S', 'C', 'P', 'T', '\r', '\n', '\x1a'};
constexpr char kManifestMagic[8] = {'D', 'S', 'C', 'U', 'R', '\r', '\n', '\x1a'};

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t crc;  // of the header, with 0 in this place
  std::uint64_t generation, salt, log_end, sequence;
  std::uint64_t rows, ids_size, lines;
  std::int64_t next_row;
  std::uint64_t dim;  // 0: no vector field
  std::uint32_t epoch, type;
  std::uint32_t order_crc, rows_crc, lines_crc, ids_crc;
};
static_assert(sizeof(Header) == 112);

struct ManifestHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t crc;  // of the file, with 0 in this place
  std::uint64_t generation;
  std::uint64_t config_size;
};
static_assert(sizeof(ManifestHeader) == 32);

[[noreturn]] void damaged(const std::string& path, std::uint64_t offset) {
  throw CorruptStore(path + " is damaged", path, offset);
}

void check_version(const std::string& path, std::uint32_t version) {
  if (version == kFormatVersion) return;
  throw UnsupportedFormat(path + " has format version " + std::to_string(version) +
                          "; this docstore reads version " + std::to_string(kFormatVersion) +
                          ". Install a newer one");
}

struct Sections {
  std::vector<std::int64_t> order;
  std::vector<PackedRow> rows;
  std::vector<char> ids;
};

Sections collect(const State& state) {
  Sections parts;
  parts.order.resize(state.size());
  state.order().copy(0, parts.order);
  parts.rows.reserve(state.size());
  for (const std::int64_t number : parts.order) {
    const Row& row = *state.find(number);
    parts.rows.push_back({row.payload_offset, row.payload_length, row.id_length, row.line});
    parts.ids.insert(parts.ids.end(), row.id, row.id + row.id_length);
  }
  return parts;
}

template <class T>
std::uint32_t crc_of(const std::vector<T>& values) {
  return crc32c(values.data(), values.size() * sizeof(T));
}

Header read_header(const File& file) {
  Header header;
  const std::string& path = file.path();
  file.read(&header, sizeof header, 0);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) damaged(path, 0);
  const std::uint32_t crc = std::exchange(header.crc, 0);
  if (crc != crc32c(&header, sizeof header)) damaged(path, 0);
  check_version(path, header.version);
  // The lengths must add up to the file's before anything is allocated.
  std::uint64_t left = file.size() - sizeof header;
  const auto take = [&](std::uint64_t count, std::uint64_t item) {
    if (count > left / item) damaged(path, sizeof header);
    left -= count * item;
  };
  take(header.rows, sizeof(std::int64_t));
  take(header.rows, sizeof(PackedRow));
  take(header.lines, sizeof(std::uint32_t));
  take(header.ids_size, 1);
  if (left != 0) damaged(path, sizeof header);
  return header;
}

// Reads one section and moves on.
void read_section(const File& file, void* into, std::uint64_t size, std::uint32_t crc,
                  std::uint64_t& offset) {
  file.read(into, static_cast<std::size_t>(size), offset);
  if (crc32c(into, static_cast<std::size_t>(size)) != crc) damaged(file.path(), offset);
  offset += size;
}

void read_sections(const File& file, const Header& header, State& state) {
  const auto count = static_cast<std::size_t>(header.rows);
  const auto order = std::make_unique_for_overwrite<std::int64_t[]>(count);
  const auto rows = std::make_unique_for_overwrite<PackedRow[]>(count);
  auto ids = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(header.ids_size) + 1);
  std::uint64_t offset = sizeof header;
  read_section(file, order.get(), count * sizeof(std::int64_t), header.order_crc, offset);
  read_section(file, rows.get(), count * sizeof(PackedRow), header.rows_crc, offset);
  state.line_crcs.resize(static_cast<std::size_t>(header.lines));
  read_section(file, state.line_crcs.data(), header.lines * 4, header.lines_crc, offset);
  read_section(file, ids.get(), header.ids_size, header.ids_crc, offset);
  state.load({order.get(), count}, {rows.get(), count}, std::move(ids), header.ids_size,
             header.log_end);
}

}  // namespace

std::uint64_t save_checkpoint(const std::string& path, const State& state, const CheckpointKey& key,
                              FaultHook* hook) {
  const Sections parts = collect(state);
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.generation = key.generation;
  header.salt = key.salt;
  header.log_end = key.log_end;
  header.sequence = state.sequence;
  header.rows = parts.order.size();
  header.ids_size = parts.ids.size();
  header.lines = state.line_crcs.size();
  header.next_row = state.next_row;
  if (state.field) {
    header.dim = state.field->dim;
    header.epoch = state.field->epoch;
    header.type = static_cast<std::uint32_t>(state.field->type);
  }
  header.order_crc = crc_of(parts.order);
  header.rows_crc = crc_of(parts.rows);
  header.lines_crc = crc_of(state.line_crcs);
  header.ids_crc = crc_of(parts.ids);
  header.crc = crc32c(&header, sizeof header);

  ByteWriter out;
  out.reserve(sizeof header + parts.order.size() * 32 + state.line_crcs.size() * 4 +
              parts.ids.size());
  out.put_bytes(&header, sizeof header);
  out.put_bytes(parts.order.data(), parts.order.size() * sizeof(std::int64_t));
  out.put_bytes(parts.rows.data(), parts.rows.size() * sizeof(PackedRow));
  out.put_bytes(state.line_crcs.data(), state.line_crcs.size() * sizeof(std::uint32_t));
  out.put_bytes(parts.ids.data(), parts.ids.size());
  replace_file(path, out.data(), out.size(), hook);
  return out.size();
}

std::optional<Checkpoint> load_checkpoint(const std::string& path, std::uint64_t generation,
                                          std::uint64_t salt, FaultHook* hook) {
  if (!exists(path)) return std::nullopt;
  const File file(path, File::Mode::kRead, hook);
  const Header header = read_header(file);
  if (header.generation != generation || header.salt != salt) damaged(path, 16);
  State state(header.sequence, header.next_row);
  state.next_line = header.lines;
  try {
    if (header.dim != 0) {
      state.field = VectorSpec{header.epoch, static_cast<VectorType>(header.type), header.dim};
      state.field->check();
    }
    read_sections(file, header, state);
  } catch (const CorruptStore&) {
    throw;
  } catch (const CorruptData& error) {
    throw CorruptStore(path + ": " + error.what(), path, sizeof header);
  }
  return Checkpoint{std::move(state), header.log_end, file.size()};
}

void save_manifest(const std::string& path, const Manifest& manifest, FaultHook* hook) {
  ManifestHeader header = {};
  std::memcpy(header.magic, kManifestMagic, sizeof kManifestMagic);
  header.version = kFormatVersion;
  header.generation = manifest.generation;
  header.config_size = manifest.config.size();
  header.crc =
      crc32c(manifest.config.data(), manifest.config.size(), crc32c(&header, sizeof header));
  ByteWriter out;
  out.put_bytes(&header, sizeof header);
  out.put_bytes(manifest.config.data(), manifest.config.size());
  replace_file(path, out.data(), out.size(), hook);
}

Manifest load_manifest(const std::string& path, FaultHook* hook) {
  const File file(path, File::Mode::kRead, hook);
  ManifestHeader header;
  file.read(&header, sizeof header, 0);
  if (std::memcmp(header.magic, kManifestMagic, sizeof kManifestMagic) != 0) damaged(path, 0);
  check_version(path, header.version);
  const std::uint64_t size = file.size() - sizeof header;
  if (header.config_size != size || size > (std::uint64_t{1} << 24)) damaged(path, 24);
  Manifest manifest;
  manifest.generation = header.generation;
  manifest.config.resize(static_cast<std::size_t>(size));
  file.read(manifest.config.data(), manifest.config.size(), sizeof header);
  const std::uint32_t crc = std::exchange(header.crc, 0);
  const std::uint32_t whole =
      crc32c(manifest.config.data(), manifest.config.size(), crc32c(&header, sizeof header));
  if (crc != whole) damaged(path, 0);
  return manifest;
}

}  // namespace docstore::disk
