#include "napi/arguments.h"

#include <cmath>

namespace sluicedb {
namespace {

bool ThrowType(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return false;
}

bool ThrowRange(Napi::Env env, const char* message) {
  Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
  return false;
}

}  // namespace

bool ReadByteRange(const Napi::CallbackInfo& info, size_t first, ByteRange* range) {
  const Napi::Env env = info.Env();
  napi_typedarray_type type;
  size_t length;
  void* data;
  // Straight to Node-API: the class of node-addon-api asks the same in three calls.
  if (napi_get_typedarray_info(env, info[first], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array) {
    return ThrowType(env, "bytes must be a Uint8Array");
  }
  double start, end;
  if (napi_get_value_double(env, info[first + 1], &start) != napi_ok ||
      napi_get_value_double(env, info[first + 2], &end) != napi_ok) {
    return ThrowType(env, "start and end must be numbers");
  }
  if (!(std::floor(start) == start && std::floor(end) == end) || std::isinf(start) ||
      std::isinf(end)) {
    return ThrowRange(env, "start and end must be integers");
  }
  if (start < 0 || end < start || end > static_cast<double>(length)) {
    return ThrowRange(env, "start and end must satisfy 0 <= start <= end <= bytes.length");
  }
  // An empty array may have no memory at all; nullptr + 0 is not to be computed with.
  static const uint8_t kNothing = 0;
  const uint8_t* bytes = data == nullptr ? &kNothing : static_cast<const uint8_t*>(data);
  *range = ByteRange{bytes + static_cast<size_t>(start), static_cast<size_t>(end - start)};
  return true;
}

bool ReadPath(const Napi::CallbackInfo& info, size_t index, std::string* path) {
  const Napi::Env env = info.Env();
  const Napi::Value value = info[index];
  if (!value.IsString()) return ThrowType(env, "path must be a string");
  *path = value.As<Napi::String>().Utf8Value();
  if (path->empty()) return ThrowType(env, "path must not be empty");
  if (path->find('\0') != std::string::npos) {
    return ThrowType(env, "path must not contain a NUL character");
  }
  return true;
}

}  // namespace sluicedb
