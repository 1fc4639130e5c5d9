// What one environment (the main thread, or a worker) keeps of the module.

#ifndef SLUICEDB_NAPI_ADDON_DATA_H_
#define SLUICEDB_NAPI_ADDON_DATA_H_

#include <napi.h>

#include <memory>

#include "core/file_lock.h"
#include "napi/log_file.h"

namespace sluicedb {

struct AddonData {
  Napi::FunctionReference log_file_class;
  Napi::FunctionReference lock_class;
  // Handed to the constructor that is called next; empty when JavaScript calls it.
  std::shared_ptr<SharedLog> next_log;
  std::unique_ptr<FileLock> next_lock;
};

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_ADDON_DATA_H_
