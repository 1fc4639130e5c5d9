#include "napi/log_file.h"

#include <mutex>
#include <utility>

#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/job.h"
#include "napi/system_error.h"

namespace sluicedb {
namespace {

class CreateLogJob final : public Job {
 public:
  CreateLogJob(Napi::Env env, const std::string& path, const std::string& shown_path)
      : Job(env, "sluicedb.createLog", shown_path), path_(path), log_(new SharedLog) {
    log_->path = shown_path;
  }

 protected:
  Status Work() override {
    std::unique_ptr<AppendableFile> file;
    const Status status = CreateAppendableFile(path_, &file);
    if (status.ok()) log_->writer = std::make_unique<LogWriter>(std::move(file));
    return status;
  }

  Napi::Value Result(Napi::Env env) override {
    AddonData* data = env.GetInstanceData<AddonData>();
    data->next_log = std::move(log_);
    return data->log_file_class.New({});
  }

 private:
  const std::string path_;
  std::shared_ptr<SharedLog> log_;
};

// Answers one call of close. Requires: is_closed.
void SettleClose(Napi::Env env, const SharedLog& log, const Deferred& closer) {
  if (log.close_status.ok()) {
    closer.Resolve(env.Undefined());
  } else {
    closer.Reject(SystemError(env, log.close_status, log.path).Value());
  }
}

// Its own promise always resolves, since nobody may hold it: the closers have the outcome.
class CloseLogJob final : public Job {
 public:
  CloseLogJob(Napi::Env env, std::shared_ptr<SharedLog> log)
      : Job(env, "sluicedb.closeLog", log->path), log_(std::move(log)) {}

 protected:
  Status Work() override {
    log_->close_status = log_->writer->Close();
    return Status();
  }

  void Finish() override {
    log_->is_closed = true;
    std::vector<Deferred> closers;
    closers.swap(log_->closers);
    for (const Deferred& closer : closers) SettleClose(Env(), *log_, closer);
  }

 private:
  const std::shared_ptr<SharedLog> log_;
};

}  // namespace

// A job that uses the writer. Counts as the one in flight from its making to its Finish.
//
// Its work is done once, by whoever comes first: a thread of the pool, or the main thread in Join,
// which otherwise waits for that thread. So joining never waits for a place in the pool.
class WriterJob : public Job {
 public:
  WriterJob(Napi::Env env, const char* name, std::shared_ptr<SharedLog> log)
      : Job(env, name, log->path), log_(std::move(log)) {
    log_->job = this;
    log_->is_joined = false;
  }

  // Main thread. When it returns, the writer is the main thread's.
  void Join() {
    WorkOnce();
    log_->is_joined = true;
  }

 protected:
  LogWriter* writer() { return log_->writer.get(); }
  virtual Status Use() = 0;

  Status Work() final {
    WorkOnce();
    return status_;
  }

  void Finish() override {
    log_->job = nullptr;
    // A close that came meanwhile has been waiting for this.
    if (log_->is_closing && !log_->is_closed) Job::Start(new CloseLogJob(Env(), log_));
  }

 private:
  void WorkOnce() {
    std::call_once(once_, [this] { status_ = Use(); });
  }

  const std::shared_ptr<SharedLog> log_;
  std::once_flag once_;
  Status status_;
};

using AppendMethod = Status (LogWriter::*)(const uint8_t* data, size_t size, bool sync);

namespace {

class AppendJob final : public WriterJob {
 public:
  AppendJob(Napi::Env env, std::shared_ptr<SharedLog> log, AppendMethod append, Napi::Object bytes,
            const ByteRange& range, bool sync)
      : WriterJob(env, "sluicedb.append", std::move(log)),
        append_(append),
        bytes_(Napi::Persistent(bytes)),
        range_(range),
        sync_(sync) {}

 protected:
  Status Use() override { return (writer()->*append_)(range_.data, range_.size, sync_); }

 private:
  const AppendMethod append_;
  const Napi::ObjectReference bytes_;  // keeps the memory of range_
  const ByteRange range_;
  const bool sync_;
};

class SyncJob final : public WriterJob {
 public:
  SyncJob(Napi::Env env, std::shared_ptr<SharedLog> log)
      : WriterJob(env, "sluicedb.sync", std::move(log)) {}

