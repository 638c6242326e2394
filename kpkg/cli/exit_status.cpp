#include "kpkg/cli/exit_status.hpp"
#include <array>
#include <utility>

namespace kpkg {

ExitStatus exit_status(store::UserErrorCode code) {
  using enum store::UserErrorCode;
  switch (code) {
  case failed: return ExitStatus::failed;
  case usage: return ExitStatus::usage;
  case evaluation: return ExitStatus::evaluation_failed;
  case build: return ExitStatus::build_failed;
  case refused: return ExitStatus::refused;
  case invalid_module: return ExitStatus::invalid_module;
  case not_started: return ExitStatus::not_started;
  case trapped: return ExitStatus::trapped;
  case interrupted: return ExitStatus::interrupted;
  }
  std::unreachable();
}

std::span<const ExitStatus> every_exit_status() {
  using enum ExitStatus;
  static constexpr std::array kAll{success, failed,         usage,       evaluation_failed, build_failed,
                                   refused, invalid_module, not_started, interrupted,       trapped};
  return kAll;
}

std::string_view meaning(ExitStatus status) {
  switch (status) {
  case ExitStatus::success: return "success";
  case ExitStatus::failed: return "failed: files, network, store, linking";
  case ExitStatus::usage: return "wrong usage";
  case ExitStatus::evaluation_failed: return "the expression does not parse or evaluate";
  case ExitStatus::build_failed: return "a build failed";
  case ExitStatus::refused: return "refused: a signature, hash or token was not accepted";
  case ExitStatus::invalid_module: return "the WebAssembly module does not decode or validate";
  case ExitStatus::not_started: return "an awaited instance could not be started";
  case ExitStatus::interrupted: return "interrupted";
  case ExitStatus::trapped: return "the guest trapped";
  }
  std::unreachable();
}

std::string_view kind_name(store::UserErrorCode code) {
  using enum store::UserErrorCode;
  switch (code) {
  case failed: return "failed";
  case usage: return "usage";
  case evaluation: return "evaluation";
  case build: return "build";
  case refused: return "refused";
  case invalid_module: return "invalid-module";
  case not_started: return "not-started";
  case trapped: return "trapped";
  case interrupted: return "interrupted";
  }
  std::unreachable();
}

} // namespace kpkg
