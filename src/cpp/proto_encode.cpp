#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "proto.hpp"
#include "proto_wire.hpp"

namespace docstore {
namespace {

using namespace proto;

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
    case Kind::kBigInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kStr:
      return "str";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "list";
    case Kind::kDict:
      return "dict";
    case Kind::kArray:
      return "ndarray";
  }
  return "unknown";
}

// The field number of each of kPackKeys; 0 for what is no field of a Document.
constexpr std::array<std::uint8_t, kPackKeys.size()> kNumbers = {
    kId,          kParentId, kGranularity, kAdjacency, kBlob,   kTensor,   kMimeType,  kText,
    kWeight,      kUri,      kTags,        kMetadata,  kOffset, kLocation, kEmbedding, kModality,
    kEvaluations, kScores,   kChunks,      kMatches,   0,       0,         0,          0};
constexpr std::size_t kFieldCount = kMetadata + 1;

float to_float(double value) {
  constexpr double kMost = std::numeric_limits<float>::max();
  if (value > kMost) return std::numeric_limits<float>::infinity();
  if (value < -kMost) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(value);
}

// Writes one record. Short-lived; errors name the place that `path_` leads to.
class RecordEncoder {
 public:
  RecordEncoder(PackReader& in, ByteBuffer& out) : in_(in), out_(out) {}

  void document(int depth);

 private:
  struct Step {
    std::string_view key;
    std::size_t index;
    bool is_key;
  };
  // A list of numbers as one array: its shape and the widest kind of number.
  struct ListShape {
    std::vector<std::int64_t> shape;
    Kind kind = Kind::kBool;
    bool any = false;
  };

  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void expected(const char* what, Kind got) const {
    refuse(std::string("protobuf holds ") + what + " here, got " + kind_name(got));
  }
  Token take(Kind kind, const char* what);
  double number(const char* what);

  void field(std::uint32_t id, int depth);
  void text_field(std::uint32_t id);
  void unsigned_field(std::uint32_t id);
  void location();
  void documents(std::uint32_t id, int depth);
  void structure(int depth);
  void value(int depth);
  void scores(std::uint32_t id);
  void score();
  void nd_array();
  void dense(std::uint32_t id, const ArrayView& view);
  void dense_list();
  void sparse(std::size_t count);
  ListShape list_shape();
  void measure(ListShape& found, std::size_t level);
  void list_items(Kind kind, std::size_t level);

  PackReader& in_;
  FieldWriter out_;
  std::vector<Step> path_;
};

void RecordEncoder::refuse(const std::string& why) const {
  std::string place;
  for (const Step& step : path_) {
    if (!step.is_key) {
      place += '[' + std::to_string(step.index) + ']';
    } else {
      if (!place.empty()) place += '.';
      place += step.key;
    }
  }
  throw EncodeError(place.empty() ? why : place + ": " + why);
}

Token RecordEncoder::take(Kind kind, const char* what) {
  const Token token = in_.next();
  if (token.kind != kind) expected(what, token.kind);
  return token;
}

double RecordEncoder::number(const char* what) {
  const Token token = in_.next();
  if (token.kind == Kind::kFloat) return token.real;
  if (token.kind == Kind::kInt) return static_cast<double>(token.integer);
  if (token.kind == Kind::kBool) return token.boolean ? 1 : 0;
  expected(what, token.kind);
}

// Fields are written in the order of their numbers, as protobuf does.
void RecordEncoder::document(int depth) {
  PackReader::check_depth(depth);
  const Token head = take(Kind::kDict, "a mapping of fields");
  struct Value {
    std::string_view name;
    std::optional<PackReader> at;
  };
  std::array<Value, kFieldCount> values;
  for (std::size_t i = 0; i < head.size; ++i) {
    const Key key = in_.key();
    const std::uint32_t id = key.number < 0 ? 0 : kNumbers[static_cast<std::size_t>(key.number)];
    if (id == 0) refuse("a Document has no field '" + std::string(key.text) + "'");
    values[id] = {key.text, in_};
    in_.skip(depth + 1);
  }
  const PackReader end = in_;
  for (std::uint32_t id = 1; id < kFieldCount; ++id) {
    if (!values[id].at) continue;
    in_ = *values[id].at;
    path_.push_back({values[id].name, 0, true});
    field(id, depth + 1);
    path_.pop_back();
  }
  in_ = end;
}

