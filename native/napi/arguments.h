// Reading and checking what JavaScript passes, before any work or promise is made of it.
//
// Each reader returns false after it has thrown a TypeError or RangeError; the caller then returns
// at once. A wrong argument is never an assertion: it must not take the process down.

#ifndef SLUICEDB_NAPI_ARGUMENTS_H_
#define SLUICEDB_NAPI_ARGUMENTS_H_

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluicedb {

// Bytes of a Uint8Array. They stay where they are while the array is referenced, and may be shared
// memory.
struct ByteRange {
  const uint8_t* data;
  size_t size;
};

// Arguments first, first + 1 and first + 2: bytes, start and end.
// The messages are those of checkRange in ts/platform/block-log-file.ts.
bool ReadByteRange(const Napi::CallbackInfo& info, size_t first, ByteRange* range);

// A path: a string that is not empty and has no NUL, which would cut it short in the system call.
bool ReadPath(const Napi::CallbackInfo& info, size_t index, std::string* path);

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_ARGUMENTS_H_
