#pragma once

#include <pybind11/pybind11.h>

namespace docstore::bindings {

// One function a file: each registers what its file binds. They are called
// once, by module.cpp, while the module is imported and the GIL is held.
void register_errors(pybind11::module_& module);
void register_codec(pybind11::module_& module);
void register_column(pybind11::module_& module);
void register_ids(pybind11::module_& module);
void register_search(pybind11::module_& module);
void register_proto(pybind11::module_& module);
void register_disk(pybind11::module_& module);

}  // namespace docstore::bindings
