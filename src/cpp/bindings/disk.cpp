#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "disk_engine.hpp"
#include "errors.hpp"

namespace py = pybind11;

namespace docstore::bindings {
namespace {

using disk::Batch;
using disk::Bytes;
using disk::DiskEngine;
using disk::VectorAction;
using disk::VectorType;
using RowArray = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using OffsetArray = py::array_t<std::uint64_t, py::array::c_style | py::array::forcecast>;
using ActionArray = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

struct TypeName {
  VectorType type;
  const char* name;
};

constexpr TypeName kTypeNames[] = {
    {VectorType::kFloat32, "float32"}, {VectorType::kFloat64, "float64"},
    {VectorType::kFloat16, "float16"}, {VectorType::kInt8, "int8"},
    {VectorType::kUint8, "uint8"},     {VectorType::kInt16, "int16"},
    {VectorType::kUint16, "uint16"},   {VectorType::kInt32, "int32"},
    {VectorType::kUint32, "uint32"},   {VectorType::kInt64, "int64"},
    {VectorType::kUint64, "uint64"},
};

const char* name_of(VectorType type) {
  for (const TypeName& one : kTypeNames) {
    if (one.type == type) return one.name;
  }
  throw CorruptData("a vector field of an unknown type");
}

VectorType type_of(const py::array& array) {
  for (const TypeName& one : kTypeNames) {
    if (py::dtype(one.name).is(array.dtype())) return one.type;
  }
  throw InvalidArgument("vectors of the type " + std::string(py::str(array.dtype())) +
                        " cannot be stored");
}

// A NumPy array over the memory of a vector; nothing is copied.
template <class T>
py::array_t<T> to_array(std::vector<T> values) {
  auto* moved = new std::vector<T>(std::move(values));
  const py::capsule owner(moved, [](void* at) { delete static_cast<std::vector<T>*>(at); });
  return py::array_t<T>(static_cast<py::ssize_t>(moved->size()), moved->data(), owner);
}

// Keeps a Python object alive from the core. Let go of with the GIL held.
std::shared_ptr<const void> keep(py::object object) {
  return std::make_shared<py::object>(std::move(object));
}

std::span<const std::int64_t> span_of(const RowArray& rows) {
  if (rows.ndim() != 1) throw InvalidArgument("rows must be a one-dimensional array");
  return {rows.data(), static_cast<std::size_t>(rows.size())};
}

// Text of a str, or a null view where it cannot be written as UTF-8.
std::string_view text_of(py::handle text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data == nullptr) {
    PyErr_Clear();
    return {};
  }
  return {data, static_cast<std::size_t>(size)};
}

std::vector<std::string> take_ids(const py::object& ids) {
  std::vector<std::string> taken;
  if (ids.is_none()) return taken;
  const auto list = py::cast<py::list>(ids);
  taken.reserve(list.size());
  for (const py::handle id : list) {
    const std::string_view text = text_of(id);
    if (text.data() == nullptr) throw InvalidArgument("an id must be text that UTF-8 can hold");
    taken.emplace_back(text);
  }
  return taken;
}

disk::Payloads take_payloads(const py::object& blob, const py::object& offsets) {
  disk::Payloads taken;
  if (blob.is_none()) return taken;
  const auto bytes = py::cast<py::bytes>(blob);
  const auto places = py::cast<OffsetArray>(offsets);
  const std::string_view view = bytes;
  taken.blob = {std::as_bytes(std::span(view.data(), view.size())), keep(bytes)};
  taken.offsets.assign(places.data(), places.data() + places.size());
  return taken;
}

disk::VectorLines take_vectors(const py::object& vectors, const py::object& actions) {
  disk::VectorLines taken;
  if (actions.is_none()) return taken;
  const auto marks = py::cast<ActionArray>(actions);
  for (py::ssize_t i = 0; i < marks.size(); ++i) {
    if (marks.data()[i] > 2) throw InvalidArgument("an unknown vector action");
    taken.actions.push_back(static_cast<VectorAction>(marks.data()[i]));
  }
  if (vectors.is_none()) return taken;
  const auto matrix = py::cast<py::array>(vectors);
  if (matrix.ndim() != 2 || !(matrix.flags() & py::array::c_style)) {
    throw InvalidArgument("vectors must be a contiguous array of two dimensions");
  }
  taken.spec.type = type_of(matrix);
  taken.spec.dim = static_cast<std::uint64_t>(matrix.shape(1));
  taken.lines = {Bytes(static_cast<const std::byte*>(matrix.data()),
                       static_cast<std::size_t>(matrix.nbytes())),
                 keep(matrix)};
  return taken;
}

std::vector<std::int64_t> take_rows(const RowArray& rows) {
  const auto span = span_of(rows);
  return {span.begin(), span.end()};
}

py::list ids_of(const DiskEngine& engine, const RowArray& rows) {
  const auto span = span_of(rows);
  std::vector<std::string> ids;
  {
    const py::gil_scoped_release release;
    ids = engine.ids(span);
  }
  py::list list(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) list[i] = py::str(ids[i]);
  return list;
}

RowArray lookup(DiskEngine& engine, const py::list& ids) {
  std::vector<std::string_view> texts;
  texts.reserve(ids.size());
  // An id that is no text is not in any store: the null view stands for it.
  for (const py::handle id : ids) texts.push_back(text_of(id));
  std::vector<std::int64_t> rows;
  {
    const py::gil_scoped_release release;
    rows = engine.lookup(texts);
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].data() == nullptr) rows[i] = -1;
  }
  return to_array(std::move(rows));
}

