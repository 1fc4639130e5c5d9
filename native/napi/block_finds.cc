#include "napi/block_finds.h"

#ifdef _WIN32

namespace sluicedb {

void DefineBlockFinds(Napi::Env, Napi::Object) {}

}  // namespace sluicedb

#else

#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/block_reader.h"
#include "napi/block_request.h"
#include "napi/job.h"

namespace sluicedb {
namespace {

// The numbers of a request.
constexpr size_t kDescriptor = 0;
constexpr size_t kPosition = 1;
constexpr size_t kStoredSize = 2;
constexpr size_t kFlags = 3;
constexpr size_t kKeyAt = 4;
constexpr size_t kKeySize = 5;
constexpr size_t kFloorSize = 6;
constexpr size_t kSeparatorSize = 7;
constexpr size_t kOutcome = 8;
constexpr size_t kValueStart = 9;
constexpr size_t kValueEnd = 10;
// The size of the contents, or in which of the results of a job the value is.
constexpr size_t kWhere = 11;
constexpr size_t kRequestLength = 12;

// Outcomes, beside those of a read that are negative.
constexpr double kAbsent = 0;
constexpr double kValue = 1;
constexpr double kDeleted = 2;

struct Question {
  BlockLocation block;
  uint32_t flags;
  BlockQuery query;
};

// False where the numbers make no sense; they are ours, so no error has to say so.
bool ReadQuestion(const double* numbers, Bytes keys, Question* question) {
  if (!ReadLocation(numbers[kDescriptor], numbers[kPosition], numbers[kStoredSize],
                    &question->block)) {
    return false;
  }
  const double room = static_cast<double>(keys.size);
  for (size_t i = kKeyAt; i <= kSeparatorSize; i++) {
    if (!(numbers[i] >= 0 && numbers[i] <= room)) return false;
  }
  if (!(numbers[kFlags] >= 0 && numbers[kFlags] <= 255)) return false;
  if (numbers[kKeyAt] + numbers[kKeySize] + numbers[kFloorSize] + numbers[kSeparatorSize] > room) {
    return false;
  }
  question->flags = static_cast<uint32_t>(numbers[kFlags]);
  const uint8_t* const key = keys.data + static_cast<size_t>(numbers[kKeyAt]);
  question->query.key = Bytes{key, static_cast<size_t>(numbers[kKeySize])};
  const uint8_t* const floor = key + question->query.key.size;
  question->query.floor = Bytes{floor, static_cast<size_t>(numbers[kFloorSize])};
  question->query.separator =
      Bytes{floor + question->query.floor.size, static_cast<size_t>(numbers[kSeparatorSize])};
  return true;
}

BlockFind Find(const Question& question, bool only_at_hand, BlockMemory* memory) {
  return FindInBlock(question.block, (question.flags & kVerify) != 0, only_at_hand, question.query,
                     memory);
}

double OutcomeOf(const BlockFind& find) {
  if (find.size < 0) return static_cast<double>(find.size);
  switch (find.answer) {
    case BlockAnswer::kAbsent:
      return kAbsent;
    case BlockAnswer::kValue:
      return kValue;
    case BlockAnswer::kDeleted:
      return kDeleted;
    case BlockAnswer::kRefused:
      break;
  }
  return static_cast<double>(kBlockRefused);
}

bool IsArray(napi_env env, napi_value value, napi_typedarray_type wanted, size_t* length,
             void** data) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, nullptr, nullptr) == napi_ok &&
         type == wanted;
}

Napi::Value ThrowType(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return Napi::Value();
}

// Memory that JavaScript writes a request to and reads the answer from: a call has neither
// arguments nor a result, which cost more than the search. It stays while the function is there
// that uses it.
class Finder {
 public:
  Finder(Napi::Object numbers, Napi::Object keys, Napi::Object contents)
      : references_{Napi::Persistent(numbers), Napi::Persistent(keys), Napi::Persistent(contents)} {
  }

  double* numbers;
  Bytes keys;
  uint8_t* contents;
  size_t capacity;

  // A plain function of Node-API: this call is made for every block that is searched.
  static napi_value Run(napi_env env, napi_callback_info info) {
    void* data;
    if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
    static_cast<Finder*>(data)->Answer();
    return nullptr;
  }

