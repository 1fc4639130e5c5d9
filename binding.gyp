# For the repository; native/binding.gyp is the one that is shipped.
{ "includes": ["native/addon.gypi"] }
