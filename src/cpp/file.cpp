#include "file.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <random>
#include <utility>

#include "errors.hpp"

namespace docstore::disk {
namespace {

[[noreturn]] void fail(const char* what, const std::string& path, int code) {
  const std::string text = std::string(what) + " " + path + ": " + std::strerror(code);
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) throw StorageFull(text);
  throw IoError(text, code);
}

// Runs one system call, with the hook before it, until no signal interrupts it.
template <class Run>
auto attempt(FaultHook* hook, Call call, const std::string& path, const char* what, Run&& run)
    -> decltype(run()) {
  for (;;) {
    std::size_t size = 0;
    const int injected = hook != nullptr ? hook->before(call, path, size) : 0;
    if (injected == EINTR) continue;
    if (injected != 0) fail(what, path, injected);
    const auto result = run();
    if (result >= 0) return result;
    if (errno != EINTR) fail(what, path, errno);
  }
}

// Large requests are cut: some systems refuse more than 2 GiB in one call.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

}  // namespace

File::File(std::string path, Mode mode, FaultHook* hook) : path_(std::move(path)), hook_(hook) {
  int flags = O_CLOEXEC;
  if (mode == Mode::kRead) flags |= O_RDONLY;
  if (mode == Mode::kReadWrite) flags |= O_RDWR;
  if (mode == Mode::kCreate) flags |= O_RDWR | O_CREAT | O_EXCL;
  if (mode == Mode::kOpenOrCreate) flags |= O_RDWR | O_CREAT;
  descriptor_ = attempt(hook_, Call::kOpen, path_, "cannot open",
                        [&] { return ::open(path_.c_str(), flags, 0666); });
}

File::~File() { ::close(descriptor_); }

std::uint64_t File::size() const {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) fail("cannot stat", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

std::size_t File::read_some(void* into, std::size_t size, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < size) {
    std::size_t part = std::min(size - done, kMostBytes);
    const int injected = hook_ != nullptr ? hook_->before(Call::kRead, path_, part) : 0;
    if (injected == EINTR) continue;
    if (injected != 0) fail("cannot read", path_, injected);
    const ssize_t got = ::pread(descriptor_, static_cast<char*>(into) + done, part,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void File::read(void* into, std::size_t size, std::uint64_t offset) const {
  const std::size_t got = read_some(into, size, offset);
  if (got == size) return;
  throw CorruptStore(path_ + " ends at byte " + std::to_string(offset + got) + ", where " +
                         std::to_string(size - got) + " more bytes were expected",
                     path_, offset + got);
}

void File::write(const void* from, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    std::size_t part = std::min(size - done, kMostBytes);
    const int injected = hook_ != nullptr ? hook_->before(Call::kWrite, path_, part) : 0;
    if (injected == EINTR) continue;
    if (injected != 0) fail("cannot write", path_, injected);
    const ssize_t put = ::pwrite(descriptor_, static_cast<const char*>(from) + done, part,
                                 static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("cannot write", path_, errno);
    if (put == 0) fail("cannot write", path_, EIO);
    done += static_cast<std::size_t>(put);
  }
}

void File::truncate(std::uint64_t size) {
  attempt(hook_, Call::kTruncate, path_, "cannot truncate",
          [&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); });
}

void File::sync() {
#if defined(__linux__)
  attempt(hook_, Call::kSync, path_, "cannot sync", [&] { return ::fdatasync(descriptor_); });
#else
  attempt(hook_, Call::kSync, path_, "cannot sync", [&] { return ::fsync(descriptor_); });
#endif
}

Mapping::Mapping(const File& file, std::uint64_t size, FaultHook* hook) : size_(size) {
  std::size_t unused = 0;
  const int injected = hook != nullptr ? hook->before(Call::kMap, file.path(), unused) : 0;
  if (injected != 0) fail("cannot map", file.path(), injected);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (at == MAP_FAILED) fail("cannot map", file.path(), errno);
  data_ = static_cast<const std::byte*>(at);
}

Mapping::~Mapping() { ::munmap(const_cast<std::byte*>(data_), size_); }

bool exists(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0;
}

bool is_directory(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> list_directory(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) fail("cannot list", path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

std::string parent_directory(const std::string& path) {
  const std::size_t last = path.find_last_not_of('/');
  const std::size_t slash = last == std::string::npos ? last : path.rfind('/', last);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void make_directories(const std::string& path, FaultHook* hook) {
  if (is_directory(path)) return;
  const std::string parent = parent_directory(path);
  if (parent != path) make_directories(parent, hook);
  attempt(hook, Call::kMakeDirectory, path, "cannot make directory", [&] {
    const int result = ::mkdir(path.c_str(), 0777);
    return result != 0 && errno == EEXIST ? 0 : result;
  });
  sync_directory(parent, hook);
}

void sync_directory(const std::string& path, FaultHook* hook) {
  const File directory(path, File::Mode::kRead, hook);
  attempt(hook, Call::kSync, path, "cannot sync", [&] {
    const int result = ::fsync(directory.descriptor());
    // Some file systems cannot sync a directory, and keep its order anyway.
    return result != 0 && errno == EINVAL ? 0 : result;
  });
}

void remove_file(const std::string& path, FaultHook* hook) {
  attempt(hook, Call::kUnlink, path, "cannot remove", [&] {
    const int result = ::unlink(path.c_str());
    return result != 0 && errno == ENOENT ? 0 : result;
  });
}

void rename_file(const std::string& from, const std::string& to, FaultHook* hook) {
  attempt(hook, Call::kRename, to, "cannot replace",
          [&] { return ::rename(from.c_str(), to.c_str()); });
}

void replace_file(const std::string& path, const void* data, std::size_t size, FaultHook* hook) {
  const std::string temporary = path + ".tmp";
  remove_file(temporary, hook);
  try {
    File file(temporary, File::Mode::kCreate, hook);
    file.write(data, size, 0);
    file.sync();
    rename_file(temporary, path, hook);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(parent_directory(path), hook);
}

std::uint64_t random_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32) | source();
}

}  // namespace docstore::disk
