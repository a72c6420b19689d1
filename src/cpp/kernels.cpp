#include "kernels.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

#include "errors.hpp"

namespace docstore {
namespace {

constexpr InstructionSet kBestFirst[] = {InstructionSet::kAvx512Vnni, InstructionSet::kAvx512,
                                         InstructionSet::kAvx2, InstructionSet::kNeon,
                                         InstructionSet::kPortable};

const Kernels& choose() {
  const char* forced = std::getenv("DOCSTORE_KERNEL");
  const std::string_view wanted = forced == nullptr ? "" : forced;
  std::string here;
  for (const InstructionSet set : kBestFirst) {
    const Kernels* found = kernels_for(set);
    if (found == nullptr) continue;
    if (wanted.empty() || wanted == name_of(set)) return *found;
    here += (here.empty() ? "" : ", ") + std::string(name_of(set));
  }
  throw InvalidArgument("DOCSTORE_KERNEL is '" + std::string(wanted) +
                        "', but this machine has: " + here);
}

}  // namespace

const Kernels* kernels_for(InstructionSet set) noexcept {
  if (!cpu_supports(set)) return nullptr;
  switch (set) {
    case InstructionSet::kPortable:
      return portable_kernels();
    case InstructionSet::kNeon:
      return neon_kernels();
    case InstructionSet::kAvx2:
      return avx2_kernels();
    case InstructionSet::kAvx512:
      return avx512_kernels();
    case InstructionSet::kAvx512Vnni:
      return avx512vnni_kernels();
  }
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace docstore
