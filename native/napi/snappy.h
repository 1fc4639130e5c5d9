// Snappy for JavaScript: from bytes to bytes, both the caller's.

#ifndef SLUICEDB_NAPI_SNAPPY_H_
#define SLUICEDB_NAPI_SNAPPY_H_

#include <napi.h>

namespace sluicedb {

// (bytes, start, end, target, targetStart, targetEnd) => bytes written from targetStart on.
Napi::Value CompressSnappyTo(const Napi::CallbackInfo& info);

// (bytes, start, end, target, targetStart, targetEnd) => whether the elements fill the target.
Napi::Value ExpandSnappyTo(const Napi::CallbackInfo& info);

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_SNAPPY_H_
