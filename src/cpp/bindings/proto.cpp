#include "../proto.hpp"

#include "../errors.hpp"
#include "bindings.hpp"
#include "values.hpp"

namespace docstore::bindings {
namespace {

void pack_into(PackWriter& packed, py::handle record) {
  packed.buffer().clear();
  ValueEncoder(packed).write(record.ptr());
}

py::bytes encode(py::handle record) {
  PackWriter packed;
  pack_into(packed, record);
  PackReader reader(packed.buffer().span());
  ByteBuffer out;
  proto_from_packed(reader, out);
  return make_bytes(out.data(), out.size());
}

py::object decode(py::handle data) {
  InputBytes input(data);
  PackWriter packed;
  proto_to_packed(input.span(), packed);
  return ValueDecoder().decode(packed.buffer().span());
}

// Says which record of many is to blame.
[[noreturn]] void refuse_record(std::size_t index, const std::string& why) {
  raise_encode_error("[" + std::to_string(index) + "]: " + why);
}

py::bytes encode_array(const py::sequence& records) {
  PackWriter packed;
  ByteBuffer out;
  std::size_t index = 0;
  for (const py::handle record : records) {
    pack_into(packed, record);
    PackReader reader(packed.buffer().span());
    try {
      proto_add_document(reader, out);
    } catch (const EncodeError& error) {
      refuse_record(index, error.what());
    }
    ++index;
  }
  return make_bytes(out.data(), out.size());
}

py::list decode_array(py::handle data) {
  InputBytes input(data);
  ByteSpan rest = input.span();
  ByteSpan document;
  PackWriter packed;
  py::list records;
  while (proto_next_document(rest, document)) {
    packed.buffer().clear();
    proto_to_packed(document, packed);
    records.append(ValueDecoder().decode(packed.buffer().span()));
  }
  return records;
}

}  // namespace

void register_proto(py::module_& module) {
  using namespace py::literals;
  module.def("proto_encode", &encode, "record"_a, "Plain fields as a legacy DocumentProto.");
  module.def("proto_decode", &decode, "data"_a, "The plain fields of a legacy DocumentProto.");
  module.def("proto_encode_array", &encode_array, "records"_a,
             "Records as a legacy DocumentArrayProto.");
  module.def("proto_decode_array", &decode_array, "data"_a,
             "The records of a legacy DocumentArrayProto.");
}

}  // namespace docstore::bindings
