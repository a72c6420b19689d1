#include "pickle_scan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <vector>

#include "errors.hpp"

namespace docstore {
namespace {

constexpr std::uint32_t kDeepestTuple = 200;

// What follows an opcode: so many bytes, one or two lines of text, or a length
// of so many bytes and then that many.
enum class Argument : std::uint8_t { kUnknown, kBytes, kLine, kTwoLines, kCounted };

// An opcode: its argument, what it takes from the stack and how many it gives.
struct Opcode {
  Argument argument = Argument::kUnknown;
  std::uint8_t size = 0;
  std::int8_t takes = 0;  // kToMark: everything down to the mark
  std::uint8_t gives = 0;
};
constexpr std::int8_t kToMark = -1;

constexpr std::array<Opcode, 256> make_opcodes() {
  std::array<Opcode, 256> table{};
  const auto set = [&](unsigned char code, Argument argument, std::uint8_t size, std::int8_t takes,
                       std::uint8_t gives) { table[code] = {argument, size, takes, gives}; };
  constexpr auto kBytes = Argument::kBytes;
  for (const unsigned char code : {'N', ']', '}', ')', '\x88', '\x89', '\x8f', '\x97'})
    set(code, kBytes, 0, 0, 1);
  for (const unsigned char code : {'F', 'I', 'L', 'P', 'S', 'V', 'g'})
    set(code, Argument::kLine, 0, 0, 1);
  for (const unsigned char code : {'U', 'C', '\x8a', '\x8c'})
    set(code, Argument::kCounted, 1, 0, 1);
  for (const unsigned char code : {'T', 'X', 'B', '\x8b'}) set(code, Argument::kCounted, 4, 0, 1);
  for (const unsigned char code : {'\x8d', '\x8e', '\x96'}) set(code, Argument::kCounted, 8, 0, 1);
  for (const unsigned char code : {'K', 'h', '\x82'}) set(code, kBytes, 1, 0, 1);
  for (const unsigned char code : {'M', '\x83'}) set(code, kBytes, 2, 0, 1);
  for (const unsigned char code : {'J', 'j', '\x84'}) set(code, kBytes, 4, 0, 1);
  set('G', kBytes, 8, 0, 1);
  set('c', Argument::kTwoLines, 0, 0, 1);
  set('i', Argument::kTwoLines, 0, kToMark, 1);
  for (const unsigned char code : {'(', '2', '\x94', '.'}) set(code, kBytes, 0, 0, 0);
  set('p', Argument::kLine, 0, 0, 0);
  set('q', kBytes, 1, 0, 0);
  set('r', kBytes, 4, 0, 0);
  set(0x80, kBytes, 1, 0, 0);
  set(0x95, kBytes, 8, 0, 0);
  set('0', kBytes, 0, 1, 0);
  for (const unsigned char code : {'1', 'e', 'u', '\x90'}) set(code, kBytes, 0, kToMark, 0);
  for (const unsigned char code : {'l', 'd', 't', 'o', '\x91'}) set(code, kBytes, 0, kToMark, 1);
  set('a', kBytes, 0, 1, 0);
  set('b', kBytes, 0, 1, 0);
  set('s', kBytes, 0, 2, 0);
  for (const unsigned char code : {'Q', '\x85', '\x98'}) set(code, kBytes, 0, 1, 1);
  for (const unsigned char code : {'R', '\x81', '\x86', '\x93'}) set(code, kBytes, 0, 2, 1);
  for (const unsigned char code : {'\x87', '\x92'}) set(code, kBytes, 0, 3, 1);
  return table;
}

constexpr auto kOpcodes = make_opcodes();

// Runs the pickle on a stack that holds, in the place of each value, how deep
// it nests tuples.
class Scan {
 public:
  explicit Scan(ByteSpan pickle) : rest_(pickle), size_(pickle.size()) {}

  void run() {
    while (!rest_.empty() && step()) {
    }
  }