  static void Delete(napi_env, void* data, void*) { delete static_cast<Finder*>(data); }

 private:
  void Answer() {
    numbers[kOutcome] = static_cast<double>(kBlockRefused);
    Question question;
    if (!ReadQuestion(numbers, keys, &question)) return;
    BlockMemory memory(contents, capacity);
    const BlockFind find = Find(question, (question.flags & kOnlyAtHand) != 0, &memory);
    numbers[kOutcome] = OutcomeOf(find);
    numbers[kValueStart] = static_cast<double>(find.value.start);
    numbers[kValueEnd] = static_cast<double>(find.value.end);
    numbers[kWhere] = static_cast<double>(find.size);
  }

  const Napi::ObjectReference references_[3];
};

// createBlockFinder(numbers: Float64Array, keys: Uint8Array, contents: Uint8Array): () => void
Napi::Value CreateBlockFinder(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t number_count, key_room, capacity;
  void *numbers, *keys, *contents;
  if (!IsArray(env, info[0], napi_float64_array, &number_count, &numbers) ||
      number_count < kRequestLength || !IsArray(env, info[1], napi_uint8_array, &key_room, &keys) ||
      key_room == 0 || !IsArray(env, info[2], napi_uint8_array, &capacity, &contents) ||
      capacity == 0) {
    return ThrowType(env,
                     "numbers must be a Float64Array, keys and contents Uint8Arrays with room");
  }
  Finder* const finder = new Finder(info[0].As<Napi::Object>(), info[1].As<Napi::Object>(),
                                    info[2].As<Napi::Object>());
  finder->numbers = static_cast<double*>(numbers);
  finder->keys = Bytes{static_cast<const uint8_t*>(keys), key_room};
  finder->contents = static_cast<uint8_t*>(contents);
  finder->capacity = capacity;
  napi_value function;
  if (napi_create_function(env, "findInBlock", NAPI_AUTO_LENGTH, Finder::Run, finder, &function) !=
          napi_ok ||
      napi_add_finalizer(env, function, finder, Finder::Delete, nullptr, nullptr) != napi_ok) {
    delete finder;
    return Napi::Value();
  }
  return Napi::Value(env, function);
}

// Values one behind the other, in pieces that are no larger than those of Node's pool of Buffers:
// so whoever keeps a small value keeps no more beside it than he would keep there.
class Values {
 public:
  using Piece = std::vector<uint8_t>;

  struct Place {
    size_t piece;
    size_t start;
  };

  Place Add(const uint8_t* data, size_t size) {
    if (size > kPieceSize / 2) return AddAlone(data, size);
    if (!has_open_ || pieces_[open_].size() + size > kPieceSize) {
      has_open_ = true;
      open_ = pieces_.size();
      pieces_.emplace_back();
      pieces_.back().reserve(kPieceSize);
    }
    Piece& piece = pieces_[open_];
    const size_t start = piece.size();
    piece.insert(piece.end(), data, data + size);
    return Place{open_, start};
  }

  Place AddAlone(const uint8_t* data, size_t size) {
    pieces_.emplace_back(data, data + size);
    return Place{pieces_.size() - 1, 0};
  }

  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  static constexpr size_t kPieceSize = 8192;

  std::vector<Piece> pieces_;
  size_t open_ = 0;
  bool has_open_ = false;
};

// What is in memory is searched first. The rest is announced to the operating system all at once,
// so that the disk works on all of it, and then read one after the other.
class FindJob final : public Job {
 public:
  FindJob(Napi::Env env, Napi::Object requests, std::vector<double> numbers,
          std::vector<uint8_t> keys)
      : Job(env, "sluicedb.findInBlocks", ""),
        requests_(Napi::Persistent(requests)),
        numbers_(std::move(numbers)),
        keys_(std::move(keys)) {}

 protected:
  // A request's numbers, and what they say.
  using Asked = std::pair<double*, Question>;

