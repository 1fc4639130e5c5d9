// A failed Status as the Error that node:fs would make of it.

#ifndef SLUICEDB_NAPI_SYSTEM_ERROR_H_
#define SLUICEDB_NAPI_SYSTEM_ERROR_H_

#include <napi.h>

#include <string>

#include "core/status.h"

namespace sluicedb {

// Has `code`, `errno`, `syscall` and `path`. `description` replaces the usual one when given.
Napi::Error SystemError(Napi::Env env, const Status& status, const std::string& path,
                        const char* description = nullptr);

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_SYSTEM_ERROR_H_
