#include "arrays.hpp"

#include <optional>

#include "errors.hpp"

namespace docstore::bindings {
namespace {

std::optional<DType> find_dtype(const py::array& array) {
  const py::dtype type = array.dtype();
  const auto size = type.itemsize();
  switch (type.kind()) {
    case 'f':
      if (size == 2) return DType::kFloat16;
      if (size == 4) return DType::kFloat32;
      if (size == 8) return DType::kFloat64;
      break;
    case 'i':
      if (size == 1) return DType::kInt8;
      if (size == 2) return DType::kInt16;
      if (size == 4) return DType::kInt32;
      if (size == 8) return DType::kInt64;
      break;
    case 'u':
      if (size == 1) return DType::kUInt8;
      if (size == 2) return DType::kUInt16;
      if (size == 4) return DType::kUInt32;
      if (size == 8) return DType::kUInt64;
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::string name_of_type(const py::array& array) { return py::str(array.dtype()); }

bool is_native(const py::array& array) { return array.dtype().attr("isnative").cast<bool>(); }

}  // namespace

py::array numbers(const py::handle& object, const char* name) {
  py::array array = py::array::ensure(py::reinterpret_borrow<py::object>(object));
  if (!array) {
    PyErr_Clear();
    throw InvalidType(std::string(name) + " must be an array of numbers, not " +
                      std::string(py::str(py::type::of(object).attr("__name__"))));
  }
  if (!find_dtype(array)) {
    throw InvalidType(std::string(name) + " must hold float16, float32, float64 or integers, not " +
                      name_of_type(array));
  }
  if (!is_native(array)) {
    array = array.attr("astype")(array.dtype().attr("newbyteorder")("="));
  }
  return array;
}

py::array matrix(const py::handle& object, const char* name) {
  py::array array = numbers(object, name);
  if (array.ndim() != 2) {
    throw InvalidArgument(std::string(name) + " must have two dimensions, a row for each vector; " +
                          "its shape is " + shape_of(array));
  }
  if (array.shape(1) > 1 && array.strides(1) != array.itemsize()) {
    array = py::module_::import("numpy").attr("ascontiguousarray")(array);
  }
  return array;
}

DType dtype_of(const py::array& array) {
  const std::optional<DType> found = find_dtype(array);
  if (!found) throw InvalidType("vectors of " + name_of_type(array) + " are not supported");
  return *found;
}

py::dtype numpy_dtype(DType type) {
  switch (type) {
    case DType::kFloat16:
      return py::dtype("float16");
    case DType::kFloat32:
      return py::dtype::of<float>();
    case DType::kFloat64:
      return py::dtype::of<double>();
    case DType::kInt8:
      return py::dtype::of<std::int8_t>();
    case DType::kUInt8:
      return py::dtype::of<std::uint8_t>();
    case DType::kInt16:
      return py::dtype::of<std::int16_t>();
    case DType::kUInt16:
      return py::dtype::of<std::uint16_t>();
    case DType::kInt32:
      return py::dtype::of<std::int32_t>();
    case DType::kUInt32:
      return py::dtype::of<std::uint32_t>();
    case DType::kInt64:
      return py::dtype::of<std::int64_t>();
    case DType::kUInt64:
      return py::dtype::of<std::uint64_t>();
  }
  throw InvalidType("unknown type of vectors");
}

py::array_t<std::int64_t> line_numbers(const py::handle& object, const char* name) {
  py::array array = py::array::ensure(py::reinterpret_borrow<py::object>(object));
  if (!array) {
    PyErr_Clear();
    throw InvalidType(std::string(name) + " must be an array of line numbers");
  }
  const char kind = array.dtype().kind();
  if (kind != 'i' && kind != 'u' && array.size() != 0) {
    throw InvalidType(std::string(name) + " must hold whole numbers, not " + name_of_type(array));
  }
  if (array.ndim() != 1) {
    throw InvalidArgument(std::string(name) + " must have one dimension; its shape is " +
                          shape_of(array));
  }
  using Lines = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
  return Lines::ensure(array);
}

std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

}  // namespace docstore::bindings