  Status Work() override {
    const Bytes keys = {keys_.data(), keys_.size()};
    std::vector<Asked> left;
    bool can_tell = true;
    for (size_t i = 0; i < numbers_.size(); i += kRequestLength) {
      double* const numbers = &numbers_[i];
      numbers[kOutcome] = static_cast<double>(kBlockRefused);
      Question question;
      if (!ReadQuestion(numbers, keys, &question)) continue;
      if (can_tell && Answer(numbers, question, true)) continue;
      can_tell = can_tell && numbers[kOutcome] != static_cast<double>(kBlockNoWay);
      left.emplace_back(numbers, question);
    }
    if (left.size() > 1) {
      for (const auto& [numbers, question] : left) AnnounceRead(question.block);
    }
    for (const auto& [numbers, question] : left) Answer(numbers, question, false);
    return Status();
  }

  // An array of Buffers, which hold the values. The answers are written to the requests.
  Napi::Value Result(Napi::Env env) override {
    size_t length;
    void* data;
    if (!IsArray(env, requests_.Value(), napi_float64_array, &length, &data) ||
        length < numbers_.size()) {
      return env.Undefined();
    }
    const std::vector<Values::Piece>& pieces = values_.pieces();
    Napi::Array results = Napi::Array::New(env, pieces.size());
    for (size_t i = 0; i < pieces.size(); i++) {
      napi_value buffer;
      // A hole where there is no memory for it.
      if (napi_create_buffer_copy(env, pieces[i].size(), pieces[i].data(), nullptr, &buffer) ==
          napi_ok) {
        results.Set(static_cast<uint32_t>(i), Napi::Value(env, buffer));
      }
    }
    std::memcpy(data, numbers_.data(), numbers_.size() * sizeof(double));
    return results;
  }

 private:
  // False where the block is not at hand, if that was asked for.
  bool Answer(double* numbers, const Question& question, bool only_at_hand) {
    const BlockFind find = Find(question, only_at_hand, &memory_);
    numbers[kOutcome] = OutcomeOf(find);
    if (find.size == kBlockNotAtHand || find.size == kBlockNoWay) return false;
    if (find.size < 0) return true;
    const bool is_whole = (question.flags & kWhole) != 0;
    if (!is_whole && find.answer != BlockAnswer::kValue) return true;
    const size_t start = is_whole ? 0 : find.value.start;
    const size_t size = is_whole ? static_cast<size_t>(find.size) : find.value.end - start;
    const uint8_t* const data = memory_.data() + start;
    const Values::Place place = is_whole ? values_.AddAlone(data, size) : values_.Add(data, size);
    numbers[kWhere] = static_cast<double>(place.piece);
    numbers[kValueStart] = static_cast<double>(find.value.start - start + place.start);
    numbers[kValueEnd] = static_cast<double>(find.value.end - start + place.start);
    return true;
  }

  const Napi::ObjectReference requests_;
  std::vector<double> numbers_;
  const std::vector<uint8_t> keys_;
  BlockMemory memory_;
  Values values_;
};

// findInBlocks(requests: Float64Array, count, keys: Uint8Array, keysEnd): Promise<Buffer[]>
Napi::Value FindInBlocks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t length, key_room;
  void *requests, *keys;
  if (!IsArray(env, info[0], napi_float64_array, &length, &requests) ||
      !IsArray(env, info[2], napi_uint8_array, &key_room, &keys)) {
    return ThrowType(env, "requests must be a Float64Array and keys a Uint8Array");
  }
  uint32_t count, keys_end;
  if (napi_get_value_uint32(env, info[1], &count) != napi_ok ||
      napi_get_value_uint32(env, info[3], &keys_end) != napi_ok || count == 0 ||
      count > length / kRequestLength || keys_end == 0 || keys_end > key_room) {
    return ThrowType(env, "count and keysEnd must be numbers of what is there");
  }
  const double* const numbers = static_cast<const double*>(requests);
  const uint8_t* const bytes = static_cast<const uint8_t*>(keys);
  return Job::Start(new FindJob(env, info[0].As<Napi::Object>(),
                                std::vector<double>(numbers, numbers + count * kRequestLength),
                                std::vector<uint8_t>(bytes, bytes + keys_end)));
}

}  // namespace

void DefineBlockFinds(Napi::Env env, Napi::Object exports) {
  exports["createBlockFinder"] = Napi::Function::New<CreateBlockFinder>(env, "createBlockFinder");
  exports["findInBlocks"] = Napi::Function::New<FindInBlocks>(env, "findInBlocks");
}

}  // namespace sluicedb

#endif  // _WIN32
