#include "napi/job.h"

#include "napi/system_error.h"

namespace sluicedb {

Napi::Value Job::Start(Job* job) {
  const Napi::Value promise = job->deferred_.Promise();
  job->Queue();
  return promise;
}

Napi::Value Job::Failure(Napi::Env env, const Status& status) {
  return SystemError(env, status, path_).Value();
}

void Job::OnOK() {
  const Napi::Env env = Env();
  Finish();
  if (status_.ok()) {
    deferred_.Resolve(Result(env));
  } else {
    deferred_.Reject(Failure(env, status_));
  }
}

}  // namespace sluicedb