py::tuple payloads_of(const DiskEngine& engine, const RowArray& rows) {
  const auto span = span_of(rows);
  disk::RecordBlob found;
  {
    const py::gil_scoped_release release;
    found = engine.payloads(span);
  }
  return py::make_tuple(
      py::bytes(reinterpret_cast<const char*>(found.blob.data()), found.blob.size()),
      to_array(std::move(found.offsets)));
}

// (matrix, lines, contiguous); the matrix keeps the mapped file alive.
py::object to_python(disk::VectorsView view) {
  if (!view.mapping) return py::none();
  using Owner = std::shared_ptr<const disk::Mapping>;
  const py::capsule owner(new Owner(view.mapping),
                          [](void* at) { delete static_cast<Owner*>(at); });
  py::array matrix(py::dtype(name_of(view.spec.type)),
                   {static_cast<py::ssize_t>(view.lines), static_cast<py::ssize_t>(view.spec.dim)},
                   view.data, owner);
  matrix.attr("setflags")(py::arg("write") = false);
  return py::make_tuple(matrix, to_array(std::move(view.by_position)), view.contiguous);
}

py::object vectors(const DiskEngine& engine) {
  std::optional<disk::VectorsView> view;
  {
    const py::gil_scoped_release release;
    view = engine.vectors();
  }
  return view ? to_python(std::move(*view)) : py::none();
}

py::object vectors_of(const DiskEngine& engine, const RowArray& rows) {
  const auto span = span_of(rows);
  disk::VectorsView view;
  {
    const py::gil_scoped_release release;
    view = engine.vectors_of(span);
  }
  return to_python(std::move(view));
}

RowArray positions(const DiskEngine& engine, const RowArray& rows) {
  const auto span = span_of(rows);
  std::vector<std::int64_t> found;
  {
    const py::gil_scoped_release release;
    found = engine.positions(span);
  }
  return to_array(std::move(found));
}

RowArray rows_of(const DiskEngine& engine, std::uint64_t start, std::uint64_t stop) {
  std::vector<std::int64_t> found;
  {
    const py::gil_scoped_release release;
    found = engine.rows(start, stop);
  }
  return to_array(std::move(found));
}

RowArray write(DiskEngine& engine, const Batch& batch) {
  std::vector<std::int64_t> rows;
  {
    const py::gil_scoped_release release;
    rows = engine.write(batch);
  }
  return to_array(std::move(rows));
}

py::dict facts_of(const DiskEngine& engine) {
  using namespace py::literals;
  const disk::EngineFacts facts = engine.facts();
  return py::dict("generation"_a = facts.generation, "disk_bytes"_a = facts.disk_bytes,
                  "dead_bytes"_a = facts.dead_bytes, "recovered_bytes"_a = facts.recovered_bytes,
                  "rebuilt"_a = facts.rebuilt);
}

py::object vector_type(const DiskEngine& engine) {
  const auto spec = engine.vector_spec();
  if (!spec) return py::none();
  return py::make_tuple(name_of(spec->type), spec->dim);
}

