// The module: what ts/platform/native-binding.ts calls NativeModule.

#include <napi.h>

#include <string>

#include "core/appendable_file.h"
#include "core/crc32c.h"
#include "core/log_format.h"
#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/block_finds.h"
#include "napi/block_reads.h"
#include "napi/job.h"
#include "napi/lock.h"
#include "napi/log_file.h"
#include "napi/snappy.h"

namespace sluicedb {
namespace {

Napi::Value Crc32c(const Napi::CallbackInfo& info) {
  ByteRange range;
  if (!ReadByteRange(info, 0, &range)) return Napi::Value();
  napi_value result;
  // Straight to Node-API: Napi::Number makes a double of it, which JavaScript then has to box.
  if (napi_create_uint32(info.Env(), ExtendCrc32c(0, range.data, range.size), &result) != napi_ok) {
    return Napi::Value();
  }
  return Napi::Value(info.Env(), result);
}

class SyncDirectoryJob final : public Job {
 public:
  SyncDirectoryJob(Napi::Env env, const std::string& path)
      : Job(env, "sluicedb.syncDirectory", path), path_(path) {}

 protected:
  Status Work() override { return SyncDirectory(path_); }

 private:
  const std::string path_;
};

Napi::Value StartSyncDirectory(const Napi::CallbackInfo& info) {
  std::string path;
  if (!ReadPath(info, 0, &path)) return Napi::Value();
  return Job::Start(new SyncDirectoryJob(info.Env(), path));
}

// Under the names of ts/format/log-block.ts.
Napi::Object Constants(Napi::Env env) {
  Napi::Object constants = Napi::Object::New(env);
  constants.Set("BLOCK_SIZE", static_cast<uint32_t>(kBlockSize));
  constants.Set("HEADER_SIZE", static_cast<uint32_t>(kHeaderSize));
  constants.Set("TYPE_ZERO", static_cast<uint32_t>(kZeroType));
  constants.Set("TYPE_FULL", static_cast<uint32_t>(kFullType));
  constants.Set("TYPE_FIRST", static_cast<uint32_t>(kFirstType));
  constants.Set("TYPE_MIDDLE", static_cast<uint32_t>(kMiddleType));
  constants.Set("TYPE_LAST", static_cast<uint32_t>(kLastType));
  return constants;
}

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  AddonData* data = new AddonData;
  env.SetInstanceData(data);  // which owns it
  data->log_file_class = Napi::Persistent(LogFile::DefineClass(env));
  data->lock_class = Napi::Persistent(Lock::DefineClass(env));
  exports["implementation"] = Napi::String::New(env, Crc32cImplementation());
  exports["constants"] = Constants(env);
  exports["crc32c"] = Napi::Function::New<Crc32c>(env, "crc32c");
  exports["compressSnappy"] = Napi::Function::New<CompressSnappyTo>(env, "compressSnappy");
  exports["expandSnappy"] = Napi::Function::New<ExpandSnappyTo>(env, "expandSnappy");
  exports["createLog"] = Napi::Function::New<LogFile::Create>(env, "createLog");
  exports["syncDirectory"] = Napi::Function::New<StartSyncDirectory>(env, "syncDirectory");
  exports["lockFile"] = Napi::Function::New<Lock::Acquire>(env, "lockFile");
  DefineBlockReads(env, exports);
  DefineBlockFinds(env, exports);
  return exports;
}

}  // namespace
}  // namespace sluicedb

static Napi::Object InitializeModule(Napi::Env env, Napi::Object exports) {
  return sluicedb::Initialize(env, exports);
}

NODE_API_MODULE(sluicedb, InitializeModule)
