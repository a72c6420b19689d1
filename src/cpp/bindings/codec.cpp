#include <pybind11/stl.h>

#include "../crc32c.hpp"
#include "../errors.hpp"
#include "../pickle_scan.hpp"
#include "bindings.hpp"
#include "values.hpp"

namespace docstore::bindings {
namespace {

using Offsets = py::array_t<std::uint64_t, py::array::c_style>;

// The parts of a blob: record i lies from offset i to offset i + 1. An empty
// one stands for no value.
class Parts {
 public:
  Parts(ByteSpan blob, const Offsets& offsets) : blob_(blob), at_(offsets.data()) {
    if (offsets.ndim() != 1 || offsets.size() < 1) {
      throw InvalidArgument("offsets: expected one dimension with at least one number");
    }
    count_ = static_cast<std::size_t>(offsets.size()) - 1;
  }

  std::size_t size() const noexcept { return count_; }

  ByteSpan operator[](std::size_t i) const {
    const std::uint64_t from = at_[i];
    const std::uint64_t to = at_[i + 1];
    if (from > to || to > blob_.size()) throw CorruptData("packed column: an offset is outside");
    return blob_.subspan(from, to - from);
  }

  // Line `index` as Python counts.
  ByteSpan at(std::int64_t index) const {
    const auto count = static_cast<std::int64_t>(count_);
    if (index < -count || index >= count) throw py::index_error("no such line in the column");
    return (*this)[static_cast<std::size_t>(index < 0 ? index + count : index)];
  }

 private:
  ByteSpan blob_;
  const std::uint64_t* at_;
  std::size_t count_;
};

py::bytes pack(py::handle value) {
  PackWriter out;
  ValueEncoder(out).write(value.ptr());
  return make_bytes(out.data(), out.size());
}

py::object unpack(py::handle data, bool copy) {
  InputBytes input(data);
  return ValueDecoder(input, copy).decode(input.span());
}

py::tuple pack_many(py::handle values) {
  const py::object items = py::reinterpret_steal<py::object>(
      PySequence_Fast(values.ptr(), "pack_many needs a sequence of values"));
  if (!items) throw py::error_already_set();
  const auto count = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items.ptr()));
  Offsets offsets(static_cast<py::ssize_t>(count + 1));
  std::uint64_t* at = offsets.mutable_data();
  PackWriter out;
  at[0] = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items.ptr())) != count) {
      throw InvalidArgument("pack_many: the sequence changed while it was written");
    }
    const auto value = py::reinterpret_borrow<py::object>(
        PySequence_Fast_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)));
    if (!value.is_none()) ValueEncoder(out).write(value.ptr());
    at[i + 1] = out.size();
  }
  return py::make_tuple(make_bytes(out.data(), out.size()), std::move(offsets));
}

py::object decode_part(ValueDecoder& decoder, ByteSpan part) {
  return part.empty() ? py::object(py::none()) : decoder.decode(part);
}

py::object unpack_at(py::handle blob, const Offsets& offsets, std::int64_t index, bool copy) {
  InputBytes input(blob);
  ValueDecoder decoder(input, copy);
  return decode_part(decoder, Parts(input.span(), offsets).at(index));
}

py::list unpack_many(py::handle blob, const Offsets& offsets,
                     const std::optional<py::array_t<std::int64_t, py::array::c_style>>& rows,
                     bool copy) {
  InputBytes input(blob);
  ValueDecoder decoder(input, copy);
  const Parts parts(input.span(), offsets);
  const std::size_t count = rows ? static_cast<std::size_t>(rows->size()) : parts.size();
  py::list result(count);
  for (std::size_t i = 0; i < count; ++i) {
    const ByteSpan part = rows ? parts.at(rows->data()[i]) : parts[i];
    PyList_SET_ITEM(result.ptr(), static_cast<Py_ssize_t>(i),
                    decode_part(decoder, part).release().ptr());
  }
  return result;
}

py::object decode_path(ValueDecoder& decoder, ByteSpan part, std::span<const PathStep> path) {
  if (part.empty()) return py::none();
  PackReader reader(part);
  return reader.find(path) ? decoder.read(reader) : py::object(py::none());
}

py::object unpack_path(py::handle data, py::handle path, bool copy) {
  InputBytes input(data);
  ValueDecoder decoder(input, copy);
  return decode_path(decoder, input.span(), path_steps(path));
}

