#include "napi/block_reads.h"

#ifdef _WIN32

namespace sluicedb {

void DefineBlockReads(Napi::Env, Napi::Object) {}

}  // namespace sluicedb

#else

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/block_reader.h"
#include "napi/arguments.h"
#include "napi/block_request.h"
#include "napi/job.h"

namespace sluicedb {
namespace {

constexpr size_t kNumbersPerRequest = 4;

Napi::Value ThrowType(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return Napi::Value();
}

// readBlockSync(descriptor, position, storedSize, flags, target: Uint8Array): number
Napi::Value ReadBlockSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  double descriptor, position, stored_size;
  uint32_t flags;
  // Straight to Node-API: this call is made for every block that is read.
  if (napi_get_value_double(env, info[0], &descriptor) != napi_ok ||
      napi_get_value_double(env, info[1], &position) != napi_ok ||
      napi_get_value_double(env, info[2], &stored_size) != napi_ok ||
      napi_get_value_uint32(env, info[3], &flags) != napi_ok) {
    return ThrowType(env, "descriptor, position, storedSize and flags must be numbers");
  }
  napi_typedarray_type type;
  size_t capacity;
  void* target;
  if (napi_get_typedarray_info(env, info[4], &type, &capacity, &target, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array) {
    return ThrowType(env, "target must be a Uint8Array");
  }
  BlockLocation block;
  int64_t outcome = kBlockRefused;
  if (ReadLocation(descriptor, position, stored_size, &block)) {
    outcome = ReadBlock(block, (flags & kVerify) != 0, (flags & kOnlyAtHand) != 0,
                        static_cast<uint8_t*>(target), target == nullptr ? 0 : capacity);
  }
  napi_value result;
  if (napi_create_int64(env, outcome, &result) != napi_ok) return Napi::Value();
  return Napi::Value(env, result);
}

// The blocks are read one after the other on one thread of the pool, but announced to the operating
// system all at once: the disk works on all of them.
class ReadBlocksJob final : public Job {
 public:
  struct Request {
    BlockLocation block;
    bool verify;
  };

  ReadBlocksJob(Napi::Env env, std::vector<Request> requests)
      : Job(env, "sluicedb.readBlocks", ""), requests_(std::move(requests)) {}

 protected:
  Status Work() override {
    if (requests_.size() > 1) {
      for (const Request& request : requests_) AnnounceRead(request.block);
    }
    contents_.resize(requests_.size());
    for (size_t i = 0; i < requests_.size(); i++) {
      contents_[i].size = ReadBlock(requests_[i].block, requests_[i].verify, &contents_[i].bytes);
    }
    return Status();
  }

  // An array: a Buffer for each block, undefined where it was refused.
  Napi::Value Result(Napi::Env env) override {
    Napi::Array results = Napi::Array::New(env, contents_.size());
    for (size_t i = 0; i < contents_.size(); i++) {
      const Contents& contents = contents_[i];
      if (contents.size < 0) continue;
      napi_value buffer;
      // A hole, which reads as undefined, also where there is no memory for it.
      if (napi_create_buffer_copy(env, static_cast<size_t>(contents.size), contents.bytes.get(),
                                  nullptr, &buffer) == napi_ok) {
        results.Set(static_cast<uint32_t>(i), Napi::Value(env, buffer));
      }
    }
    return results;
  }

 private:
  struct Contents {
    int64_t size = kBlockRefused;
    std::unique_ptr<uint8_t[]> bytes;
  };

  const std::vector<Request> requests_;
  std::vector<Contents> contents_;
};

// readBlocks(requests: Float64Array, count): Promise<(Buffer | undefined)[]>
// A request is four numbers: descriptor, position, storedSize, flags.
Napi::Value ReadBlocks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, info[0], &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array) {
    return ThrowType(env, "requests must be a Float64Array");
  }
  uint32_t count;
  if (napi_get_value_uint32(env, info[1], &count) != napi_ok || !info[1].IsNumber() ||
      count > length / kNumbersPerRequest) {
    return ThrowType(env, "count must be a number of whole requests");
  }
  const double* numbers = static_cast<const double*>(data);
  std::vector<ReadBlocksJob::Request> requests(count);
  for (uint32_t i = 0; i < count; i++, numbers += kNumbersPerRequest) {
    ReadBlocksJob::Request& request = requests[i];
    // No descriptor has that number: the read of it is refused.
    if (!ReadLocation(numbers[0], numbers[1], numbers[2], &request.block)) {
      request.block = BlockLocation{-1, 0, kBlockTrailerSize};
    }
    request.verify = numbers[3] == kVerify;
  }
  return Job::Start(new ReadBlocksJob(env, std::move(requests)));
}

}  // namespace

void DefineBlockReads(Napi::Env env, Napi::Object exports) {
  exports["readBlockSync"] = Napi::Function::New<ReadBlockSync>(env, "readBlockSync");
  exports["readBlocks"] = Napi::Function::New<ReadBlocks>(env, "readBlocks");
}

}  // namespace sluicedb

#endif  // _WIN32
