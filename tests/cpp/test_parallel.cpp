#include "parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "errors.hpp"

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace docstore;

TEST(every_slot_runs_once) {
  for (const int threads : {1, 2, 5, 16}) {
    for (const std::size_t slots : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> ran(slots);
      parallel(slots, threads, [&](std::size_t slot) { ran[slot].fetch_add(1); });
      for (const std::atomic<int>& times : ran) CHECK_EQ(times.load(), 1);
    }
  }
}

TEST(one_thread_is_the_callers) {
  const auto caller = std::this_thread::get_id();
  parallel(5, 1, [&](std::size_t) { CHECK(std::this_thread::get_id() == caller); });
  parallel(1, 9, [&](std::size_t) { CHECK(std::this_thread::get_id() == caller); });
}

TEST(no_more_threads_than_asked_for) {
  std::atomic<int> now{0}, most{0};
  parallel(200, 3, [&](std::size_t) {
    const int here = now.fetch_add(1) + 1;
    for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
    }
    std::this_thread::yield();
    now.fetch_sub(1);
  });
  CHECK(most <= 3);
}

TEST(exceptions_reach_the_caller) {
  for (const int threads : {1, 4}) {
    std::atomic<int> ran{0};
    CHECK_THROWS(std::out_of_range, parallel(1000, threads, [&](std::size_t slot) {
                   ran.fetch_add(1);
                   if (slot == 3) throw std::out_of_range("slot 3");
                 }));
    CHECK(ran >= 1);
    // The pool works on.
    parallel(10, threads, [&](std::size_t) { ran.fetch_add(1); });
  }
}

TEST(calls_may_nest_and_overlap) {
  std::atomic<int> ran{0};
  parallel(6, 4, [&](std::size_t) { parallel(6, 4, [&](std::size_t) { ran.fetch_add(1); }); });
  CHECK_EQ(ran.load(), 36);
  std::vector<std::thread> threads;
  for (int t = 0; t < 5; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) parallel(4, 3, [&](std::size_t) { ran.fetch_add(1); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(ran.load(), 36 + 5 * 50 * 4);
}

TEST(the_number_of_threads_can_be_set) {
  const int usual = thread_count();
  CHECK(usual >= 1);
  set_thread_count(7);
  CHECK_EQ(thread_count(), 7);
  CHECK_THROWS(InvalidArgument, set_thread_count(-1));
  CHECK_THROWS(InvalidArgument, set_thread_count(1 << 20));
  CHECK_EQ(thread_count(), 7);
  set_thread_count(0);
  CHECK_EQ(thread_count(), usual);
}

// Left out under ThreadSanitizer, which does not follow a fork of a process
// with threads.
#if !defined(_WIN32) && !defined(__SANITIZE_THREAD__)
TEST(a_forked_child_has_threads_of_its_own) {
  parallel(8, 4, [](std::size_t) {});
  const pid_t pid = fork();
  if (pid == 0) {
    std::atomic<int> ran{0};
    parallel(100, 4, [&](std::size_t) { ran.fetch_add(1); });
    _exit(ran == 100 ? 0 : 1);
  }
  int status = -1;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

TEST_MAIN()
