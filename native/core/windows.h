// What the Windows files share: paths in UTF-16, and errors as errno.

#ifndef SLUICEDB_CORE_WINDOWS_H_
#define SLUICEDB_CORE_WINDOWS_H_

#if defined(_WIN32)

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include <string>

namespace sluicedb {

std::wstring WidePath(const std::string& path);

// The errno nearest to a code of GetLastError.
int ErrorNumber(DWORD code);

}  // namespace sluicedb

#endif  // defined(_WIN32)

#endif  // SLUICEDB_CORE_WINDOWS_H_