py::list unpack_column(py::handle blob, const Offsets& offsets, py::handle path, bool copy) {
  const std::vector<PathStep> steps = path_steps(path);
  InputBytes input(blob);
  ValueDecoder decoder(input, copy);
  const Parts parts(input.span(), offsets);
  py::list result(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    PyList_SET_ITEM(result.ptr(), static_cast<Py_ssize_t>(i),
                    decode_path(decoder, parts[i], steps).release().ptr());
  }
  return result;
}

py::list unpack_paths(const py::sequence& items, py::handle path, bool copy) {
  const std::vector<PathStep> steps = path_steps(path);
  py::list result;
  for (const py::handle item : items) {
    if (item.is_none()) {
      result.append(py::none());
      continue;
    }
    InputBytes input(item);
    ValueDecoder decoder(input, copy);
    result.append(decode_path(decoder, input.span(), steps));
  }
  return result;
}

// A dict without one of its keys.
py::object without(PyObject* record, py::handle key) {
  if (!PyDict_Check(record)) throw py::type_error("pack_rows needs a list of dict");
  const int there = PyDict_Contains(record, key.ptr());
  if (there == 0) return py::reinterpret_borrow<py::object>(record);
  auto rest = py::reinterpret_steal<py::object>(there < 0 ? nullptr : PyDict_Copy(record));
  if (!rest || PyDict_DelItem(rest.ptr(), key.ptr()) != 0) throw py::error_already_set();
  return rest;
}

py::tuple pack_rows(const py::list& records,
                    const py::array_t<std::int64_t, py::array::c_style>& rows, py::str leave_out) {
  const std::size_t count = records.size();
  if (static_cast<std::size_t>(rows.size()) != count) {
    throw InvalidArgument("pack_rows: expected a row for each record");
  }
  py::list payloads;
  py::list checksums;
  PackWriter out;
  for (std::size_t i = 0; i < count; ++i) {
    if (records.size() != count) {
      throw InvalidArgument("pack_rows: the list changed while it was written");
    }
    const py::object record =
        without(PyList_GET_ITEM(records.ptr(), static_cast<Py_ssize_t>(i)), leave_out);
    out.buffer().clear();
    ValueEncoder(out).write(record.ptr());
    payloads.append(py::reinterpret_steal<py::object>(PyByteArray_FromStringAndSize(
        reinterpret_cast<const char*>(out.data()), static_cast<Py_ssize_t>(out.size()))));
    checksums.append(crc32c(out.data(), out.size(), static_cast<std::uint32_t>(rows.data()[i])));
  }
  return py::make_tuple(std::move(payloads), std::move(checksums));
}

py::list json_paths(const py::sequence& items, py::handle path) {
  const std::vector<PathStep> steps = path_steps(path);
  py::list result;
  std::string text;
  for (const py::handle item : items) {
    InputBytes input(item);
    PackReader reader(input.span());
    text.clear();
    if (reader.find(steps) && write_json(reader, text)) {
      result.append(py::str(text));
    } else {
      result.append(py::none());
    }
  }
  return result;
}

// Whether an array can be one line of a matrix whose first line is `like`.
bool same_line(const py::array& array, const py::array& like) {
  const bool same_type =
      array.dtype().ptr() == like.dtype().ptr() ||
      py::detail::npy_api::get().PyArray_EquivTypes_(array.dtype().ptr(), like.dtype().ptr());
  return same_type && array.ndim() == like.ndim() &&
         std::equal(array.shape(), array.shape() + array.ndim(), like.shape());
}

