// The LogFile of ts/platform/log-file.ts.
//
// The wrapper and the jobs share ownership of the log, so that a collected wrapper, a job still on
// the pool and a closing environment may come in any order.

#ifndef SLUICEDB_NAPI_LOG_FILE_H_
#define SLUICEDB_NAPI_LOG_FILE_H_

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "core/log_writer.h"
#include "napi/deferred.h"

namespace sluicedb {

class WriterJob;

// A log as the main thread of its environment sees it. Only `writer` is ever used elsewhere, by the
// one job in flight.
struct SharedLog {
  std::string path;  // as the caller spelled it
  std::unique_ptr<LogWriter> writer;
  WriterJob* job = nullptr;  // the job in flight
  bool is_joined = false;    // its work is done, though its promise has not settled
  bool is_closing = false;   // close was called
  bool is_closed = false;
  Status close_status;            // what every close is answered with; read once is_closed
  std::vector<Deferred> closers;  // to settle once it is closed
};

class LogFile : public Napi::ObjectWrap<LogFile> {
 public:
  static Napi::Function DefineClass(Napi::Env env);

  // createLog(path, shownPath): Promise<LogFile>
  static Napi::Value Create(const Napi::CallbackInfo& info);

  // Not for JavaScript: what `log.constructor` is asked to make is refused with a TypeError.
  explicit LogFile(const Napi::CallbackInfo& info);

 private:
  Napi::Value Append(const Napi::CallbackInfo& info);
  void AppendSync(const Napi::CallbackInfo& info);
  Napi::Value AppendRecords(const Napi::CallbackInfo& info);
  void AppendRecordsSync(const Napi::CallbackInfo& info);
  Napi::Value Sync(const Napi::CallbackInfo& info);
  void SyncSync(const Napi::CallbackInfo& info);
  void JoinSync(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Path(const Napi::CallbackInfo& info);
  Napi::Value SizeBytes(const Napi::CallbackInfo& info);

  std::shared_ptr<SharedLog> log_;
};

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_LOG_FILE_H_
