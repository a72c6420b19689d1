#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"
#include "disk_fixture.hpp"
#include "file.hpp"

using namespace docstore;
using namespace docstore::disk;
using docstore::disk::testing::Faults;
using docstore::disk::testing::slurp;
using docstore::disk::testing::TempDir;

TEST(short_and_interrupted_writes_are_completed) {
  TempDir dir;
  Faults faults;
  faults.short_writes = faults.interrupt = true;
  const std::string text(100000, 'x');
  File file(dir.path + "/f", File::Mode::kCreate, &faults);
  file.write(text.data(), text.size(), 5);
  CHECK_EQ(file.size(), text.size() + 5);
  std::string back(text.size(), ' ');
  file.read(back.data(), back.size(), 5);
  CHECK(back == text);
}

TEST(reading_past_the_end_says_where_the_file_ends) {
  TempDir dir;
  File file(dir.path + "/f", File::Mode::kCreate, nullptr);
  file.write("abc", 3, 0);
  char buffer[8];
  CHECK_EQ(file.read_some(buffer, 8, 1), 2u);
  try {
    file.read(buffer, 8, 1);
    CHECK(false);
  } catch (const CorruptStore& error) {
    CHECK_EQ(error.offset, 3u);
    CHECK(error.file == dir.path + "/f");
  }
}

TEST(failures_become_the_errors_of_the_tree) {
  TempDir dir;
  Faults faults;
  File file(dir.path + "/f", File::Mode::kCreate, &faults);
  faults.fail_at = faults.calls;
  faults.code = ENOSPC;
  CHECK_THROWS(StorageFull, file.write("abc", 3, 0));
  faults.fail_at = faults.calls;
  faults.code = EIO;
  try {
    file.sync();
    CHECK(false);
  } catch (const IoError& error) {
    CHECK_EQ(error.code, EIO);
  }
  CHECK_THROWS(IoError, File(dir.path + "/none", File::Mode::kRead, nullptr));
}

TEST(replacing_a_file_leaves_the_old_or_the_new_one) {
  for (long at = 0;; ++at) {
    TempDir dir;
    const std::string path = dir.path + "/f";
    replace_file(path, "old", 3, nullptr);
    Faults faults;
    faults.fail_at = at;
    bool failed = false;
    try {
      replace_file(path, "new!", 4, &faults);
    } catch (const Error&) {
      failed = true;
    }
    const std::string now = slurp(path);
    CHECK(now == "old" || now == "new!");
    CHECK(!exists(path + ".tmp"));
    if (!failed) {
      CHECK(now == "new!");
      CHECK(at >= 4);
      break;
    }
  }
}

TEST(a_second_lock_is_refused_in_this_process_and_in_others) {
  TempDir dir;
  {
    const WriterLock lock(dir.path, nullptr);
    try {
      const WriterLock second(dir.path, nullptr);
      CHECK(false);
    } catch (const StoreLocked& error) {
      CHECK_EQ(error.pid, ::getpid());
    }
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        const WriterLock second(dir.path, nullptr);
      } catch (const StoreLocked& error) {
        ::_exit(error.pid == ::getppid() ? 7 : 8);
      }
      ::_exit(9);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 7);
  }
  const WriterLock again(dir.path, nullptr);
}

TEST(the_lock_ends_with_a_killed_process) {
  TempDir dir;
  int ready[2];
  CHECK_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const WriterLock lock(dir.path, nullptr);
    static_cast<void>(!::write(ready[1], "x", 1));
    ::pause();
  }
  char byte;
  CHECK_EQ(::read(ready[0], &byte, 1), 1);
  CHECK_THROWS(StoreLocked, WriterLock(dir.path, nullptr));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const WriterLock lock(dir.path, nullptr);
}

TEST(the_boot_mark_tells_a_restart) {
  TempDir dir;
  {
    WriterLock lock(dir.path, nullptr);
    CHECK(lock.rebooted());
    lock.mark_boot();
  }
  CHECK(!WriterLock(dir.path, nullptr).rebooted());
  docstore::disk::testing::spill(dir.path + "/LOCK", "1\nanother boot\n");
  CHECK(WriterLock(dir.path, nullptr).rebooted());
}

TEST(parents_of_paths) {
  CHECK(parent_directory("/a/b") == "/a");
  CHECK(parent_directory("/a/b/") == "/a");
  CHECK(parent_directory("/a") == "/");
  CHECK(parent_directory("a") == ".");
}

TEST_MAIN()
