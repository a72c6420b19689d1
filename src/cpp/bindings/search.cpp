#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "exact.hpp"
#include "parallel.hpp"

namespace docstore::bindings {
namespace {

py::tuple metric_names() {
  py::tuple names(metrics().size());
  for (std::size_t i = 0; i < metrics().size(); ++i) {
    names[i] = py::str(metrics()[i].name.data(), metrics()[i].name.size());
  }
  return names;
}

const Metric& metric_named(const std::string& name) {
  if (const Metric* found = find_metric(name)) return *found;
  const py::module_ errors = py::module_::import("docstore.errors");
  const std::string hint = py::str(errors.attr("did_you_mean")(name, metric_names()));
  const py::object type = errors.attr("UnknownName");
  PyErr_SetObject(type.ptr(), type("unknown metric '" + name + "'" + hint).ptr());
  throw py::error_already_set();
}

// The vectors that Python handed in: references to all arrays whose memory
// the rows point to. Made and destroyed under the GIL; in between, the rows
// may be read without it.
class Vectors {
 public:
  // Vectors of length `dim`, or of any length when there are none.
  Vectors(const py::object& object, const py::object& lines, std::size_t dim) : dim_(dim) {
    if (!lines.is_none()) lines_ = line_numbers(lines, "rows");
    const bool chosen = !lines.is_none();
    if (py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object)) {
      take_list(py::reinterpret_borrow<py::sequence>(object), chosen);
    } else {
      take_matrix(object, chosen);
    }
  }

  const Rows& rows() const { return rows_; }

 private:
  void take_matrix(const py::object& object, bool chosen) {
    py::array array = matrix(object, "vectors");
    if (length(array, 1) != dim_ && array.size() + array.shape(1) != 0) mismatch(array, "vectors");
    const DType dtype = dtype_of(array);
    const std::size_t count = length(array);
    const std::ptrdiff_t stride = array.strides(0);
    rows_ = chosen ? Rows::lines(array.data(), dtype, dim_, count, stride, lines_.data(),
                                 length(lines_))
                   : Rows::matrix(array.data(), dtype, dim_, count, stride);
    kept_.push_back(std::move(array));
  }

  void take_list(const py::sequence& list, bool chosen) {
    const std::size_t count = chosen ? length(lines_) : list.size();
    kept_.reserve(count);
    refs_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t line = chosen ? checked_line(i, list.size()) : i;
      take_vector(list[line], line);
    }
    rows_ = Rows::pointers(refs_.data(), dim_, refs_.size());
  }

  void take_vector(const py::object& object, std::size_t line) {
    py::array array = same_type(object) ? py::reinterpret_borrow<py::array>(object)
                                        : numbers(object, "each vector");
    if (array.ndim() != 1 || length(array) != dim_) {
      mismatch(array, ("vectors[" + std::to_string(line) + "]").c_str());
    }
    if (dim_ > 1 && array.strides(0) != array.itemsize()) {
      array = py::module_::import("numpy").attr("ascontiguousarray")(array);
    }
    if (!array.dtype().is(type_)) {
      type_ = array.dtype();
      dtype_ = dtype_of(array);
    }
    refs_.push_back({bytes_of(array), dtype_});
    kept_.push_back(std::move(array));
  }

  // Whether an object is an array of the type that the one before it had, and
  // so needs no further look: nearly all arrays of a list are.
  bool same_type(const py::object& object) const {
    return py::isinstance<py::array>(object) &&
           py::reinterpret_borrow<py::array>(object).dtype().is(type_);
  }

  std::size_t checked_line(std::size_t i, std::size_t size) const {
    const std::int64_t line = lines_.data()[i];
    if (line < 0 || static_cast<std::uint64_t>(line) >= size) {
      throw InvalidArgument("rows[" + std::to_string(i) + "] is line " + std::to_string(line) +
                            ", but vectors has " + std::to_string(size));
    }
    return static_cast<std::size_t>(line);
  }

  [[noreturn]] void mismatch(const py::array& array, const char* name) const {
    throw DimensionMismatch("the queries have length " + std::to_string(dim_) + ", but " + name +
                            " has the shape " + shape_of(array));
  }

  std::size_t dim_;
  py::array_t<std::int64_t> lines_;
  std::vector<py::object> kept_;
  std::vector<RowRef> refs_;
  py::object type_;
  DType dtype_ = DType::kFloat32;
  Rows rows_ = Rows::pointers(nullptr, 0, 0);
};

