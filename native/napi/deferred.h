// A promise to be settled later; none where JavaScript may not run any more.
//
// While a worker is being terminated no promise can be made. Napi::Promise::Deferred does not
// notice: its promise is whatever stood in memory before, and handing that to JavaScript crashes
// the process.

#ifndef SLUICEDB_NAPI_DEFERRED_H_
#define SLUICEDB_NAPI_DEFERRED_H_

#include <napi.h>

namespace sluicedb {

class Deferred {
 public:
  explicit Deferred(Napi::Env env) : env_(env) {
    if (napi_create_promise(env, &deferred_, &promise_) == napi_ok) return;
    deferred_ = nullptr;
    promise_ = nullptr;
  }

  // Empty, which JavaScript never gets to see, where there is none. Requires: called in the scope
  // that made it.
  Napi::Value Promise() const { return Napi::Value(env_, promise_); }

  // One of them, once. What fails then fails because nobody can hear of it any more.
  void Resolve(Napi::Value value) const {
    if (deferred_ != nullptr) napi_resolve_deferred(env_, deferred_, value);
  }
  void Reject(Napi::Value value) const {
    if (deferred_ != nullptr) napi_reject_deferred(env_, deferred_, value);
  }

 private:
  napi_env env_;
  napi_deferred deferred_ = nullptr;
  napi_value promise_ = nullptr;
};

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_DEFERRED_H_
