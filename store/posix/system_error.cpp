#include "store/posix/system_error.hpp"
#include <cstring>

namespace store {

namespace {

std::string hint_of(int error) {
  switch (error) {
  case ENOSPC:
  case EDQUOT: return "free some space, for example with kpkg store gc";
  case EACCES:
  case EPERM: return "check the folder's owner and permissions, or set KPKG_ROOT to a folder of yours";
  default: return {};
  }
}

} // namespace

void throw_errno(std::string_view what, const std::filesystem::path& path, int error) {
  throw UserError("cannot " + std::string{what} + " " + path.string() + ": " + std::strerror(error), hint_of(error));
}

void throw_errno(std::string_view what, int error) {
  throw UserError("cannot " + std::string{what} + ": " + std::strerror(error), hint_of(error));
}

} // namespace store