using QueryMatrix = py::array_t<double, py::array::c_style | py::array::forcecast>;

QueryMatrix query_matrix(const py::handle& object) {
  const py::array array = numbers(object, "queries");
  if (array.ndim() != 2) {
    throw InvalidArgument("queries must have two dimensions, a row for each query; its shape is " +
                          shape_of(array));
  }
  return QueryMatrix::ensure(array);
}

using Mask = py::array_t<bool, py::array::c_style>;

Mask checked_mask(const py::object& object, std::size_t positions) {
  const py::array array = py::array::ensure(object);
  if (!array || array.dtype().kind() != 'b') {
    PyErr_Clear();
    throw InvalidType("mask must be an array of bool");
  }
  if (array.ndim() != 1 || length(array) != positions) {
    throw InvalidArgument("mask has the shape " + shape_of(array) + ", but there are " +
                          std::to_string(positions) + " positions");
  }
  return Mask::ensure(array);
}

// An array of shape (rows, columns) that takes the values over.
template <class T>
py::array_t<T> as_array(std::vector<T> values, std::size_t rows, std::size_t columns) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const py::capsule keeper(owner.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  static_cast<void>(owner.release());  // the capsule owns it now
  return py::array_t<T>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)}, data,
                        keeper);
}

int checked_threads(int threads) {
  if (threads < 0) throw InvalidArgument("threads must be 0 (the default) or more");
  return threads;
}

py::tuple search(const py::object& vectors, const py::object& queries, std::int64_t k,
                 const std::string& metric, const py::object& rows, const py::object& mask,
                 int threads) {
  const Metric& how = metric_named(metric);
  if (k < 1) throw InvalidArgument("k must be at least 1, not " + std::to_string(k));
  const QueryMatrix wanted = query_matrix(queries);
  const std::size_t count = length(wanted);
  const Vectors among(vectors, rows, length(wanted, 1));
  SearchOptions options;
  options.threads = checked_threads(threads);
  Mask allowed;
  if (!mask.is_none()) {
    allowed = checked_mask(mask, among.rows().size());
    options.mask = reinterpret_cast<const std::uint8_t*>(allowed.data());
  }
  const double* data = wanted.data();
  Neighbours found;
  {
    const py::gil_scoped_release unlocked;
    found = search_exact(among.rows(), data, count, static_cast<std::size_t>(k), how, options);
  }
  return py::make_tuple(as_array(std::move(found.positions), count, found.width),
                        as_array(std::move(found.distances), count, found.width));
}

py::array pairwise_distances(const py::object& queries, const py::object& vectors,
                             const std::string& metric) {
  const Metric& how = metric_named(metric);
  const QueryMatrix wanted = query_matrix(queries);
  const std::size_t count = length(wanted);
  const Vectors among(vectors, py::none(), length(wanted, 1));
  const std::size_t columns = among.rows().size();
  py::array_t<double> out({static_cast<py::ssize_t>(count), static_cast<py::ssize_t>(columns)});
  const double* data = wanted.data();
  double* to = out.mutable_data();
  {
    const py::gil_scoped_release unlocked;
    pairwise(among.rows(), data, count, how, 0, to);
  }
  return out;
}

}  // namespace

void register_search(py::module_& module) {
  module.attr("METRICS") = metric_names();
  module.def("search", &search, py::arg("vectors"), py::arg("queries"), py::arg("k"),
             py::arg("metric"), py::arg("rows") = py::none(), py::arg("mask") = py::none(),
             py::arg("threads") = 0,
             "The k nearest rows of each query: (positions, distances), best first.\n\n"
             "vectors is a matrix or a list of vectors; rows names the lines of it to search, in\n"
             "order, and mask leaves positions out. The result is exact; see docs/search.md.");
  module.def("pairwise", &pairwise_distances, py::arg("queries"), py::arg("vectors"),
             py::arg("metric"), "All distances, a row for each query, in float64.");
  module.def("set_num_threads", &set_thread_count, py::arg("n"),
             "How many threads searches use; 0 is the default, all cores.");
  module.def("get_num_threads", &thread_count);
  module.def("kernel_name", [] { return std::string(name_of(kernels().set)); });
}

}  // namespace docstore::bindings
