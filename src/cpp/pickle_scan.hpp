#pragma once

#include "byte_buffer.hpp"

namespace docstore {

// Goes through the opcodes of a pickle without building anything, and throws
// CorruptData for what could harm the interpreter that unpickles it although
// every class is fenced in: memo places so high that a table for them fills
// the memory, and tuples nested so deep that hashing one overflows the stack.
// A pickle that is damaged otherwise passes: unpickling says what is wrong.
// Pure; any thread.
void check_pickle(ByteSpan pickle);

}  // namespace docstore
