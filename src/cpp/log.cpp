#include "log.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "crc32c.hpp"
#include "errors.hpp"

namespace docstore::disk {
namespace {

constexpr char kMagic[8] = {'D', 'S', 'L', 'O', 'G', '\r', '\n', '\x1a'};
constexpr std::uint32_t kRecordMagic = 0x52445344;  // "DSDR"

struct FileHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t crc;  // of the header, with 0 in this place
  std::uint64_t generation;
  std::uint64_t salt;
  std::uint64_t sequence;
  std::uint64_t next_row;
  std::uint64_t reserved[2];
};
static_assert(sizeof(FileHeader) == Log::kHeaderSize);

struct RecordHeader {
  std::uint32_t magic;
  std::uint32_t crc;  // of what follows in the header, seeded with the salt
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t sequence;
  std::uint64_t synced;
  std::uint32_t body_crc;
  std::uint32_t flags;
};
static_assert(sizeof(RecordHeader) == Log::kFrameHead);

std::uint32_t header_crc(const RecordHeader& header, std::uint64_t salt) {
  // The salt differs from log to log: bytes of another log, stored as a
  // document, are never taken for a record.
  const std::uint32_t seed = crc32c(&salt, sizeof salt);
  return crc32c(&header.offset, sizeof header - offsetof(RecordHeader, offset), seed);
}

}  // namespace

std::shared_ptr<Log> Log::create(const std::string& path, const LogStart& start, FaultHook* hook) {
  std::shared_ptr<Log> log(new Log(path, File::Mode::kCreate, hook));
  FileHeader header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.generation = start.generation;
  header.salt = random_number();
  header.sequence = start.sequence;
  header.next_row = start.next_row;
  header.crc = crc32c(&header, sizeof header);
  log->file_.write(&header, sizeof header, 0);
  log->start_ = start;
  log->salt_ = header.salt;
  return log;
}

std::shared_ptr<Log> Log::open(const std::string& path, bool writable, FaultHook* hook) {
  const auto mode = writable ? File::Mode::kReadWrite : File::Mode::kRead;
  std::shared_ptr<Log> log(new Log(path, mode, hook));
  log->read_header();
  return log;
}

void Log::read_header() {
  FileHeader header;
  file_.read(&header, sizeof header, 0);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    throw CorruptStore(path() + " does not begin as a docstore log", path(), 0);
  }
  if (header.version != kFormatVersion) {
    throw UnsupportedFormat(path() + " has format version " + std::to_string(header.version) +
                            "; this docstore reads version " + std::to_string(kFormatVersion) +
                            ". Install a newer one");
  }
  const std::uint32_t crc = std::exchange(header.crc, 0);
  if (crc != crc32c(&header, sizeof header)) {
    throw CorruptStore("the header of " + path() + " is damaged", path(), 0);
  }
  start_ = {header.generation, header.sequence, header.next_row};
  salt_ = header.salt;
}

std::optional<RecordInfo> Log::header_at(std::uint64_t offset, std::uint64_t file_size) const {
  RecordHeader header;
  if (offset > file_size || file_size - offset < sizeof header) return std::nullopt;
  if (file_.read_some(&header, sizeof header, offset) != sizeof header) return std::nullopt;
  if (header.magic != kRecordMagic || header.offset != offset) return std::nullopt;
  if (header.crc != header_crc(header, salt_)) return std::nullopt;
  if (header.length > file_size - offset - sizeof header) return std::nullopt;
  const RecordInfo record{offset,        header.length,   header.sequence,
                          header.synced, header.body_crc, header.flags};
  // The padding belongs to the record: what follows must begin aligned.
  if (record.end() > file_size) return std::nullopt;
  return record;
}

std::optional<std::vector<std::byte>> Log::body_of(const RecordInfo& record) const {
  std::vector<std::byte> body(static_cast<std::size_t>(record.length));
  if (file_.read_some(body.data(), body.size(), record.body()) != body.size()) return std::nullopt;
  if (crc32c(body.data(), body.size()) != record.body_crc) return std::nullopt;
  return body;
}

std::optional<RecordInfo> Log::find_record(std::uint64_t offset, std::uint64_t file_size) const {
  std::vector<std::byte> window(std::size_t{1} << 20);
  std::uint64_t at = (offset + 7) / 8 * 8;
  while (at < file_size) {
    const std::size_t got = file_.read_some(window.data(), window.size(), at);
    if (got < sizeof(std::uint64_t)) break;
    for (std::size_t i = 0; i + sizeof kRecordMagic <= got; i += 8) {
      if (std::memcmp(&window[i], &kRecordMagic, sizeof kRecordMagic) != 0) continue;
      const auto record = header_at(at + i, file_size);
      if (record && body_of(*record)) return record;
    }
    at += got / 8 * 8;
  }
  return std::nullopt;
}

std::uint64_t Log::last_synced_after(std::uint64_t offset, std::uint64_t file_size) const {
  std::uint64_t synced = 0;
  auto record = find_record(offset, file_size);
  while (record) {
    synced = std::max(synced, record->synced);
    auto next = header_at(record->end(), file_size);
    if (next && !body_of(*next)) next.reset();
    record = next ? next : find_record(record->end(), file_size);
  }
  return synced;
}

void Log::cut(std::uint64_t end) {
  try {
    file_.truncate(end);
  } catch (...) {
    broken_ = true;
    throw;
  }
  end_ = end;
}

std::uint64_t Log::append(ByteWriter& frame, std::uint64_t sequence, std::uint32_t flags,
                          std::uint64_t synced) {
  RecordHeader header = {};
  header.magic = kRecordMagic;
  header.offset = end_;
  header.length = frame.size() - kFrameHead;
  header.sequence = sequence;
  header.synced = synced;
  header.body_crc = crc32c(frame.data() + kFrameHead, frame.size() - kFrameHead);
  header.flags = flags;
  header.crc = header_crc(header, salt_);
  while (frame.size() % 8 != 0) frame.put(std::uint8_t{0});
  std::memcpy(frame.data(), &header, sizeof header);
  try {
    file_.write(frame.data(), frame.size(), end_);
  } catch (...) {
    try {
      file_.truncate(end_);
    } catch (...) {
      broken_ = true;
    }
    throw;
  }
  const std::uint64_t offset = end_;
  end_ += frame.size();
  return offset;
}

}  // namespace docstore::disk
