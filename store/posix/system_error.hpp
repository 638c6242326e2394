// Failures of system calls as UserErrors: «cannot WHAT PATH: REASON», with a hint where the reason has a usual cure.
#pragma once
#include "store/posix/user_error.hpp"
#include <cerrno>
#include <filesystem>

namespace store {

// `what` is a verb with its object but the path: "open", "set the mode of".
[[noreturn]] void throw_errno(std::string_view what, const std::filesystem::path& path, int error = errno);
[[noreturn]] void throw_errno(std::string_view what, int error = errno); // of something without a path

// The result of a system call, or its failure as above.
template <class Int> Int check_errno(Int result, std::string_view what, const std::filesystem::path& path) {
  if (result < 0) throw_errno(what, path);
  return result;
}

} // namespace store
