#include <cmath>
#include <cstdlib>
#include <memory>

#include "values.hpp"

namespace docstore::bindings {
namespace {

// From here on SQLite's JSON functions may give another number back.
constexpr std::int64_t kMostInteger = 1'000'000'000'000'000'000;

bool write_real(double value, std::string& out) {
  if (!std::isfinite(value)) return false;
  // As Python writes it: the shortest text that reads as the same number, with
  // a point or an exponent.
  const std::unique_ptr<char, decltype(&PyMem_Free)> text(
      PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, nullptr), PyMem_Free);
  if (!text) throw py::error_already_set();
  out += text.get();
  return true;
}

void write_escaped(unsigned char c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += static_cast<char>(c);
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

// SQLite's JSON functions end a text at a NUL.
bool write_text(std::string_view text, std::string& out) {
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    if (c == 0) return false;
    out.append(text, plain, i - plain);
    write_escaped(c, out);
    plain = i + 1;
  }
  out.append(text, plain);
  out += '"';
  return true;
}

bool write_items(PackReader& reader, std::size_t count, bool keyed, std::string& out, int depth);

bool write_value(PackReader& reader, std::string& out, int depth) {
  PackReader::check_depth(depth);
  const Token token = reader.next();
  switch (token.kind) {
    case Kind::kNone:
      out += "null";
      return true;
    case Kind::kBool:
      out += token.boolean ? "true" : "false";
      return true;
    case Kind::kInt:
      out += std::to_string(token.integer);
      return token.integer > -kMostInteger && token.integer < kMostInteger;
    case Kind::kFloat:
      return write_real(token.real, out);
    case Kind::kStr:
      return write_text(token.text(), out);
    case Kind::kList:
      return write_items(reader, token.size, false, out, depth);
    case Kind::kDict:
      return write_items(reader, token.size, true, out, depth);
    default:
      return false;
  }
}

bool write_items(PackReader& reader, std::size_t count, bool keyed, std::string& out, int depth) {
  out += keyed ? '{' : '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) out += ',';
    if (keyed) {
      if (!write_text(reader.key().text, out)) return false;
      out += ':';
    }
    if (!write_value(reader, out, depth + 1)) return false;
  }
  out += keyed ? '}' : ']';
  return true;
}

}  // namespace

bool write_json(PackReader& reader, std::string& out) { return write_value(reader, out, 0); }

}  // namespace docstore::bindings
