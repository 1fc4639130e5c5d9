// A directory that goes away with its owner, with the files in it.

#ifndef SLUICEDB_CORE_TEST_TEMPORARY_DIRECTORY_H_
#define SLUICEDB_CORE_TEST_TEMPORARY_DIRECTORY_H_

#include <filesystem>
#include <random>
#include <string>

namespace sluicedb {
namespace test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::random_device random;
    path_ =
        std::filesystem::temp_directory_path() / ("sluicedb-core-test-" + std::to_string(random()));
    std::filesystem::create_directory(path_);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  std::string File(const char* name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace test
}  // namespace sluicedb

#endif  // SLUICEDB_CORE_TEST_TEMPORARY_DIRECTORY_H_
