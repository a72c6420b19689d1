#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace docstore::disk {

// The system calls that a test may make fail.
enum class Call { kOpen, kRead, kWrite, kSync, kTruncate, kRename, kUnlink, kMakeDirectory, kMap };

// Stands before every system call of a FileSystem. Tests pass one to fail or
// shorten calls; it is called from whichever thread makes the call.
class FaultHook {
 public:
  virtual ~FaultHook() = default;
  // An errno value instead of the call, or 0 to let it happen. For reads and
  // writes `size` is how many bytes are asked for, and may be made smaller.
  virtual int before(Call call, const std::string& path, std::size_t& size) = 0;
};

// An open file, closed with the object. Reads and writes are whole or throw,
// and name their place; they may be called from any thread at once.
class File {
 public:
  enum class Mode { kRead, kReadWrite, kCreate, kOpenOrCreate };

  // kCreate makes a new file and fails where one exists.
  File(std::string path, Mode mode, FaultHook* hook);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  std::uint64_t size() const;
  // Throws CorruptStore when the file ends before `offset + size`.
  void read(void* into, std::size_t size, std::uint64_t offset) const;
  // As many bytes as there are, up to `size`.
  std::size_t read_some(void* into, std::size_t size, std::uint64_t offset) const;
  void write(const void* from, std::size_t size, std::uint64_t offset);
  void truncate(std::uint64_t size);
  // Returns when the content, and the length, are on the device.
  void sync();

 private:
  const std::string path_;
  FaultHook* const hook_;
  int descriptor_ = -1;
};

// A read-only mapping of the first bytes of a file, shared with its writers.
// It may reach past the end of the file, where it must not be read. Immutable.
class Mapping {
 public:
  Mapping(const File& file, std::uint64_t size, FaultHook* hook);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const std::byte* data() const { return data_; }
  std::uint64_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
};

// The writer's lock on a directory: at most one object in all processes. It
// holds as long as the object, and ends with the process whatever kills it.
// A forked child does not hold it.
class WriterLock {
 public:
  // Throws StoreLocked with the process that holds it.
  WriterLock(const std::string& directory, FaultHook* hook);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

  // Whether the machine may have been started anew since the last writer that
  // called mark_boot().
  bool rebooted() const { return rebooted_; }
  // To be called when what that writer left has been put right.
  void mark_boot();

 private:
  void enter(const std::string& path);
  void leave() noexcept;
  void read_boot();

  std::unique_ptr<File> file_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  bool rebooted_ = true;
};

bool exists(const std::string& path);
bool is_directory(const std::string& path);
// Names in a directory, without the two dot entries.
std::vector<std::string> list_directory(const std::string& path);
void make_directories(const std::string& path, FaultHook* hook);
void sync_directory(const std::string& path, FaultHook* hook);
void remove_file(const std::string& path, FaultHook* hook);
void rename_file(const std::string& from, const std::string& to, FaultHook* hook);
std::string parent_directory(const std::string& path);

// Writes a whole file so that after a crash the path holds either the old
// content or the new one, and returns when the new one is on the device.
void replace_file(const std::string& path, const void* data, std::size_t size, FaultHook* hook);

// A number that nobody can foretell.
std::uint64_t random_number();

}  // namespace docstore::disk
