#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "byte_io.hpp"
#include "file.hpp"

namespace docstore::disk {

inline constexpr std::uint32_t kFormatVersion = 1;

// What the header of a record says about the one it heads.
enum RecordFlags : std::uint32_t {
  kCommit = 1,  // ends a transaction: it and the records before it count now
  kMark = 2,    // no content: only says how much of the log is on the device
};

struct RecordInfo {
  std::uint64_t offset;    // of the header in the file
  std::uint64_t length;    // of the body
  std::uint64_t sequence;  // of the commit that the record belongs to
  std::uint64_t synced;    // everything before this offset was on the device
  std::uint32_t body_crc;
  std::uint32_t flags;
  std::uint64_t body() const { return offset + 48; }
  std::uint64_t end() const { return (body() + length + 7) / 8 * 8; }
};

// What a log must know of the store when it begins.
struct LogStart {
  std::uint64_t generation;
  std::uint64_t sequence;  // of the last commit before it
  std::uint64_t next_row;
};

// The commit log of one generation: a file header and records one after the
// other, only ever appended to. It does not look into the bodies. One thread
// may append while others read what was appended before; truncate() must be
// alone.
class Log {
 public:
  static constexpr std::uint64_t kHeaderSize = 64;

  // Makes a new log file; it is not synced.
  static std::shared_ptr<Log> create(const std::string& path, const LogStart& start,
                                     FaultHook* hook);
  // Opens a log file and checks its header; throws CorruptStore, UnsupportedFormat.
  static std::shared_ptr<Log> open(const std::string& path, bool writable, FaultHook* hook);

  const LogStart& start() const { return start_; }
  std::uint64_t salt() const { return salt_; }
  const std::string& path() const { return file_.path(); }
  std::uint64_t end() const { return end_; }
  std::uint64_t file_size() const { return file_.size(); }

  // The record at an offset, its header checked and inside the file, or none.
  std::optional<RecordInfo> header_at(std::uint64_t offset, std::uint64_t file_size) const;
  // Its body, checked; none when its checksum is wrong.
  std::optional<std::vector<std::byte>> body_of(const RecordInfo& record) const;
  // The first whole record after `offset`, searched for; for telling a torn end
  // from damage in the middle.
  std::optional<RecordInfo> find_record(std::uint64_t offset, std::uint64_t file_size) const;
  // `synced` is what its last whole record says.
  std::uint64_t last_synced_after(std::uint64_t offset, std::uint64_t file_size) const;

  // From now on records go to `end`; the file is cut there.
  void cut(std::uint64_t end);
  void set_end(std::uint64_t end) { end_ = end; }
  // Appends one record whose body is in `frame` after kFrameHead free bytes.
  // Returns the offset of its header. On failure the file is as it was, or
  // broken() is true.
  static constexpr std::size_t kFrameHead = 48;
  std::uint64_t append(ByteWriter& frame, std::uint64_t sequence, std::uint32_t flags,
                       std::uint64_t synced);
  void sync() { file_.sync(); }
  bool broken() const { return broken_; }

  void read(void* into, std::size_t size, std::uint64_t offset) const {
    file_.read(into, size, offset);
  }

 private:
  Log(const std::string& path, File::Mode mode, FaultHook* hook) : file_(path, mode, hook) {}
  void read_header();

  File file_;
  LogStart start_ = {};
  std::uint64_t salt_ = 0;
  std::atomic<std::uint64_t> end_ = kHeaderSize;  // read by who tells the size
  bool broken_ = false;
};

}  // namespace docstore::disk
