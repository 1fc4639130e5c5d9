// One piece of work on a thread of libuv's pool, with a promise for its outcome.
//
// Life of a job, in order:
//   constructor   main thread   takes shared ownership of everything that Work needs
//   Work          pool thread   no JavaScript value may be touched
//   Finish        main thread   the promise settles after it
//   destructor    main thread
//
// When the environment is torn down (a worker is terminated, the process exits), Node waits for
// jobs that run; Finish and the destructor still run on the main thread, but JavaScript may not:
// what they ask of it fails quietly (NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS).

#ifndef SLUICEDB_NAPI_JOB_H_
#define SLUICEDB_NAPI_JOB_H_

#include <napi.h>

#include <string>
#include <utility>

#include "core/status.h"
#include "napi/deferred.h"

namespace sluicedb {

class Job : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, const char* name, std::string path)
      : Napi::AsyncWorker(env, name), deferred_(env), path_(std::move(path)) {}

  // Gives the job to the pool, which owns it from here on.
  static Napi::Value Start(Job* job);

 protected:
  virtual Status Work() = 0;
  // The value that the promise resolves to, or rejects with.
  virtual Napi::Value Result(Napi::Env env) { return env.Undefined(); }
  virtual Napi::Value Failure(Napi::Env env, const Status& status);
  virtual void Finish() {}

 private:
  void Execute() final { status_ = Work(); }
  void OnOK() final;

  const Deferred deferred_;
  const std::string path_;  // for the error
  Status status_;           // written by the pool thread, read after it is done
};

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_JOB_H_