 protected:
  Status Use() override { return writer()->Sync(); }
};

enum class Call { kJob, kInPlace };

// Why nothing may start on this log now, or an empty Error.
Napi::Error Refusal(Napi::Env env, const SharedLog& log, Call call) {
  if (log.is_closing) return SystemError(env, {EBADF, "write"}, log.path, "the log is closed");
  // The writer may not be looked into while a job has it.
  const bool is_free = log.job == nullptr || (call == Call::kInPlace && log.is_joined);
  if (!is_free) return SystemError(env, {EBUSY, "write"}, log.path, "a job is in flight");
  if (!log.writer->poison().ok()) return SystemError(env, log.writer->poison(), log.path);
  return Napi::Error();
}

Napi::Value Rejection(Napi::Env env, const Napi::Error& error) {
  const Deferred deferred(env);
  deferred.Reject(error.Value());
  return deferred.Promise();
}

Napi::Value StartAppend(const Napi::CallbackInfo& info, const std::shared_ptr<SharedLog>& log,
                        AppendMethod append) {
  const Napi::Env env = info.Env();
  ByteRange range;
  if (!ReadByteRange(info, 0, &range)) return Napi::Value();
  if (!info[3].IsBoolean()) {
    Napi::TypeError::New(env, "sync must be a boolean").ThrowAsJavaScriptException();
    return Napi::Value();
  }
  const Napi::Error refusal = Refusal(env, *log, Call::kJob);
  if (!refusal.IsEmpty()) return Rejection(env, refusal);
  const bool sync = info[3].As<Napi::Boolean>();
  return Job::Start(new AppendJob(env, log, append, info[0].As<Napi::Object>(), range, sync));
}

void AppendInPlace(const Napi::CallbackInfo& info, const SharedLog& log, AppendMethod append) {
  const Napi::Env env = info.Env();
  ByteRange range;
  if (!ReadByteRange(info, 0, &range)) return;
  const bool sync = info[3].IsBoolean() && info[3].As<Napi::Boolean>();
  Napi::Error refusal = Refusal(env, log, Call::kInPlace);
  if (refusal.IsEmpty()) {
    const Status status = (log.writer.get()->*append)(range.data, range.size, sync);
    if (status.ok()) return;
    refusal = SystemError(env, status, log.path);
  }
  refusal.ThrowAsJavaScriptException();
}

}  // namespace

Napi::Function LogFile::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(
      env, "LogFile",
      {
          InstanceMethod<&LogFile::Append>("append"),
          InstanceMethod<&LogFile::AppendSync>("appendSync"),
          InstanceMethod<&LogFile::AppendRecords>("appendRecords"),
          InstanceMethod<&LogFile::AppendRecordsSync>("appendRecordsSync"),
          InstanceMethod<&LogFile::Sync>("sync"),
          InstanceMethod<&LogFile::SyncSync>("syncSync"),
          InstanceMethod<&LogFile::JoinSync>("joinSync"),
          InstanceMethod<&LogFile::Close>("close"),
          InstanceAccessor<&LogFile::Path>("path"),
          InstanceAccessor<&LogFile::SizeBytes>("sizeBytes"),
      });
}

Napi::Value LogFile::Create(const Napi::CallbackInfo& info) {
  std::string path, shown_path;
  if (!ReadPath(info, 0, &path) || !ReadPath(info, 1, &shown_path)) return Napi::Value();
  return Job::Start(new CreateLogJob(info.Env(), path, shown_path));
}

LogFile::LogFile(const Napi::CallbackInfo& info)
    : ObjectWrap(info), log_(std::move(info.Env().GetInstanceData<AddonData>()->next_log)) {
  if (log_ == nullptr) {
    Napi::TypeError::New(info.Env(), "Illegal constructor").ThrowAsJavaScriptException();
  }
}

Napi::Value LogFile::Append(const Napi::CallbackInfo& info) {
  return StartAppend(info, log_, &LogWriter::Append);
}

void LogFile::AppendSync(const Napi::CallbackInfo& info) {
  AppendInPlace(info, *log_, &LogWriter::Append);
}

Napi::Value LogFile::AppendRecords(const Napi::CallbackInfo& info) {
  return StartAppend(info, log_, &LogWriter::AppendRecords);
}

void LogFile::AppendRecordsSync(const Napi::CallbackInfo& info) {
  AppendInPlace(info, *log_, &LogWriter::AppendRecords);
}

void LogFile::SyncSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Error refusal = Refusal(env, *log_, Call::kInPlace);
  if (refusal.IsEmpty()) {
    const Status status = log_->writer->Sync();
    if (status.ok()) return;
    refusal = SystemError(env, status, log_->path);
  }
  refusal.ThrowAsJavaScriptException();
}

void LogFile::JoinSync(const Napi::CallbackInfo&) {
  if (log_->job != nullptr) log_->job->Join();
}

Napi::Value LogFile::Sync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Error refusal = Refusal(env, *log_, Call::kJob);
  if (!refusal.IsEmpty()) return Rejection(env, refusal);
  return Job::Start(new SyncJob(env, log_));
}

Napi::Value LogFile::Close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Deferred closer(env);
  if (log_->is_closed) {
    SettleClose(env, *log_, closer);
    return closer.Promise();
  }
  log_->closers.push_back(closer);
  // With a job in flight, that one starts the closing when it is done.
  if (!log_->is_closing && log_->job == nullptr) Job::Start(new CloseLogJob(env, log_));
  log_->is_closing = true;
  return closer.Promise();
}

Napi::Value LogFile::Path(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), log_->path);
}

Napi::Value LogFile::SizeBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(log_->writer->size()));
}

}  // namespace sluicedb
