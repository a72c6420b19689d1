// Keeps the static library non-empty until the first real source lands.
namespace docstore { extern const int kCoreAbi; const int kCoreAbi = 1; }