void RecordEncoder::field(std::uint32_t id, int depth) {
  PackReader ahead = in_;
  const Token token = ahead.next();
  if (token.kind == Kind::kNone) return;
  switch (id) {
    case kBlob:
      if (token.kind != Kind::kBytes) expected("bytes", token.kind);
      if (token.size != 0) out_.bytes(id, {token.data, token.size});
      return;
    case kTensor:
    case kEmbedding:
      return out_.message(id, [&] { nd_array(); });
    case kGranularity:
    case kAdjacency:
      return unsigned_field(id);
    case kWeight:
    case kOffset:
      if (const float value = to_float(number("a number")); value != 0) out_.real32(id, value);
      return;
    case kLocation:
      return location();
    case kChunks:
    case kMatches:
      return documents(id, depth);
    case kTags:
    case kMetadata:
      if (token.kind != Kind::kDict) expected("a dict", token.kind);
      if (token.size != 0) out_.message(id, [&] { structure(depth); });
      return;
    case kScores:
    case kEvaluations:
      return scores(id);
    default:
      return text_field(id);
  }
}

void RecordEncoder::text_field(std::uint32_t id) {
  const Token token = take(Kind::kStr, "a str");
  if (token.size != 0) out_.text(id, token.text());
}

void RecordEncoder::unsigned_field(std::uint32_t id) {
  const Token token = take(Kind::kInt, "an int");
  if (token.integer < 0 || token.integer > std::numeric_limits<std::uint32_t>::max()) {
    refuse("protobuf holds 0 to 4294967295 here, got " + std::to_string(token.integer));
  }
  if (token.integer != 0) out_.varint(id, static_cast<std::uint64_t>(token.integer));
}

void RecordEncoder::location() {
  const Token token = take(Kind::kList, "a list of numbers");
  if (token.size == 0) return;
  out_.message(kLocation, [&] {
    for (std::size_t i = 0; i < token.size; ++i) {
      path_.push_back({{}, i, false});
      out_.buffer().put_raw(to_float(number("a number")));
      path_.pop_back();
    }
  });
}

void RecordEncoder::documents(std::uint32_t id, int depth) {
  const Token token = take(Kind::kList, "a list of documents");
  for (std::size_t i = 0; i < token.size; ++i) {
    path_.push_back({{}, i, false});
    out_.message(id, [&] { document(depth + 1); });
    path_.pop_back();
  }
}

void RecordEncoder::structure(int depth) {
  PackReader::check_depth(depth);
  const Token token = take(Kind::kDict, "a dict");
  for (std::size_t i = 0; i < token.size; ++i) {
    out_.message(kOnlyField, [&] {
      const Key key = in_.key();
      path_.push_back({key.text, 0, true});
      out_.text(kMapKey, key.text);
      out_.message(kMapValue, [&] { value(depth + 1); });
      path_.pop_back();
    });
  }
}

