#include "pack.hpp"

#include <algorithm>
#include <charconv>

#include "errors.hpp"

namespace docstore {
namespace {

// A table without collisions for the keys of kPackKeys.
constexpr std::size_t key_slot(std::string_view key) {
  const auto first = static_cast<unsigned char>(key.front());
  const auto last = static_cast<unsigned char>(key.back());
  return (first + last * std::size_t{15} + key.size() * 3) % 64;
}

constexpr std::array<std::int8_t, 64> make_key_slots() {
  std::array<std::int8_t, 64> slots{};
  slots.fill(-1);
  for (std::size_t i = 0; i < kPackKeys.size(); ++i) {
    std::int8_t& slot = slots[key_slot(kPackKeys[i])];
    if (slot != -1) throw "two keys share a slot";  // refused by the compiler
    slot = static_cast<std::int8_t>(i);
  }
  return slots;
}

constexpr auto kKeySlots = make_key_slots();

std::size_t digits(std::string_view text, std::size_t most) noexcept {
  std::size_t value = 0;
  if (text.empty() || text.front() == '0') return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return 0;
  return value;
}

// 'ns', '25s': what stands in the brackets of a date type.
bool is_date_unit(std::string_view unit) noexcept {
  static constexpr std::array<std::string_view, 13> kUnits = {
      "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"};
  const std::size_t name = std::min(unit.find_first_not_of("0123456789"), unit.size());
  if (name > 0 && digits(unit.substr(0, name), 2147483647) == 0) return false;
  return std::find(kUnits.begin(), kUnits.end(), unit.substr(name)) != kUnits.end();
}

bool multiply(std::uint64_t& value, std::uint64_t factor) noexcept {
  return !__builtin_mul_overflow(value, factor, &value);
}

// Bytes of an array, or false when that is more than memory could hold. A
// shape with a 0 in it must be sound without it too, for NumPy asks that.
bool array_bytes(std::span<const std::int64_t> shape, std::size_t item_size, std::size_t& size) {
  std::uint64_t bytes = item_size;
  bool empty = false;
  for (const std::int64_t length : shape) {
    if (length < 0) return false;
    empty |= length == 0;
    if (length != 0 && !multiply(bytes, static_cast<std::uint64_t>(length))) return false;
  }
  if (bytes > std::uint64_t{1} << 62) return false;
  size = empty ? 0 : static_cast<std::size_t>(bytes);
  return true;
}

bool number_in(std::string_view text, std::int64_t& value) noexcept {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return !text.empty() && result.ec == std::errc{} && result.ptr == end;
}

}  // namespace

int pack_key_number(std::string_view key) noexcept {
  if (key.empty()) return -1;
  const int number = kKeySlots[key_slot(key)];
  return number >= 0 && kPackKeys[static_cast<std::size_t>(number)] == key ? number : -1;
}

std::uint8_t pack_dtype_code(std::string_view name) noexcept {
  const auto found = std::find(kPackDtypes.begin(), kPackDtypes.end(), name);
  return found == kPackDtypes.end() ? kNamedDtype
                                    : static_cast<std::uint8_t>(found - kPackDtypes.begin());
}

std::size_t pack_dtype_size(std::string_view name) noexcept {
  if (name.size() < 3) return 0;
  if (pack_dtype_code(name) != kNamedDtype) return digits(name.substr(2), 16);
  const std::string_view head = name.substr(0, 2);
  constexpr std::size_t kMostText = std::size_t{1} << 28;
  if (head == "|S") return digits(name.substr(2), kMostText);
  if (head == "<U") return digits(name.substr(2), kMostText) * 4;
  if (head != "<M" && head != "<m") return 0;
  if (name.substr(2) == "8") return 8;
  if (name.size() < 6 || name.substr(2, 2) != "8[" || name.back() != ']') return 0;
  return is_date_unit(name.substr(4, name.size() - 5)) ? 8 : 0;
}

void check_array_content(std::string_view dtype, const std::uint8_t* data, std::size_t size) {
  if (dtype == "|b1") {
    std::uint8_t seen = 0;
    for (std::size_t i = 0; i < size; ++i) seen |= data[i];
    if (seen > 1) throw CorruptData("packed value: an array of bool has other values");
  } else if (dtype.substr(0, 2) == "<U") {
    for (std::size_t i = 0; i + 4 <= size; i += 4) {
      std::uint32_t point;
      std::memcpy(&point, data + i, 4);
      if (point > 0x10ffff) throw CorruptData("packed value: an array of text has no text");
    }
  }
}

std::uint8_t* PackWriter::array(std::string_view dtype, std::span<const std::int64_t> shape) {
  const std::size_t item_size = pack_dtype_size(dtype);
  std::size_t size = 0;
  if (item_size == 0 || shape.size() > kMaxArrayDims || !array_bytes(shape, item_size, size)) {
    throw InvalidArgument("an array of type " + std::string(dtype) + " cannot be stored");
  }
  const std::uint8_t code = pack_dtype_code(dtype);
  out_.put(kTagArray);
  out_.put(code);
  if (code == kNamedDtype) {
    out_.put_varint(dtype.size());
    out_.put(dtype.data(), dtype.size());
  }
  out_.put_varint(shape.size());
  for (const std::int64_t length : shape) out_.put_varint(static_cast<std::uint64_t>(length));
  const std::size_t past = (base_ + out_.size() + 1) % kArrayAlignment;
  const std::size_t padding = past == 0 ? 0 : kArrayAlignment - past;
  out_.put(static_cast<std::uint8_t>(padding));
  std::memset(out_.reserve(padding), 0, padding);
  out_.advance(padding);
  std::uint8_t* data = out_.reserve(size);
  out_.advance(size);
  return data;
}

void PackReader::fail(const char* what) const {
  throw CorruptData("packed value: at byte " + std::to_string(position()) + " of " +
                    std::to_string(end_ - begin_) + ": " + what);
}

void PackReader::fail_depth() {
  throw CorruptData("packed value: nested deeper than " + std::to_string(kMaxPackDepth));
}

std::uint64_t PackReader::long_varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) fail("ends too early");
    const std::uint64_t byte = *at_++;
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail("has a number that is too long");
}

