#if defined(_WIN32)

#include "core/file_lock.h"
#include "core/windows.h"

namespace sluicedb {
namespace {

class HandleLock final : public FileLock {
 public:
  explicit HandleLock(HANDLE handle) : handle_(handle) {}
  ~HandleLock() override { CloseHandle(handle_); }

 private:
  const HANDLE handle_;
};

}  // namespace

Status AcquireFileLock(const std::string& path, std::unique_ptr<FileLock>* lock) {
  lock->reset();
  // LevelDB shares its LOCK and locks a range of it; we share nothing, and lock that range too in
  // case it opened first.
  const HANDLE handle = CreateFileW(WidePath(path).c_str(), GENERIC_READ | GENERIC_WRITE, 0,
                                    nullptr, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    const DWORD code = GetLastError();
    if (code == ERROR_SHARING_VIOLATION) return Status();
    return Status{ErrorNumber(code), "open"};
  }
  OVERLAPPED range = {};
  if (!LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, MAXDWORD,
                  MAXDWORD, &range)) {
    const DWORD code = GetLastError();
    CloseHandle(handle);
    if (code == ERROR_LOCK_VIOLATION || code == ERROR_IO_PENDING) return Status();
    return Status{ErrorNumber(code), "lock"};
  }
  *lock = std::make_unique<HandleLock>(handle);
  return Status();
}

}  // namespace sluicedb

#endif  // defined(_WIN32)