void RecordEncoder::value(int depth) {
  PackReader::check_depth(depth);
  PackReader ahead = in_;
  const Token token = ahead.next();
  switch (token.kind) {
    case Kind::kNone:
      out_.varint(kNullValue, 0);
      break;
    case Kind::kBool:
      out_.varint(kBoolValue, token.boolean);
      break;
    case Kind::kInt:
      out_.real64(kNumberValue, static_cast<double>(token.integer));
      break;
    case Kind::kFloat:
      out_.real64(kNumberValue, token.real);
      break;
    case Kind::kStr:
      out_.text(kStringValue, token.text());
      break;
    case Kind::kDict:
      return out_.message(kStructValue, [&] { structure(depth); });
    case Kind::kList:
      in_ = ahead;
      return out_.message(kListValue, [&] {
        for (std::size_t i = 0; i < token.size; ++i) {
          path_.push_back({{}, i, false});
          out_.message(kOnlyField, [&] { value(depth + 1); });
          path_.pop_back();
        }
      });
    case Kind::kBigInt:
      refuse("protobuf holds numbers as 64-bit floats, and this int is beyond 64 bits");
    case Kind::kBytes:
    case Kind::kArray:
      refuse(std::string("protobuf holds no ") + kind_name(token.kind) +
             " here; use a str or a list");
  }
  in_ = ahead;
}

void RecordEncoder::scores(std::uint32_t id) {
  const Token token = take(Kind::kDict, "a dict of scores");
  for (std::size_t i = 0; i < token.size; ++i) {
    out_.message(id, [&] {
      const Key key = in_.key();
      path_.push_back({key.text, 0, true});
      out_.text(kMapKey, key.text);
      out_.message(kMapValue, [&] { score(); });
      path_.pop_back();
    });
  }
}

void RecordEncoder::score() {
  const Token token = take(Kind::kDict, "a score");
  for (std::size_t i = 0; i < token.size; ++i) {
    const Key key = in_.key();
    path_.push_back({key.text, 0, true});
    PackReader ahead = in_;
    if (ahead.next().kind == Kind::kNone) {
      in_ = ahead;
    } else if (key.text == "value") {
      if (const float value = to_float(number("a number")); value != 0) out_.real32(kValue, value);
    } else if (key.text == "op_name") {
      text_field(kOpName);
    } else if (key.text == "description") {
      text_field(kDescription);
    } else if (key.text == "ref_id") {
      text_field(kRefId);
    } else {
      refuse("a score has no such field");
    }
    path_.pop_back();
  }
}

void RecordEncoder::nd_array() {
  PackReader ahead = in_;
  const Token token = ahead.next();
  if (token.kind == Kind::kArray) {
    in_ = ahead;
    dense(kDense, in_.array());
    return out_.text(kClsName, "numpy");
  }
  if (token.kind == Kind::kList) {
    dense_list();
    return out_.text(kClsName, "list");
  }
  if (token.kind != Kind::kDict) expected("an array or a list of numbers", token.kind);
  in_ = ahead;
  sparse(token.size);
}

void RecordEncoder::dense(std::uint32_t id, const ArrayView& view) {
  out_.message(id, [&] {
    if (view.size != 0) out_.bytes(kBuffer, {view.data, view.size});
    if (view.ndim != 0) {
      out_.message(kShape, [&] {
        for (int i = 0; i < view.ndim; ++i) {
          const std::int64_t length = view.shape[static_cast<std::size_t>(i)];
          if (length > std::numeric_limits<std::uint32_t>::max()) refuse("the array is too long");
          out_.buffer().put_varint(static_cast<std::uint64_t>(length));
        }
      });
    }
    out_.text(kDtype, view.dtype);
  });
}

RecordEncoder::ListShape RecordEncoder::list_shape() {
  const PackReader start = in_;
  ListShape found;
  // The lengths along the first items are the shape; all others must agree.
  PackReader ahead = in_;
  for (Token token = ahead.next(); token.kind == Kind::kList; token = ahead.next()) {
    if (found.shape.size() >= kMaxArrayDims) refuse("the list is nested too deep for an array");
    found.shape.push_back(static_cast<std::int64_t>(token.size));
    if (token.size == 0) break;
  }
  measure(found, 0);
  if (!found.any) found.kind = Kind::kFloat;
  in_ = start;
  return found;
}

