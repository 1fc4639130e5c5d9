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

namespace {

// Whether JavaScript may run, by a call that needs it and does nothing. Where a worker has been
// terminated it may not, and what node-addon-api makes of a value then, such as an instance of a
// class, ends the process.
bool CanRunJavaScript(Napi::Env env) {
  napi_value value, same;
  return napi_get_boolean(env, true, &value) == napi_ok &&
         napi_coerce_to_bool(env, value, &same) == napi_ok;
}

}  // namespace

void Job::OnOK() {
  const Napi::Env env = Env();
  Finish();
  if (!CanRunJavaScript(env)) return;
  if (status_.ok()) {
    deferred_.Resolve(Result(env));
  } else {
    deferred_.Reject(Failure(env, status_));
  }
}

}  // namespace sluicedb
