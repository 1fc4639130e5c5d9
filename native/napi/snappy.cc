#include "napi/snappy.h"

#include "core/snappy.h"
#include "napi/arguments.h"

namespace sluicedb {
namespace {

struct SnappyArguments {
  ByteRange source;
  uint8_t* target;
  size_t target_size;
};

bool ReadSnappyArguments(const Napi::CallbackInfo& info, SnappyArguments* arguments) {
  ByteRange target;
  if (!ReadByteRange(info, 0, &arguments->source) || !ReadByteRange(info, 3, &target)) return false;
  const ByteRange& source = arguments->source;
  if (source.data < target.data + target.size && target.data < source.data + source.size) {
    Napi::RangeError::New(info.Env(), "bytes and target must not overlap")
        .ThrowAsJavaScriptException();
    return false;
  }
  arguments->target = const_cast<uint8_t*>(target.data);
  arguments->target_size = target.size;
  return true;
}

}  // namespace

Napi::Value CompressSnappyTo(const Napi::CallbackInfo& info) {
  SnappyArguments arguments;
  if (!ReadSnappyArguments(info, &arguments)) return Napi::Value();
  const size_t size = arguments.source.size;
  if (size > UINT32_MAX || arguments.target_size < SnappyBound(size)) {
    Napi::RangeError::New(info.Env(), "target has no room for the worst case")
        .ThrowAsJavaScriptException();
    return Napi::Value();
  }
  const size_t written = CompressSnappy(arguments.source.data, size, arguments.target);
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

Napi::Value ExpandSnappyTo(const Napi::CallbackInfo& info) {
  SnappyArguments arguments;
  if (!ReadSnappyArguments(info, &arguments)) return Napi::Value();
  const bool is_whole = ExpandSnappy(arguments.source.data, arguments.source.size, arguments.target,
                                     arguments.target_size);
  return Napi::Boolean::New(info.Env(), is_whole);
}

}  // namespace sluicedb
