// The commands: a record each, in the file named after its words. A new command is a file here, a line here, and one in
// commands.cpp.
#pragma once
#include "kpkg/cli/command.hpp"

namespace kpkg {

[[nodiscard]] Command build_command();
[[nodiscard]] Command builtins_command();
[[nodiscard]] Command completion_command();
[[nodiscard]] Command eval_command();
[[nodiscard]] Command install_command();
[[nodiscard]] Command instantiate_command();
[[nodiscard]] Command key_generate_command();
[[nodiscard]] Command key_public_command();
[[nodiscard]] Command log_command();
[[nodiscard]] Command manual_command();
[[nodiscard]] Command profile_list_command();
[[nodiscard]] Command profile_rollback_command();
[[nodiscard]] Command profile_set_command();
[[nodiscard]] Command profile_switch_command();
[[nodiscard]] Command push_command();
[[nodiscard]] Command run_command();
[[nodiscard]] Command store_add_command();
[[nodiscard]] Command store_gc_command();
[[nodiscard]] Command store_info_command();
[[nodiscard]] Command store_list_command();
[[nodiscard]] Command store_roots_command();
[[nodiscard]] Command store_sign_command();
[[nodiscard]] Command store_verify_command();
[[nodiscard]] Command system_boot_command();
[[nodiscard]] Command system_build_command();
[[nodiscard]] Command system_inspect_command();
[[nodiscard]] Command toolchain_import_command();
[[nodiscard]] Command toolchain_list_command();

// All of them. The options of every command write to `context`, which must outlive the result.
[[nodiscard]] Program make_program(Context& context);

} // namespace kpkg
