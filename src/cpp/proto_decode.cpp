#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "errors.hpp"
#include "proto.hpp"
#include "proto_wire.hpp"

namespace docstore {
namespace {

using namespace proto;

// One entry of a map, with the place of its first mention.
struct Entry {
  ByteSpan key;
  ByteSpan value;
};

bool same_key(const Entry& a, const Entry& b) { return as_text(a.key) == as_text(b.key); }

// Of several entries with one key the last counts.
void drop_repeated(std::vector<Entry>& entries) {
  if (entries.size() < 2) return;
  bool repeated = false;
  if (entries.size() <= 8) {
    for (std::size_t i = 1; i < entries.size() && !repeated; ++i) {
      for (std::size_t j = 0; j < i; ++j) repeated |= same_key(entries[i], entries[j]);
    }
    if (!repeated) return;
  }
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return as_text(entries[a].key) < as_text(entries[b].key);
  });
  std::vector<bool> keep(entries.size(), true);
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (same_key(entries[order[i]], entries[order[i + 1]])) keep[order[i]] = false;
  }
  std::size_t next = 0;
  std::erase_if(entries, [&](const Entry&) { return !keep[next++]; });
}

Entry map_entry(ByteSpan message) {
  Entry entry;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.is(kMapKey, kBytes)) entry.key = field.bytes;
    if (field.is(kMapValue, kBytes)) entry.value = field.bytes;
  }
  return entry;
}

// ---- Struct: tags and metadata

void write_struct(ByteSpan message, PackWriter& out, int depth);

void write_list(ByteSpan message, PackWriter& out, int depth);

// A Value: of its members the last on the wire counts; without any it is null.
void write_value(ByteSpan message, PackWriter& out, int depth) {
  Field last;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    static constexpr Wire kWires[] = {kVarint, kVarint, kFixed64, kBytes, kVarint, kBytes, kBytes};
    if (field.id <= kListValue && field.wire == kWires[field.id]) last = field;
  }
  switch (last.id) {
    case kNumberValue:
      return out.real(std::bit_cast<double>(last.number));
    case kStringValue:
      return out.string(as_text(last.bytes));
    case kBoolValue:
      return out.boolean(last.number != 0);
    case kStructValue:
      return write_struct(last.bytes, out, depth);
    case kListValue:
      return write_list(last.bytes, out, depth);
    default:
      return out.none();
  }
}

void write_list(ByteSpan message, PackWriter& out, int depth) {
  PackReader::check_depth(depth + 1);
  std::vector<ByteSpan> items;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.is(kOnlyField, kBytes)) items.push_back(field.bytes);
  }
  out.list(items.size());
  for (const ByteSpan item : items) write_value(item, out, depth + 1);
}

void write_struct(ByteSpan message, PackWriter& out, int depth) {
  PackReader::check_depth(depth + 1);
  std::vector<Entry> entries;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.is(kOnlyField, kBytes)) entries.push_back(map_entry(field.bytes));
  }
  drop_repeated(entries);
  out.dict(entries.size());
  for (const Entry& entry : entries) {
    out.key(as_text(entry.key));
    write_value(entry.value, out, depth + 1);
  }
}

// ---- NdArrayProto

// A DenseNdArrayProto, brought into the form that packed values have.
struct Dense {
  ByteSpan buffer;
  std::vector<std::int64_t> shape;
  std::string dtype;     // little-endian spelling
  std::size_t item = 0;  // bytes of an element
  std::size_t swap = 1;  // bytes to reverse, for big-endian numbers
  bool empty() const { return buffer.empty() && shape.empty(); }
};

void read_shape(const Field& field, std::vector<std::int64_t>& shape) {
  const auto add = [&](std::uint64_t length) {
    if (shape.size() >= kMaxArrayDims) FieldReader::fail("an array of too many dimensions");
    shape.push_back(static_cast<std::uint32_t>(length));
  };
  if (field.wire == kVarint) add(field.number);
  if (field.wire != kBytes) return;
  for (FieldReader numbers(field.bytes); !numbers.done();) add(numbers.varint());
}

// NumPy's spelling of a type, made little-endian.
void read_dtype(std::string_view spelled, Dense& dense) {
  if (spelled.size() < 3) FieldReader::fail("an array without a type");
  dense.dtype = std::string(spelled);
  const char kind = spelled[1];
  const bool single = spelled == "|b1" || spelled.substr(1) == "b1" || spelled.substr(1) == "i1" ||
                      spelled.substr(1) == "u1" || kind == 'S';
  dense.dtype[0] = single ? '|' : '<';
  dense.item = pack_dtype_size(dense.dtype);
  if (dense.item == 0 || std::string_view("<>|=").find(spelled[0]) == std::string_view::npos) {
    FieldReader::fail("an array of a type that is not supported");
  }
  if (spelled[0] != '>' || single) return;
  dense.swap = kind == 'U' ? 4 : kind == 'c' ? dense.item / 2 : dense.item;
}