std::unique_ptr<DiskEngine> open_engine(std::string path, bool read_only, bool create,
                                        bool full_sync, std::string config) {
  disk::EngineOptions options;
  options.read_only = read_only;
  options.create = create;
  options.full_sync = full_sync;
  options.config = std::move(config);
  const py::gil_scoped_release release;
  return std::make_unique<DiskEngine>(std::move(path), std::move(options));
}

void register_batch(py::module_& module) {
  py::class_<Batch>(module, "DiskBatch", "Changes to a DiskEngine, done together or not at all.")
      .def(py::init<>())
      .def(
          "insert",
          [](Batch& batch, std::uint64_t position, const py::object& ids, const py::object& blob,
             const py::object& offsets, const py::object& lines, const py::object& actions) {
            batch.push_back(disk::InsertRows{position, take_ids(ids), take_payloads(blob, offsets),
                                             take_vectors(lines, actions)});
          },
          py::arg("position"), py::arg("ids"), py::arg("blob"), py::arg("offsets"),
          py::arg("vectors") = py::none(), py::arg("actions") = py::none())
      .def(
          "update",
          [](Batch& batch, const RowArray& rows, const py::object& ids, const py::object& blob,
             const py::object& offsets, const py::object& lines, const py::object& actions) {
            batch.push_back(disk::UpdateRows{take_rows(rows), take_ids(ids),
                                             take_payloads(blob, offsets),
                                             take_vectors(lines, actions)});
          },
          py::arg("rows"), py::arg("ids") = py::none(), py::arg("blob") = py::none(),
          py::arg("offsets") = py::none(), py::arg("vectors") = py::none(),
          py::arg("actions") = py::none())
      .def(
          "delete",
          [](Batch& batch, const RowArray& rows) {
            batch.push_back(disk::DeleteRows{take_rows(rows)});
          },
          py::arg("rows"))
      .def(
          "reorder",
          [](Batch& batch, const RowArray& rows) {
            batch.push_back(disk::ReorderRows{take_rows(rows)});
          },
          py::arg("rows"))
      .def("clear", [](Batch& batch) { batch.push_back(disk::ClearRows{}); });
}

void register_engine(py::module_& module) {
  using Release = py::call_guard<py::gil_scoped_release>;
  py::class_<DiskEngine>(module, "DiskEngine", "One open store in a directory.")
      .def(py::init(&open_engine), py::arg("path"), py::arg("read_only") = false,
           py::arg("create") = true, py::arg("full_sync") = false, py::arg("config") = "")
      .def("__len__", &DiskEngine::size, Release())
      .def_property_readonly("sequence", py::cpp_function(&DiskEngine::sequence, Release()))
      .def_property_readonly("version", &DiskEngine::version)
      .def_property_readonly("closed", &DiskEngine::closed)
      .def_property_readonly("in_transaction", &DiskEngine::in_transaction)
      .def_property_readonly("vector_count", py::cpp_function(&DiskEngine::vector_count, Release()))
      .def_property_readonly("vector_type", &vector_type)
      .def("config", &DiskEngine::config, Release())
      .def("set_config", &DiskEngine::set_config, py::arg("config"), Release())
      .def("facts", &facts_of)
      .def("rows", &rows_of, py::arg("start"), py::arg("stop"))
      .def("positions", &positions, py::arg("rows"))
      .def("lookup", &lookup, py::arg("ids"))
      .def("ids", &ids_of, py::arg("rows"))
      .def("payloads", &payloads_of, py::arg("rows"))
      .def("vectors", &vectors)
      .def("vectors_of", &vectors_of, py::arg("rows"))
      .def("write", &write, py::arg("batch"))
      .def("begin", &DiskEngine::begin, Release())
      .def("commit", &DiskEngine::commit, Release())
      .def("rollback", &DiskEngine::rollback, Release())
      .def("flush", &DiskEngine::flush, Release())
      .def("refresh", &DiskEngine::refresh, Release())
      .def("compact", &DiskEngine::compact, Release())
      .def("close", &DiskEngine::close, Release());
}

}  // namespace

void register_disk(py::module_& module) {
  register_batch(module);
  register_engine(module);
}

}  // namespace docstore::bindings
