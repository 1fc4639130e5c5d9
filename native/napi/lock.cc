#include "napi/lock.h"

#include <string>
#include <utility>

#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/job.h"

namespace sluicedb {
namespace {

class AcquireJob final : public Job {
 public:
  AcquireJob(Napi::Env env, const std::string& path)
      : Job(env, "sluicedb.lockFile", path), path_(path) {}

 protected:
  Status Work() override { return AcquireFileLock(path_, &lock_); }

  Napi::Value Result(Napi::Env env) override {
    if (lock_ == nullptr) return env.Undefined();
    AddonData* data = env.GetInstanceData<AddonData>();
    data->next_lock = std::move(lock_);
    return data->lock_class.New({});
  }

 private:
  const std::string path_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace

Napi::Function Lock::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(env, "Lock", {InstanceMethod<&Lock::Release>("release")});
}

Napi::Value Lock::Acquire(const Napi::CallbackInfo& info) {
  std::string path;
  if (!ReadPath(info, 0, &path)) return Napi::Value();
  return Job::Start(new AcquireJob(info.Env(), path));
}

Lock::Lock(const Napi::CallbackInfo& info)
    : ObjectWrap(info), lock_(std::move(info.Env().GetInstanceData<AddonData>()->next_lock)) {
  if (lock_ == nullptr) {
    Napi::TypeError::New(info.Env(), "Illegal constructor").ThrowAsJavaScriptException();
    return;
  }
  Ref();
}

void Lock::Release(const Napi::CallbackInfo&) {
  if (lock_ == nullptr) return;
  lock_.reset();
  Unref();
}

}  // namespace sluicedb
