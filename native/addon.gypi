# The one definition of the module. Paths are relative to this file.
{
  "variables": {
    # As -fsanitize= takes it: 'address,undefined' or 'thread'.
    "sanitize%": ""
  },
  "targets": [
    {
      "target_name": "sluicedb",
      "sources": [
        "core/block_reader_posix.cc",
        "core/block_search.cc",
        "core/crc32c.cc",
        "core/crc32c_hardware.cc",
        "core/file_lock_posix.cc",
        "core/file_lock_windows.cc",
        "core/file_posix.cc",
        "core/file_windows.cc",
        "core/log_writer.cc",
        "core/snappy.cc",
        "core/status.cc",
        "napi/addon.cc",
        "napi/arguments.cc",
        "napi/block_finds.cc",
        "napi/block_reads.cc",
        "napi/job.cc",
        "napi/lock.cc",
        "napi/log_file.cc",
        "napi/snappy.cc",
        "napi/system_error.cc"
      ],
      "include_dirs": [".", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        # What cannot be thrown any more, in an environment that is ending, must not abort.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags_cc": ["-std=c++17", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden",
                    "-fno-exceptions", "-fno-rtti"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_OPTIMIZATION_LEVEL": "3",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      },
      "msvs_settings": {
        "VCCLCompilerTool": { "Optimization": 2, "AdditionalOptions": ["/std:c++17"] }
      },
      "conditions": [
        ["sanitize!=''", {
          "cflags_cc": ["-fsanitize=<(sanitize)", "-g", "-O1", "-fno-omit-frame-pointer"],
          "ldflags": ["-fsanitize=<(sanitize)"]
        }]
      ]
    }
  ]
}