void RecordEncoder::measure(ListShape& found, std::size_t level) {
  const Token token = in_.next();
  if (level < found.shape.size()) {
    if (token.kind != Kind::kList || static_cast<std::int64_t>(token.size) != found.shape[level]) {
      refuse("the lists inside are of different lengths, which makes no array");
    }
    for (std::size_t i = 0; i < token.size; ++i) measure(found, level + 1);
    return;
  }
  if (token.kind != Kind::kBool && token.kind != Kind::kInt && token.kind != Kind::kFloat) {
    refuse(std::string("an array is of numbers, got ") + kind_name(token.kind));
  }
  found.any = true;
  if (token.kind > found.kind) found.kind = token.kind;  // bool < int < float
}

void RecordEncoder::list_items(Kind kind, std::size_t level) {
  PackReader ahead = in_;
  const Token token = ahead.next();
  if (token.kind == Kind::kList) {
    in_ = ahead;
    for (std::size_t i = 0; i < token.size; ++i) list_items(kind, level + 1);
  } else if (kind == Kind::kFloat) {
    out_.buffer().put_raw(number("a number"));
  } else {
    in_ = ahead;
    if (kind == Kind::kBool) {
      out_.buffer().put(token.boolean ? 1 : 0);
    } else {
      out_.buffer().put_raw(token.kind == Kind::kInt ? token.integer : std::int64_t{token.boolean});
    }
  }
}

// A list becomes the array that NumPy would make of it.
void RecordEncoder::dense_list() {
  const ListShape found = list_shape();
  const char* dtype = found.kind == Kind::kFloat ? "<f8" : found.kind == Kind::kInt ? "<i8" : "|b1";
  out_.message(kDense, [&] {
    if (found.any)
      out_.message(kBuffer, [&] { list_items(found.kind, 0); });
    else
      in_.skip();
    out_.message(kShape, [&] {
      for (const std::int64_t length : found.shape) {
        out_.buffer().put_varint(static_cast<std::uint64_t>(length));
      }
    });
    out_.text(kDtype, dtype);
  });
}

void RecordEncoder::sparse(std::size_t count) {
  std::optional<ArrayView> indices, values;
  std::string_view cls_name, format;
  std::vector<std::uint64_t> shape;
  for (std::size_t i = 0; i < count; ++i) {
    const Key key = in_.key();
    if (key.text == "cls_name") {
      cls_name = take(Kind::kStr, "a str").text();
    } else if (key.text == "sparse_format") {
      format = take(Kind::kStr, "a str").text();
    } else if (key.text == "shape") {
      const Token list = take(Kind::kList, "a list of numbers");
      for (std::size_t axis = 0; axis < list.size; ++axis) {
        const std::int64_t length = take(Kind::kInt, "an int").integer;
        if (length < 0 || length > std::numeric_limits<std::uint32_t>::max()) {
          refuse("the array is too long");
        }
        shape.push_back(static_cast<std::uint64_t>(length));
      }
    } else if (key.text == "indices" || key.text == "values") {
      take(Kind::kArray, "an array");
      (key.text == "values" ? values : indices) = in_.array();
    } else {
      refuse("protobuf holds an array here, got a dict");
    }
  }
  if (!indices || !values) refuse("protobuf holds an array here, got a dict");
  out_.message(kSparse, [&] {
    dense(kIndices, *indices);
    dense(kValues, *values);
    out_.message(kSparseShape, [&] {
      for (const std::uint64_t length : shape) out_.buffer().put_varint(length);
    });
  });
  out_.text(kClsName, cls_name);
  if (format.empty()) return;
  out_.message(kParameters, [&] {
    out_.message(kOnlyField, [&] {
      out_.text(kMapKey, "sparse_format");
      out_.message(kMapValue, [&] { out_.text(kStringValue, format); });
    });
  });
}

}  // namespace

void proto_from_packed(PackReader& record, ByteBuffer& out) {
  RecordEncoder(record, out).document(0);
}

void proto_add_document(PackReader& record, ByteBuffer& out) {
  FieldWriter(out).message(proto::kOnlyField, [&] { RecordEncoder(record, out).document(0); });
}

}  // namespace docstore