Token PackReader::counted(Kind kind, std::uint64_t least_item) {
  const std::uint64_t count = varint();
  if (count > left() / least_item) fail("has more items than bytes");
  return {.kind = kind, .size = static_cast<std::size_t>(count)};
}

Token PackReader::next_tagged(std::uint8_t tag) {
  switch (tag) {
    case kTagNone:
      return {.kind = Kind::kNone};
    case kTagFalse:
      return {.kind = Kind::kBool, .boolean = false};
    case kTagTrue:
      return {.kind = Kind::kBool, .boolean = true};
    case kTagInt: {
      const std::uint64_t bits = varint();
      const std::uint64_t sign = ~((bits & 1) - 1);
      return {.kind = Kind::kInt, .integer = static_cast<std::int64_t>((bits >> 1) ^ sign)};
    }
    case kTagBigInt:
      return block(Kind::kBigInt, varint());
    case kTagFloat: {
      const Token raw = block(Kind::kFloat, 8);
      Token token{.kind = Kind::kFloat};
      std::memcpy(&token.real, raw.data, 8);
      return token;
    }
    case kTagStr:
      return block(Kind::kStr, varint());
    case kTagBytes:
      return block(Kind::kBytes, varint());
    case kTagList:
      return counted(Kind::kList, 1);
    case kTagDict:
      return counted(Kind::kDict, 2);
    case kTagArray:
      return {.kind = Kind::kArray};
    default:
      fail("has a byte that starts no value");
  }
}

ArrayView PackReader::array() {
  ArrayView view;
  if (at_ == end_) fail("ends too early");
  view.code = *at_++;
  if (view.code == kNamedDtype) {
    view.dtype = block(Kind::kStr, varint()).text();
    if (pack_dtype_code(view.dtype) != kNamedDtype) fail("names a type that has a number");
  } else if (view.code < kPackDtypes.size()) {
    view.dtype = kPackDtypes[view.code];
  }
  view.item_size = pack_dtype_size(view.dtype);
  if (view.item_size == 0) fail("has an array of an unknown type");
  const std::uint64_t ndim = varint();
  if (ndim > kMaxArrayDims) fail("has an array of too many dimensions");
  view.ndim = static_cast<int>(ndim);
  const std::span<std::int64_t> shape(view.shape.data(), static_cast<std::size_t>(ndim));
  for (std::int64_t& length : shape) {
    const std::uint64_t raw = varint();
    if (raw > std::uint64_t{1} << 62) fail("has an array that is too large");
    length = static_cast<std::int64_t>(raw);
  }
  if (!array_bytes(shape, view.item_size, view.size)) fail("has an array that is too large");
  const std::uint64_t padding = varint();
  if (padding >= 64) fail("has an array with too much padding");
  const Token gap = block(Kind::kBytes, padding);
  if (std::any_of(gap.data, gap.data + gap.size, [](std::uint8_t byte) { return byte != 0; })) {
    fail("has an array with bytes in its padding");
  }
  view.data = block(Kind::kBytes, view.size).data;
  return view;
}

void PackReader::skip(int depth) {
  check_depth(depth);
  const Token token = next();
  if (token.kind == Kind::kArray) {
    array();
  } else if (token.kind == Kind::kList) {
    for (std::size_t i = 0; i < token.size; ++i) skip(depth + 1);
  } else if (token.kind == Kind::kDict) {
    for (std::size_t i = 0; i < token.size; ++i) {
      key();
      skip(depth + 1);
    }
  }
}

bool PackReader::find(std::span<const PathStep> path) {
  for (const PathStep& step : path) {
    const Token token = next();
    if (token.kind == Kind::kDict) {
      if (!find_key(token.size, step)) return false;
    } else if (token.kind == Kind::kList) {
      if (!find_item(token.size, step)) return false;
    } else {
      return false;
    }
  }
  return true;
}

bool PackReader::find_key(std::size_t count, const PathStep& step) {
  std::string number;
  if (const auto* index = std::get_if<std::int64_t>(&step)) number = std::to_string(*index);
  const auto* text = std::get_if<std::string>(&step);
  const std::string_view wanted = text ? *text : number;
  for (std::size_t i = 0; i < count; ++i) {
    if (key().text == wanted) return true;
    skip(1);
  }
  return false;
}

bool PackReader::find_item(std::size_t count, const PathStep& step) {
  std::int64_t index = 0;
  if (const auto* given = std::get_if<std::int64_t>(&step)) {
    index = *given;
  } else if (!number_in(std::get<std::string>(step), index)) {
    return false;
  }
  if (index < 0) index += static_cast<std::int64_t>(count);
  if (index < 0 || static_cast<std::uint64_t>(index) >= count) return false;
  for (std::int64_t i = 0; i < index; ++i) skip(1);
  return true;
}

}  // namespace docstore
