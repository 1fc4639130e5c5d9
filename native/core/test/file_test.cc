#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/appendable_file.h"
#include "core/test/core_test.h"
#include "core/test/temporary_directory.h"

namespace sluicedb {
namespace test {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream contents;
  contents << stream.rdbuf();
  return contents.str();
}

Piece PieceOf(const std::string& bytes) {
  return Piece{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

void TestAppends(const TemporaryDirectory& directory) {
  const std::string path = directory.File("log");
  std::unique_ptr<AppendableFile> file;
  CHECK(CreateAppendableFile(path, &file).ok());
  // More pieces than one gather-write takes: the first call is short, or takes all of them.
  const std::string piece = "0123456789";
  std::string expected;
  std::vector<Piece> pieces(5000, PieceOf(piece));
  size_t at = 0;
  while (at < pieces.size()) {
    size_t written = 0;
    CHECK(file->Append(pieces.data() + at, pieces.size() - at, &written).ok());
    CHECK(written > 0 && written % piece.size() == 0);
    if (written == 0) return;
    at += written / piece.size();
  }
  for (size_t i = 0; i < pieces.size(); i++) expected += piece;
  CHECK(file->Sync().ok());
  CHECK(file->CheckLinked().ok());
  CHECK(file->Close().ok() && file->Close().ok());
  CHECK(Contents(path) == expected);
  CHECK(CreateAppendableFile(path, &file).ok());
  CHECK(Contents(path).empty());
}

void TestResizes(const TemporaryDirectory& directory) {
  const std::string path = directory.File("resized");
  std::unique_ptr<AppendableFile> file;
  CHECK(CreateAppendableFile(path, &file).ok());
  const std::string bytes = "abc";
  const Piece piece = PieceOf(bytes);
  size_t written = 0;
  CHECK(file->Append(&piece, 1, &written).ok() && written == 3);
  CHECK(file->Resize(200000).ok());
  CHECK(Contents(path) == "abc" + std::string(199997, '\0'));
  CHECK(file->Append(&piece, 1, &written).ok() && written == 3);
  CHECK(Contents(path) == "abcabc" + std::string(199994, '\0'));
  CHECK(file->Resize(6).ok());
  CHECK(Contents(path) == "abcabc");
  CHECK(file->Append(&piece, 1, &written).ok() && written == 3);
  CHECK(Contents(path) == "abcabcabc");
}

void TestLinks(const TemporaryDirectory& directory) {
  const std::string path = directory.File("linked");
  std::unique_ptr<AppendableFile> file;
  CHECK(CreateAppendableFile(path, &file).ok());
  std::filesystem::rename(path, path + ".moved");
  CHECK(file->CheckLinked().error_number == ESTALE);
  {
    std::ofstream other(path);
  }
  CHECK(file->CheckLinked().error_number == ESTALE);
  std::filesystem::rename(path + ".moved", path);
  CHECK(file->CheckLinked().ok());
  std::filesystem::remove(path);
  CHECK(file->CheckLinked().error_number == ESTALE);
}

void TestErrors(const TemporaryDirectory& directory) {
  std::unique_ptr<AppendableFile> file;
  const Status missing = CreateAppendableFile(directory.File("missing/log"), &file);
  CHECK(missing.error_number == ENOENT && std::string(missing.syscall) == "open");
  CHECK(file == nullptr);
  CHECK(std::string(ErrorName(ENOSPC)) == "ENOSPC");
  CHECK(std::string(ErrorName(-1)) == "EUNKNOWN");
#if defined(__linux__)
  CHECK(CreateAppendableFile("/dev/full", &file).ok());
  const std::string bytes = "x";
  const Piece piece = PieceOf(bytes);
  size_t written = 0;
  CHECK(file->Append(&piece, 1, &written).error_number == ENOSPC);
#endif
}

void TestSyncDirectory(const TemporaryDirectory& directory) {
  CHECK(SyncDirectory(directory.path()).ok());
#if !defined(_WIN32)
  CHECK(SyncDirectory(directory.File("missing")).error_number == ENOENT);
  {
    std::ofstream file(directory.File("file"));
  }
  CHECK(SyncDirectory(directory.File("file")).error_number == ENOTDIR);
#endif
}

}  // namespace

void TestFile() {
  const TemporaryDirectory directory;
  TestAppends(directory);
  TestResizes(directory);
  TestLinks(directory);
  TestErrors(directory);
  TestSyncDirectory(directory);
}

}  // namespace test
}  // namespace sluicedb
