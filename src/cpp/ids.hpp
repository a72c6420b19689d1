#pragma once

#include <array>

namespace docstore {

// A random id: 32 lower-case hexadecimal digits, without a final zero byte.
using RandomId = std::array<char, 32>;

// Draws an id from the operating system's randomness, which it asks for many
// ids at a time. Any thread may call it; a forked child never repeats the ids
// of its parent. Throws IoError if the system has no randomness to give.
RandomId random_id();

}  // namespace docstore
