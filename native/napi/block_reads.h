// readBlockSync and readBlocks of ts/platform/native-binding.ts. Not on Windows, where a module
// cannot use the descriptors of Node's C runtime.

#ifndef SLUICEDB_NAPI_BLOCK_READS_H_
#define SLUICEDB_NAPI_BLOCK_READS_H_

#include <napi.h>

namespace sluicedb {

void DefineBlockReads(Napi::Env env, Napi::Object exports);

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_BLOCK_READS_H_
