// Searching keys in blocks of table files, for ts/platform/block-finds.ts, which says what the
// numbers of a request are.

#ifndef SLUICEDB_NAPI_BLOCK_FINDS_H_
#define SLUICEDB_NAPI_BLOCK_FINDS_H_

#include <napi.h>

namespace sluicedb {

// Adds createBlockFinder and findInBlocks; neither on Windows.
void DefineBlockFinds(Napi::Env env, Napi::Object exports);

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_BLOCK_FINDS_H_
