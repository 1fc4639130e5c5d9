// Files on Windows, which has no gather-write for ordinary files and no sync of a directory.

#if defined(_WIN32)

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/appendable_file.h"
#include "core/windows.h"

namespace sluicedb {
namespace {

// Pieces are copied together up to this size: a system call for each 7-byte header costs more.
constexpr size_t kMaxTransferSize = 1024 * 1024;

HANDLE Open(const std::string& path, DWORD access, DWORD disposition) {
  // FILE_SHARE_DELETE, so that a file in use can be renamed and removed as on POSIX.
  return CreateFileW(WidePath(path).c_str(), access,
                     FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, disposition,
                     FILE_ATTRIBUTE_NORMAL, nullptr);
}

bool IsSameFile(const BY_HANDLE_FILE_INFORMATION& a, const BY_HANDLE_FILE_INFORMATION& b) {
  return a.dwVolumeSerialNumber == b.dwVolumeSerialNumber && a.nFileIndexHigh == b.nFileIndexHigh &&
         a.nFileIndexLow == b.nFileIndexLow;
}

class WindowsFile final : public AppendableFile {
 public:
  WindowsFile(HANDLE handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  ~WindowsFile() override { static_cast<void>(Close()); }

  Status Append(const Piece* pieces, size_t count, size_t* written) override {
    scratch_.clear();
    for (size_t i = 0; i < count && scratch_.size() < kMaxTransferSize; i++) {
      scratch_.insert(scratch_.end(), pieces[i].data, pieces[i].data + pieces[i].size);
    }
    DWORD taken = 0;
    if (!WriteFile(handle_, scratch_.data(), static_cast<DWORD>(scratch_.size()), &taken,
                   nullptr)) {
      return Status{ErrorNumber(GetLastError()), "write"};
    }
    *written = taken;
    return Status();
  }

  Status Sync() override {
    if (FlushFileBuffers(handle_)) return Status();
    return Status{ErrorNumber(GetLastError()), "fdatasync"};
  }

  Status CheckLinked() override {
    BY_HANDLE_FILE_INFORMATION own, named;
    if (!GetFileInformationByHandle(handle_, &own)) {
      return Status{ErrorNumber(GetLastError()), "fstat"};
    }
    if (own.nNumberOfLinks == 0) return Status{ESTALE, "fdatasync"};
    const HANDLE other = Open(path_, FILE_READ_ATTRIBUTES, OPEN_EXISTING);
    if (other == INVALID_HANDLE_VALUE) {
      const int error_number = ErrorNumber(GetLastError());
      return error_number == ENOENT ? Status{ESTALE, "fdatasync"} : Status{error_number, "stat"};
    }
    const bool is_known = GetFileInformationByHandle(other, &named) != 0;
    const DWORD code = GetLastError();
    CloseHandle(other);
    if (!is_known) return Status{ErrorNumber(code), "stat"};
    return IsSameFile(own, named) ? Status() : Status{ESTALE, "fdatasync"};
  }

  Status Resize(uint64_t size) override {
    FILE_END_OF_FILE_INFO end;
    end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
    if (SetFileInformationByHandle(handle_, FileEndOfFileInfo, &end, sizeof(end))) return Status();
    return Status{ErrorNumber(GetLastError()), "ftruncate"};
  }

  Status Close() override {
    if (handle_ == INVALID_HANDLE_VALUE) return Status();
    if (CloseHandle(std::exchange(handle_, INVALID_HANDLE_VALUE))) return Status();
    return Status{ErrorNumber(GetLastError()), "close"};
  }

 private:
  HANDLE handle_;
  const std::string path_;
  std::vector<uint8_t> scratch_;
};

}  // namespace

Status CreateAppendableFile(const std::string& path, std::unique_ptr<AppendableFile>* file) {
  const HANDLE handle = Open(path, GENERIC_WRITE | FILE_READ_ATTRIBUTES, CREATE_ALWAYS);
  if (handle == INVALID_HANDLE_VALUE) return Status{ErrorNumber(GetLastError()), "open"};
  *file = std::make_unique<WindowsFile>(handle, path);
  return Status();
}

Status SyncDirectory(const std::string&) { return Status(); }

std::wstring WidePath(const std::string& path) {
  const int size = static_cast<int>(path.size());
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.data(), size, nullptr, 0);
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.data(), size, &wide[0], length);
  return wide;
}

int ErrorNumber(DWORD code) {
  switch (code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
      return ENOENT;
    case ERROR_ACCESS_DENIED:
      return EPERM;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
      return EBUSY;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return ENOSPC;
    case ERROR_TOO_MANY_OPEN_FILES:
      return EMFILE;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
      return EEXIST;
    case ERROR_WRITE_PROTECT:
      return EROFS;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
      return ENOMEM;
    case ERROR_FILENAME_EXCED_RANGE:
      return ENAMETOOLONG;
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_PARAMETER:
      return EINVAL;
    case ERROR_INVALID_HANDLE:
      return EBADF;
    default:
      return EIO;
  }
}

}  // namespace sluicedb

#endif  // defined(_WIN32)
