#pragma once

#include <string_view>

namespace docstore {

// The instruction sets that kernels are written for, worst first.
enum class InstructionSet { kPortable, kNeon, kAvx2, kAvx512, kAvx512Vnni };

// What this processor and operating system can run. Any thread.
bool cpu_supports(InstructionSet set) noexcept;

// 'portable', 'neon', 'avx2', 'avx512', 'avx512vnni'.
std::string_view name_of(InstructionSet set) noexcept;

}  // namespace docstore
