#include "ids.hpp"

#include "bindings.hpp"

namespace py = pybind11;

namespace docstore::bindings {

void register_ids(py::module_& module) {
  module.def(
      "new_id",
      [] {
        const RandomId id = random_id();
        return py::str(id.data(), id.size());
      },
      "A random id of 32 hexadecimal digits.");
}

}  // namespace docstore::bindings