Dense read_dense(ByteSpan message) {
  Dense dense;
  ByteSpan dtype;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.is(kBuffer, kBytes)) dense.buffer = field.bytes;
    if (field.id == kShape) read_shape(field, dense.shape);
    if (field.is(kDtype, kBytes)) dtype = field.bytes;
  }
  if (dense.empty()) return dense;
  read_dtype(as_text(dtype), dense);
  std::uint64_t size = dense.item;
  for (const std::int64_t length : dense.shape) {
    if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(length), &size)) {
      FieldReader::fail("an array whose shape is too large");
    }
  }
  if (size != dense.buffer.size()) FieldReader::fail("an array whose shape is not its content");
  return dense;
}

void copy_elements(const Dense& dense, std::uint8_t* out) {
  if (!dense.buffer.empty()) std::memcpy(out, dense.buffer.data(), dense.buffer.size());
  if (dense.swap < 2) return;
  for (std::size_t at = 0; at + dense.swap <= dense.buffer.size(); at += dense.swap) {
    std::reverse(out + at, out + at + dense.swap);
  }
}

void write_array(const Dense& dense, PackWriter& out) {
  std::uint8_t* data = nullptr;
  try {
    data = out.array(dense.dtype, dense.shape);
  } catch (const InvalidArgument&) {
    FieldReader::fail("an array whose shape is too large");
  }
  copy_elements(dense, data);
}

template <class Number>
Number element(const std::uint8_t* at) {
  Number value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

double half_to_double(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const double fraction = bits & 0x3ff;
  double value;
  if (exponent == 31) {
    value = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else {
    value = std::ldexp(1024 + fraction, exponent - 25);
  }
  return bits & 0x8000 ? -value : value;
}

void write_number(std::string_view dtype, const std::uint8_t* at, PackWriter& out) {
  switch (pack_dtype_code(dtype)) {
    case 0:
      return out.boolean(*at != 0);
    case 1:
      return out.integer(element<std::int8_t>(at));
    case 2:
      return out.integer(*at);
    case 3:
      return out.integer(element<std::int16_t>(at));
    case 4:
      return out.integer(element<std::uint16_t>(at));
    case 5:
      return out.integer(element<std::int32_t>(at));
    case 6:
      return out.integer(element<std::uint32_t>(at));
    case 7:
      return out.integer(element<std::int64_t>(at));
    case 8: {
      std::array<std::uint8_t, 9> wide{};
      std::memcpy(wide.data(), at, 8);
      if (wide[7] < 0x80) return out.integer(element<std::int64_t>(at));
      return out.big_integer(wide);
    }
    case 9:
      return out.real(half_to_double(element<std::uint16_t>(at)));
    case 10:
      return out.real(element<float>(at));
    case 11:
      return out.real(element<double>(at));
    default:
      FieldReader::fail("a list of values that are no numbers");
  }
}

// Nested lists of the elements from `at` on; returns where they end. An array
// without elements has no bytes to bound its lists: only the first axes up to
// the empty one are written, and `left` counts down the lists made.
const std::uint8_t* write_nested(const Dense& dense, std::size_t axis, const std::uint8_t* at,
                                 std::size_t& left, int depth, PackWriter& out) {
  if (axis == dense.shape.size()) {
    write_number(dense.dtype, at, out);
    return at + dense.item;
  }
  PackReader::check_depth(depth + 1);
  const auto length = static_cast<std::size_t>(dense.shape[axis]);
  if (length > left) FieldReader::fail("an empty array of too many lists");
  left -= length;
  out.list(length);
  for (std::size_t i = 0; i < length; ++i) {
    at = write_nested(dense, axis + 1, at, left, depth + 1, out);
  }
  return at;
}

void write_lists(Dense& dense, PackWriter& out, int depth) {
  std::vector<std::uint8_t> elements(dense.buffer.size());
  copy_elements(dense, elements.data());
  // Each element is at most in as many lists as there are axes.
  std::size_t left = dense.buffer.size() * (dense.shape.size() + 1) + 4096;
  write_nested(dense, 0, elements.data(), left, depth, out);
}

void write_sparse(ByteSpan message, ByteSpan parameters, std::string_view cls_name,
                  PackWriter& out) {
  Dense indices, values;
  std::vector<std::int64_t> shape;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.is(kIndices, kBytes)) indices = read_dense(field.bytes);
    if (field.is(kValues, kBytes)) values = read_dense(field.bytes);
    if (field.id == kSparseShape) read_shape(field, shape);
  }
  if (indices.empty() || values.empty()) FieldReader::fail("a sparse array without content");
  std::string_view format;
  for (FieldReader fields(parameters); !fields.done();) {
    const Field field = fields.next();
    if (!field.is(kOnlyField, kBytes)) continue;
    const Entry entry = map_entry(field.bytes);
    if (as_text(entry.key) != "sparse_format") continue;
    for (FieldReader value(entry.value); !value.done();) {
      const Field member = value.next();
      if (member.is(kStringValue, kBytes)) format = as_text(member.bytes);
    }
  }
  out.dict(5);
  out.key("cls_name");
  out.string(cls_name);
  out.key("sparse_format");
  out.string(format);
  out.key("indices");
  write_array(indices, out);
  out.key("values");
  write_array(values, out);
  out.key("shape");
  out.list(shape.size());
  for (const std::int64_t length : shape) out.integer(length);
}