// The ndarrays of a list under each other, with zeros where there is None, and
// which are there (None when all); None when they make no matrix: other
// values, other types or shapes, or fewer than half of them there.
py::object stack_rows(const py::list& values) {
  const auto& api = py::detail::npy_api::get();
  py::array first;
  std::size_t there = 0;
  const std::size_t count = values.size();
  for (const py::handle value : values) {
    if (value.is_none()) continue;
    if (Py_TYPE(value.ptr()) != api.PyArray_Type_) return py::none();
    const auto array = py::reinterpret_borrow<py::array>(value);
    if (there++ == 0) {
      first = array;
    } else if (!same_line(array, first)) {
      return py::none();
    }
  }
  if (there * 2 < count || there == 0 || first.ndim() == 0 || first.ndim() >= 30) return py::none();
  std::string buffer;
  const std::string_view spelled = stored_dtype(first.dtype(), buffer);
  const std::uint8_t code = pack_dtype_code(spelled);
  if (code == kNamedDtype) return py::none();
  std::array<std::int64_t, 32> shape{static_cast<std::int64_t>(count)};
  std::copy_n(first.shape(), first.ndim(), shape.begin() + 1);
  auto matrix = py::reinterpret_steal<py::array>(
      new_array(dtype_object(code, spelled), static_cast<int>(first.ndim()) + 1, shape.data())
          .release());
  py::array_t<bool> present(static_cast<py::ssize_t>(count));
  auto* out = static_cast<std::uint8_t*>(matrix.mutable_data());
  const auto line = static_cast<std::size_t>(first.nbytes());
  for (std::size_t i = 0; i < count; ++i, out += line) {
    // Making an array of another layout plain runs no code of the caller, so
    // the list is as it was when it was checked.
    const py::handle value = PyList_GET_ITEM(values.ptr(), static_cast<Py_ssize_t>(i));
    present.mutable_data()[i] = !value.is_none();
    if (line == 0) continue;
    if (value.is_none()) {
      std::memset(out, 0, line);
    } else {
      std::memcpy(out, stored_layout(py::reinterpret_borrow<py::array>(value)).data(), line);
    }
  }
  return py::make_tuple(std::move(matrix),
                        there == count ? py::object(py::none()) : py::object(present));
}

void check_pickle_bytes(py::handle data) {
  InputBytes input(data);
  check_pickle(input.span());
}

std::uint32_t checksum(py::handle data, std::uint32_t seed) {
  InputBytes input(data);
  const ByteSpan bytes = input.span();
  if (bytes.size() < 4096) return crc32c(bytes.data(), bytes.size(), seed);
  py::gil_scoped_release release;
  return crc32c(bytes.data(), bytes.size(), seed);
}

}  // namespace

void register_codec(py::module_& module) {
  using namespace py::literals;
  module.def("pack", &pack, "value"_a,
             "A value as bytes; EncodeError names the place that cannot.");
  module.def("unpack", &unpack, "data"_a, py::kw_only(), "copy"_a = false,
             "The value that pack wrote. Arrays are read-only views where they can be.");
  module.def("pack_many", &pack_many, "values"_a,
             "Values as one blob and the n + 1 offsets of its parts; None is an empty part.");
  module.def("unpack_at", &unpack_at, "blob"_a, "offsets"_a, "index"_a, py::kw_only(),
             "copy"_a = false, "One value of a blob; None for an empty part.");
  module.def("unpack_many", &unpack_many, "blob"_a, "offsets"_a, "rows"_a = py::none(),
             py::kw_only(), "copy"_a = false, "All values of a blob, or those of some rows.");
  module.def("unpack_path", &unpack_path, "data"_a, "path"_a, py::kw_only(), "copy"_a = false,
             "What the path leads to inside a packed value; None when there is nothing.");
  module.def("unpack_column", &unpack_column, "blob"_a, "offsets"_a, "path"_a, py::kw_only(),
             "copy"_a = false, "What the path leads to inside each value of a blob.");
  module.def("unpack_paths", &unpack_paths, "items"_a, "path"_a, py::kw_only(), "copy"_a = false,
             "What the path leads to inside each of many packed values.");
  module.def("pack_rows", &pack_rows, "records"_a, "rows"_a, "leave_out"_a,
             "Each dict packed without one key, as bytearray, and the CRC-32C of each, started "
             "with its row.");
  module.def("json_paths", &json_paths, "items"_a, "path"_a,
             "What the path leads to inside each of many packed values, as JSON; None when there "
             "is nothing, or SQLite could not read it back as it is.");
  module.def("stack_rows", &stack_rows, "values"_a,
             "Arrays of one type and shape as (matrix, present or None); None when they are not.");
  module.def("check_pickle", &check_pickle_bytes, "data"_a,
             "Raise CorruptData for a pickle that could harm whoever unpickles it.");
  module.def("crc32c", &checksum, "data"_a, "seed"_a = 0, "The CRC-32C checksum of bytes.");
}

}  // namespace docstore::bindings
