// For the shipped modules only, which carry their own C++ library. Its terminate handler would
// print the type of an uncaught exception by name, and has 128 KB of demangler with it for that.
// There are no exceptions here. Defined first, this one is linked in its place.

#include <cstddef>

extern "C" char* __cxa_demangle(const char* /*name*/, char* /*buffer*/, size_t* /*size*/,
                                int* status) {
  constexpr int kInvalidName = -2;
  if (status != nullptr) *status = kInvalidName;
  return nullptr;
}
