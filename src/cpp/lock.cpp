#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "errors.hpp"
#include "file.hpp"

namespace docstore::disk {
namespace {

// POSIX locks belong to a process and vanish when it closes any descriptor of
// the file. So this process must know by itself what it has locked, and must
// not open a lock file that it holds. A forked child inherits the list but not
// the locks: the process id tells.
struct Held {
  std::uint64_t device, inode;
  pid_t process;
};

std::mutex& held_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::vector<Held>& held() {
  static std::vector<Held> list;
  return list;
}

[[noreturn]] void locked(const std::string& path, pid_t holder) {
  const std::string directory = parent_directory(path);
  std::string who = "another process";
  if (holder == ::getpid())
    who = "this process";
  else if (holder > 0)
    who = "process " + std::to_string(holder);
  throw StoreLocked("the store at " + directory + " is open for writing in " + who +
                        "; close it there, or open it here with read_only=True",
                    std::max<std::int64_t>(holder, 0));
}

std::string boot_id() {
  std::string text(64, '\0');
  const int descriptor = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  const ssize_t got = descriptor < 0 ? 0 : ::read(descriptor, text.data(), text.size());
  if (descriptor >= 0) ::close(descriptor);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

WriterLock::WriterLock(const std::string& directory, FaultHook* hook) {
  const std::string path = directory + "/LOCK";
  const std::lock_guard guard(held_mutex());
  enter(path);
  file_ = std::make_unique<File>(path, File::Mode::kOpenOrCreate, hook);
  struct flock request = {};
  request.l_type = F_WRLCK;
  request.l_whence = SEEK_SET;
  if (::fcntl(file_->descriptor(), F_SETLK, &request) != 0) {
    const int code = errno;
    if (code != EACCES && code != EAGAIN) {
      throw IoError("cannot lock " + path + ": " + std::strerror(code), code);
    }
    if (::fcntl(file_->descriptor(), F_GETLK, &request) != 0) request.l_pid = 0;
    locked(path, request.l_type == F_UNLCK ? 0 : request.l_pid);
  }
  struct stat status;
  if (::fstat(file_->descriptor(), &status) != 0) {
    throw IoError("cannot stat " + path + ": " + std::strerror(errno), errno);
  }
  read_boot();
  device_ = static_cast<std::uint64_t>(status.st_dev);
  inode_ = static_cast<std::uint64_t>(status.st_ino);
  held().push_back({device_, inode_, ::getpid()});
}

WriterLock::~WriterLock() {
  const std::lock_guard guard(held_mutex());
  leave();
}

// Refuses before the file is opened, since closing it again would unlock it.
void WriterLock::enter(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return;
  for (const Held& one : held()) {
    if (one.device == static_cast<std::uint64_t>(status.st_dev) &&
        one.inode == static_cast<std::uint64_t>(status.st_ino) && one.process == ::getpid()) {
      locked(path, one.process);
    }
  }
}

void WriterLock::leave() noexcept {
  std::erase_if(held(), [&](const Held& one) {
    return one.device == device_ && one.inode == inode_ && one.process == ::getpid();
  });
  file_.reset();
}

void WriterLock::read_boot() {
  const std::string boot = boot_id();
  std::string before(512, '\0');
  before.resize(file_->read_some(before.data(), before.size(), 0));
  rebooted_ = boot.empty() || before.find(boot) == std::string::npos;
}

// The file names the process for people, and the run of the machine for us:
// when it is still the same one, no power was lost since the last write.
void WriterLock::mark_boot() {
  const std::string text = std::to_string(::getpid()) + "\n" + boot_id() + "\n";
  file_->truncate(0);
  file_->write(text.data(), text.size(), 0);
}

}  // namespace docstore::disk
