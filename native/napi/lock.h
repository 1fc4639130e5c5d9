// The NativeLock of ts/platform/native-binding.ts: holds until `release`, or until its environment
// ends. Being collected as garbage does not end it, or a database that nobody refers to could lose
// its lock while a write of it is still on its way.

#ifndef SLUICEDB_NAPI_LOCK_H_
#define SLUICEDB_NAPI_LOCK_H_

#include <napi.h>

#include <memory>

#include "core/file_lock.h"

namespace sluicedb {

class Lock : public Napi::ObjectWrap<Lock> {
 public:
  static Napi::Function DefineClass(Napi::Env env);

  // lockFile(path): Promise<Lock | undefined>
  static Napi::Value Acquire(const Napi::CallbackInfo& info);

  // Not for JavaScript.
  explicit Lock(const Napi::CallbackInfo& info);

 private:
  void Release(const Napi::CallbackInfo& info);

  std::unique_ptr<FileLock> lock_;
};

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_LOCK_H_
