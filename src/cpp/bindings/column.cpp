#include "column.hpp"

#include <memory>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "errors.hpp"

namespace docstore::bindings {
namespace {

// The matrix in the column's own type and length. Numbers may lose precision,
// but not their kind: floats do not become integers.
py::array fitting(const Column& column, const py::handle& object) {
  py::array rows = matrix(object, "vectors");
  if (length(rows, 1) != column.dim()) {
    throw DimensionMismatch("the column holds vectors of length " + std::to_string(column.dim()) +
                            ", but vectors has the shape " + shape_of(rows));
  }
  if (dtype_of(rows) == column.dtype()) return rows;
  const py::dtype wanted = numpy_dtype(column.dtype());
  const py::object can_cast = py::module_::import("numpy").attr("can_cast");
  if (!can_cast(rows.dtype(), wanted, "same_kind").cast<bool>()) {
    throw InvalidType("a column of " + std::string(py::str(wanted)) + " cannot hold vectors of " +
                      std::string(py::str(rows.dtype())) + "; convert them first");
  }
  return rows.attr("astype")(wanted, py::arg("order") = "C");
}

std::size_t append(Column& column, const py::handle& object) {
  const py::array rows = fitting(column, object);
  const std::byte* data = bytes_of(rows);
  const std::size_t count = length(rows);
  const std::ptrdiff_t stride = rows.strides(0);
  const py::gil_scoped_release unlocked;
  return column.append(data, stride, count);
}

void set(Column& column, const py::handle& lines, const py::handle& object) {
  const py::array_t<std::int64_t> numbers = line_numbers(lines, "lines");
  const py::array rows = fitting(column, object);
  if (length(numbers) != length(rows)) {
    throw InvalidArgument(std::to_string(length(numbers)) + " lines were named, but vectors has " +
                          std::to_string(length(rows)) + " rows");
  }
  // Copied, so that no other thread can change a number that was checked.
  const std::vector<std::int64_t> wanted(numbers.data(), numbers.data() + numbers.size());
  const std::byte* data = bytes_of(rows);
  const std::ptrdiff_t stride = rows.strides(0);
  const py::gil_scoped_release unlocked;
  column.set(wanted.data(), data, stride, wanted.size());
}

py::array view(const Column& column) {
  auto snapshot = std::make_unique<Column::Snapshot>(column.snapshot());
  const std::byte* data = snapshot->buffer->data();
  const auto lines = static_cast<py::ssize_t>(snapshot->lines);
  const py::capsule keeper(snapshot.get(),
                           [](void* p) { delete static_cast<Column::Snapshot*>(p); });
  static_cast<void>(snapshot.release());  // the capsule owns it now
  const auto dim = static_cast<py::ssize_t>(column.dim());
  const auto item = static_cast<py::ssize_t>(size_of(column.dtype()));
  py::array array(numpy_dtype(column.dtype()), {lines, dim}, {dim * item, item}, data, keeper);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

std::unique_ptr<Column> make(const py::object& dtype, py::ssize_t dim) {
  const py::dtype type = py::dtype::from_args(dtype);
  const DType known = dtype_of(py::array(type, std::vector<py::ssize_t>{0}));
  if (dim < 1) throw InvalidArgument("dim must be at least 1, not " + std::to_string(dim));
  return std::make_unique<Column>(known, static_cast<std::size_t>(dim));
}

void truncate(Column& column, py::ssize_t n) {
  if (n < 0) throw InvalidArgument("n must be at least 0, not " + std::to_string(n));
  column.truncate(static_cast<std::size_t>(n));
}

}  // namespace

void register_column(py::module_& module) {
  py::class_<Column>(module, "Column",
                     "Vectors of one length and type in one growable, aligned block of memory.\n\n"
                     "All methods are atomic and may be called from any thread.")
      .def(py::init(&make), py::arg("dtype"), py::arg("dim"))
      .def("append", &append, py::arg("vectors"),
           "Add the rows of a matrix; returns the line of the first.")
      .def("set", &set, py::arg("lines"), py::arg("vectors"), "Overwrite lines.")
      .def("array", &view,
           "A read-only view of all lines. It keeps its memory alive and never changes.")
      .def("truncate", &truncate, py::arg("n"), "Forget all lines from n on.")
      .def("__len__", &Column::size)
      .def_property_readonly("dim", &Column::dim)
      .def_property_readonly("dtype",
                             [](const Column& column) { return numpy_dtype(column.dtype()); })
      .def_property_readonly("nbytes", &Column::nbytes, "Bytes held, spare room included.");
}

}  // namespace docstore::bindings