 private:
  bool step() {
    const std::uint8_t code = rest_[0];
    rest_ = rest_.subspan(1);
    const Opcode& opcode = kOpcodes[code];
    ByteSpan argument;
    if (code == '.' || !read_argument(opcode, argument)) return false;
    if (code == '(') {
      marks_.push_back(stack_.size());
      return true;
    }
    if (code == '0' && !marks_.empty() && marks_.back() == stack_.size()) {
      marks_.pop_back();  // POP takes a mark as well
      return true;
    }
    if (code == '2') {
      if (stack_.empty()) return false;
      stack_.push_back(stack_.back());
      return true;
    }
    std::uint32_t depth = 0;
    if (!take(opcode.takes, depth)) return false;
    if (opcode.gives) stack_.push_back(result(code, argument, depth));
    if (code == 'p' || code == 'q' || code == 'r' || code == 0x94) remember(code, argument);
    return true;
  }

  bool read_argument(const Opcode& opcode, ByteSpan& argument) {
    switch (opcode.argument) {
      case Argument::kUnknown:
        return false;
      case Argument::kBytes:
        return split(opcode.size, argument);
      case Argument::kLine:
        return line(argument);
      case Argument::kTwoLines:
        return line(argument) && line(argument);
      case Argument::kCounted:
        return split(opcode.size, argument) && split(number(argument), argument);
    }
    return false;
  }

  bool split(std::uint64_t size, ByteSpan& argument) {
    if (size > rest_.size()) return false;
    argument = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return true;
  }

  bool line(ByteSpan& argument) {
    const auto end = std::find(rest_.begin(), rest_.end(), std::uint8_t{'\n'});
    if (end == rest_.end()) return false;
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    argument = rest_.first(size);
    rest_ = rest_.subspan(size + 1);
    return true;
  }

  static std::uint64_t number(ByteSpan bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    return value;
  }

  // Text as Python reads an int; a number that is none is nobody's place.
  static std::uint64_t place(std::uint8_t code, ByteSpan argument) {
    if (code != 'p' && code != 'g') return number(argument);
    std::string_view text = as_text(argument);
    while (!text.empty() && (text.front() == ' ' || text.front() == '+')) text.remove_prefix(1);
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{}) return ~std::uint64_t{0};
    const std::string_view left(parsed.ptr,
                                static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
    // '1_000' is a number to Python.
    return left.find_first_not_of(" \r\t") == left.npos ? value : ~std::uint64_t{0};
  }

  // Takes values off; `depth` becomes that of the deepest.
  bool take(std::int8_t count, std::uint32_t& depth) {
    std::size_t from = 0;
    if (count == kToMark) {
      if (marks_.empty()) return false;
      from = marks_.back();
      marks_.pop_back();
      if (from > stack_.size()) return false;
    } else {
      if (static_cast<std::size_t>(count) > stack_.size()) return false;
      from = stack_.size() - static_cast<std::size_t>(count);
    }
    for (std::size_t i = from; i < stack_.size(); ++i) depth = std::max(depth, stack_[i]);
    stack_.resize(from);
    return true;
  }

  std::uint32_t result(std::uint8_t code, ByteSpan argument, std::uint32_t depth) {
    const bool tuple = code == 't' || (code >= 0x85 && code <= 0x87) || code == 0x91;
    if (tuple) {
      if (depth >= kDeepestTuple) throw CorruptData("pickle: tuples nested too deep");
      return depth + 1;
    }
    if (code == 'g' || code == 'h' || code == 'j') {
      const auto found = memo_.find(place(code, argument));
      return found == memo_.end() ? 0 : found->second;
    }
    return 0;
  }

  void remember(std::uint8_t code, ByteSpan argument) {
    const std::uint64_t where = code == 0x94 ? memo_.size() : place(code, argument);
    if (where > size_) throw CorruptData("pickle: a memo place that is too high");
    const std::uint32_t depth = stack_.empty() ? 0 : stack_.back();
    memo_[where] = depth;
  }

  ByteSpan rest_;
  std::size_t size_;
  std::vector<std::uint32_t> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, std::uint32_t> memo_;
};

}  // namespace

void check_pickle(ByteSpan pickle) { Scan(pickle).run(); }

}  // namespace docstore
