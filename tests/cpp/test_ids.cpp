#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "ids.hpp"

namespace {

std::string text(const docstore::RandomId& id) { return {id.begin(), id.end()}; }

TEST(ids_are_hexadecimal_and_differ) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = text(docstore::random_id());
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 10'000);
}

TEST(threads_do_not_share_ids) {
  std::vector<std::vector<std::string>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 1'000; ++i) mine.push_back(text(docstore::random_id()));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> seen;
  for (const auto& mine : drawn) seen.insert(mine.begin(), mine.end());
  CHECK(seen.size() == 4'000);
}

TEST(a_forked_child_draws_other_ids) {
  docstore::random_id();
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const docstore::RandomId id = docstore::random_id();
    const bool written = write(ends[1], id.data(), id.size()) == static_cast<ssize_t>(id.size());
    _exit(written ? 0 : 1);
  }
  const std::string mine = text(docstore::random_id());
  std::string theirs(32, '\0');
  CHECK(read(ends[0], theirs.data(), theirs.size()) == 32);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(mine != theirs);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace

TEST_MAIN()
