#include "napi/system_error.h"

namespace sluicedb {

Napi::Error SystemError(Napi::Env env, const Status& status, const std::string& path,
                        const char* description) {
  const std::string code = ErrorName(status.error_number);
  const char* what = description != nullptr ? description : ErrorDescription(status.error_number);
  Napi::Error error =
      Napi::Error::New(env, code + ": " + what + ", " + status.syscall + " '" + path + "'");
  // In an environment that is being torn down an Error may come out empty; nobody will see it.
  if (error.IsEmpty()) return error;
  error.Set("code", Napi::String::New(env, code));
  error.Set("errno", Napi::Number::New(env, -status.error_number));
  error.Set("syscall", Napi::String::New(env, status.syscall));
  error.Set("path", Napi::String::New(env, path));
  return error;
}

}  // namespace sluicedb