struct NdArray {
  Dense dense;
  ByteSpan sparse, parameters, cls_name;
  bool is_sparse = false;
  bool is_set() const { return is_sparse || !dense.empty(); }
};

NdArray read_nd_array(ByteSpan message) {
  NdArray array;
  ByteSpan dense;
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.wire != kBytes) continue;
    if (field.id == kDense || field.id == kSparse) {
      array.is_sparse = field.id == kSparse;
      (array.is_sparse ? array.sparse : dense) = field.bytes;
    }
    if (field.id == kClsName) array.cls_name = field.bytes;
    if (field.id == kParameters) array.parameters = field.bytes;
  }
  if (!array.is_sparse) array.dense = read_dense(dense);
  return array;
}

void write_nd_array(NdArray& array, PackWriter& out, int depth) {
  if (array.is_sparse) {
    write_sparse(array.sparse, array.parameters, as_text(array.cls_name), out);
  } else if (as_text(array.cls_name) == "list" && !array.dense.shape.empty()) {
    write_lists(array.dense, out, depth);
  } else {
    write_array(array.dense, out);
  }
}

// ---- scores

void write_score(ByteSpan message, PackWriter& out) {
  static constexpr std::string_view kNames[] = {"", "value", "op_name", "description", "ref_id"};
  std::array<Field, 5> members{};
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.is(kValue, kFixed32)) members[kValue] = field;
    if (field.wire == kBytes && field.id >= kOpName && field.id <= kRefId) {
      members[field.id] = field;
    }
  }
  if (bits_float(members[kValue].number) == 0) members[kValue].id = 0;
  const auto is_set = [](const Field& field) {
    return field.id != 0 && (field.wire != kBytes || !field.bytes.empty());
  };
  out.dict(static_cast<std::size_t>(std::count_if(members.begin(), members.end(), is_set)));
  for (std::size_t id = kValue; id <= kRefId; ++id) {
    if (!is_set(members[id])) continue;
    out.key(kNames[id]);
    if (id == kValue) {
      out.real(bits_float(members[id].number));
    } else {
      out.string(as_text(members[id].bytes));
    }
  }
}

// ---- DocumentProto

constexpr std::size_t kFieldCount = kMetadata + 1;

constexpr std::array<std::string_view, kFieldCount> kNames = {
    "",          "id",      "blob",      "tensor",   "text",      "granularity", "adjacency",
    "parent_id", "weight",  "uri",       "modality", "mime_type", "offset",      "location",
    "chunks",    "matches", "embedding", "tags",     "scores",    "evaluations", "_metadata"};

constexpr std::array<Wire, kFieldCount> kWires = {
    kVarint, kBytes,   kBytes, kBytes, kBytes, kVarint, kVarint, kBytes, kFixed32, kBytes, kBytes,
    kBytes,  kFixed32, kBytes, kBytes, kBytes, kBytes,  kBytes,  kBytes, kBytes,   kBytes};

// The fields of one message, gathered before they are written, because packed
// values say their counts first.
class DocumentFields {
 public:
  explicit DocumentFields(ByteSpan message);
  void write(PackWriter& out, int depth);

 private:
  void add(const Field& field);
  void add_location(const Field& field);
  void finish();
  void write_field(std::uint32_t id, PackWriter& out, int depth);
  void write_documents(const std::vector<ByteSpan>& documents, PackWriter& out, int depth);
  void write_scores(std::vector<Entry>& entries, PackWriter& out);

  std::array<Field, kFieldCount> single_{};  // id 0 when it is not there
  std::vector<ByteSpan> chunks_, matches_;
  std::vector<Entry> scores_, evaluations_;
  std::vector<float> location_;
  NdArray tensor_, embedding_;
};

DocumentFields::DocumentFields(ByteSpan message) {
  for (FieldReader fields(message); !fields.done();) {
    const Field field = fields.next();
    if (field.id >= kFieldCount) continue;
    if (field.id == kLocation) {
      add_location(field);
    } else if (field.wire == kWires[field.id]) {
      add(field);
    }
  }
  finish();
}

