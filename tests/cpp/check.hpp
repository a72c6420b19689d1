#pragma once

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

// Assertions for the C++ tests. A test file is one executable:
//
//   TEST(adds_numbers) {
//     CHECK(ready());
//     CHECK_EQ(1 + 1, 2);
//     CHECK_THROWS(InvalidArgument, search(nothing));
//   }
//   TEST_MAIN()
//
// A failed check prints file, line and values, and the test goes on; the
// program ends with 1 when any check failed or any test threw. Arguments name
// the tests to run (a part of the name is enough); without any, all run.
// Everything here is for the main thread only, but for CHECK*, which only adds
// to atomic counters and prints.

namespace docstore::testing {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline std::atomic<long> checks{0};
inline std::atomic<long> failures{0};

struct Register {
  Register(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

template <class T>
std::string show(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (requires(std::ostringstream& out) { out << value; }) {
    std::ostringstream out;
    out.precision(17);
    out << value;
    return out.str();
  } else {
    return "<value>";
  }
}

inline void fail(const char* file, int line, const std::string& what) {
  // A flood of failures says no more than the first hundred.
  if (failures.fetch_add(1) < 100) std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

inline bool check(bool good, const char* file, int line, const std::string& what) {
  checks.fetch_add(1, std::memory_order_relaxed);
  if (!good) fail(file, line, what);
  return good;
}

template <class A, class B>
bool equal(const A& a, const B& b) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B> && !std::is_same_v<A, bool> &&
                !std::is_same_v<B, bool>) {
    if constexpr (std::is_signed_v<A> == std::is_signed_v<B>) {
      return a == b;
    } else if constexpr (std::is_signed_v<A>) {
      return a >= 0 && static_cast<std::make_unsigned_t<A>>(a) == b;
    } else {
      return b >= 0 && a == static_cast<std::make_unsigned_t<B>>(b);
    }
  } else {
    return a == b;
  }
}

inline int run_all(int argc, char** argv) {
  int ran = 0;
  for (const Test& test : tests()) {
    bool wanted = argc < 2;
    for (int i = 1; i < argc; ++i) wanted |= std::strstr(test.name, argv[i]) != nullptr;
    if (!wanted) continue;
    ++ran;
    const long before = failures.load();
    try {
      test.run();
    } catch (const std::exception& error) {
      fail(test.name, 0, std::string("unexpected exception: ") + error.what());
    } catch (...) {
      fail(test.name, 0, "unexpected exception of an unknown type");
    }
    std::fprintf(stderr, "%s %s\n", failures.load() == before ? "ok  " : "FAIL", test.name);
  }
  if (ran == 0) fail("tests", 0, "no test has that name");
  std::fprintf(stderr, "%d tests, %ld checks, %ld failures\n", ran, checks.load(), failures.load());
  return failures.load() == 0 ? 0 : 1;
}

}  // namespace docstore::testing

#define TEST(name)                                                                \
  static void test_##name();                                                      \
  static const ::docstore::testing::Register register_##name(#name, test_##name); \
  static void test_##name()

#define TEST_MAIN() \
  int main(int argc, char** argv) { return ::docstore::testing::run_all(argc, argv); }

#define CHECK(...) \
  ::docstore::testing::check(static_cast<bool>(__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)

#define CHECK_EQ(left, right)                                                                      \
  do {                                                                                             \
    const auto& left_ = (left);                                                                    \
    const auto& right_ = (right);                                                                  \
    if (!::docstore::testing::check(::docstore::testing::equal(left_, right_), __FILE__, __LINE__, \
                                    #left " == " #right))                                          \
      std::fprintf(stderr, "    left  %s\n    right %s\n",                                         \
                   ::docstore::testing::show(left_).c_str(),                                       \
                   ::docstore::testing::show(right_).c_str());                                     \
  } while (false)

// Written so that NaN fails.
#define CHECK_NEAR(left, right, tolerance)                                                       \
  do {                                                                                           \
    const double left_ = (left), right_ = (right);                                               \
    if (!::docstore::testing::check(std::abs(left_ - right_) <= (tolerance), __FILE__, __LINE__, \
                                    #left " is near " #right))                                   \
      std::fprintf(stderr, "    left  %.17g\n    right %.17g\n", left_, right_);                 \
  } while (false)

#define CHECK_THROWS(type, ...)                                                             \
  do {                                                                                      \
    bool thrown_ = false;                                                                   \
    try {                                                                                   \
      static_cast<void>(__VA_ARGS__);                                                       \
    } catch (const type&) {                                                                 \
      thrown_ = true;                                                                       \
    } catch (const std::exception& error_) {                                                \
      std::fprintf(stderr, "    threw %s\n", error_.what());                                \
    }                                                                                       \
    ::docstore::testing::check(thrown_, __FILE__, __LINE__, #__VA_ARGS__ " throws " #type); \
  } while (false)