void DocumentFields::add(const Field& field) {
  switch (field.id) {
    case kBlob:
    case kTensor:
    case kText:  // one of three: the last on the wire counts
      single_[kBlob] = single_[kTensor] = single_[kText] = Field{};
      single_[field.id] = field;
      return;
    case kChunks:
      return chunks_.push_back(field.bytes);
    case kMatches:
      return matches_.push_back(field.bytes);
    case kScores:
      return scores_.push_back(map_entry(field.bytes));
    case kEvaluations:
      return evaluations_.push_back(map_entry(field.bytes));
    default:
      single_[field.id] = field;
  }
}

void DocumentFields::add_location(const Field& field) {
  if (field.wire == kFixed32) location_.push_back(bits_float(field.number));
  if (field.wire != kBytes) return;
  for (FieldReader numbers(field.bytes); !numbers.done();) {
    location_.push_back(numbers.fixed<float>());
  }
}

// Leaves in single_ what counts as set, for repeated fields a mark.
void DocumentFields::finish() {
  for (std::uint32_t id = 1; id < kFieldCount; ++id) {
    Field& field = single_[id];
    if (field.id == 0) continue;
    const bool zero = field.wire == kFixed32  ? bits_float(field.number) == 0
                      : field.wire == kVarint ? static_cast<std::uint32_t>(field.number) == 0
                                              : field.bytes.empty();
    if (zero) field.id = 0;
  }
  if (single_[kTensor].id != 0) tensor_ = read_nd_array(single_[kTensor].bytes);
  if (single_[kEmbedding].id != 0) embedding_ = read_nd_array(single_[kEmbedding].bytes);
  if (!tensor_.is_set()) single_[kTensor].id = 0;
  if (!embedding_.is_set()) single_[kEmbedding].id = 0;
  drop_repeated(scores_);
  drop_repeated(evaluations_);
  if (!chunks_.empty()) single_[kChunks].id = kChunks;
  if (!matches_.empty()) single_[kMatches].id = kMatches;
  if (!scores_.empty()) single_[kScores].id = kScores;
  if (!evaluations_.empty()) single_[kEvaluations].id = kEvaluations;
  if (!location_.empty()) single_[kLocation].id = kLocation;
}

void DocumentFields::write(PackWriter& out, int depth) {
  PackReader::check_depth(depth + 1);
  out.dict(static_cast<std::size_t>(std::count_if(
      single_.begin(), single_.end(), [](const Field& field) { return field.id != 0; })));
  for (std::uint32_t id = 1; id < kFieldCount; ++id) {
    if (single_[id].id == 0) continue;
    out.key(kNames[id]);
    write_field(id, out, depth + 1);
  }
}

void DocumentFields::write_field(std::uint32_t id, PackWriter& out, int depth) {
  const Field& field = single_[id];
  switch (id) {
    case kBlob:
      return out.bytes(field.bytes);
    case kTensor:
      return write_nd_array(tensor_, out, depth);
    case kEmbedding:
      return write_nd_array(embedding_, out, depth);
    case kGranularity:
    case kAdjacency:
      return out.integer(static_cast<std::uint32_t>(field.number));
    case kWeight:
    case kOffset:
      return out.real(bits_float(field.number));
    case kLocation:
      out.list(location_.size());
      for (const float number : location_) out.real(number);
      return;
    case kChunks:
      return write_documents(chunks_, out, depth);
    case kMatches:
      return write_documents(matches_, out, depth);
    case kTags:
    case kMetadata:
      return write_struct(field.bytes, out, depth);
    case kScores:
      return write_scores(scores_, out);
    case kEvaluations:
      return write_scores(evaluations_, out);
    default:
      return out.string(as_text(field.bytes));
  }
}

void DocumentFields::write_documents(const std::vector<ByteSpan>& documents, PackWriter& out,
                                     int depth) {
  PackReader::check_depth(depth + 1);
  out.list(documents.size());
  for (const ByteSpan document : documents) DocumentFields(document).write(out, depth + 1);
}

void DocumentFields::write_scores(std::vector<Entry>& entries, PackWriter& out) {
  out.dict(entries.size());
  for (const Entry& entry : entries) {
    out.key(as_text(entry.key));
    write_score(entry.value, out);
  }
}

}  // namespace

void proto_to_packed(ByteSpan message, PackWriter& out) { DocumentFields(message).write(out, 0); }

bool proto_next_document(ByteSpan& message, ByteSpan& document) {
  FieldReader fields(message);
  while (!fields.done()) {
    const Field field = fields.next();
    if (!field.is(kOnlyField, kBytes)) continue;
    document = field.bytes;
    message = fields.rest();
    return true;
  }
  message = {};
  return false;
}

}  // namespace docstore
