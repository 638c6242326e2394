#include "kpkg/commands/commands.hpp"

namespace kpkg {

Program make_program(Context& context) {
  return {
      .version = KPKG_VERSION,
      .summary = "Builds, signs, distributes and boots reproducible WebAssembly components.",
      .description =
          "A package is an expression in the Nix language, in a file named kpkg.nix. build makes it a path of the "
          "store, named by a hash of all that went into it; push and install carry signed paths from store to store; "
          "run runs a module here, and system build makes an image of several that system boot starts on a machine of "
          "their own.",
      .groups = {{"profile", "generations of installed paths: list, set, switch, roll back"},
                 {"system", "build, inspect and boot system generations"},
                 {"toolchain", "bring compilers of this machine into the store"},
                 {"key", "make and show signing keys"},
                 {"store", "look at, verify, sign and clean the local store"}},
      .commands = {eval_command(),
                   instantiate_command(),
                   build_command(),
                   log_command(),
                   run_command(),
                   push_command(),
                   install_command(),
                   profile_list_command(),
                   profile_set_command(),
                   profile_switch_command(),
                   profile_rollback_command(),
                   system_build_command(),
                   system_inspect_command(),
                   system_boot_command(),
                   toolchain_import_command(),
                   toolchain_list_command(),
                   key_generate_command(),
                   key_public_command(),
                   store_add_command(),
                   store_list_command(),
                   store_info_command(),
                   store_roots_command(),
                   store_verify_command(),
                   store_sign_command(),
                   store_gc_command(),
                   builtins_command(),
                   completion_command(),
                   manual_command()},
      .options = {{.names = "--root",
                   .value_name = "FOLDER",
                   .help = "where the store lies (overrides KPKG_ROOT)",
                   .target = &context.root,
                   .kind = ValueKind::folder},
                  {.names = "--json", .help = "results and errors as JSON", .target = &context.json},
                  {.names = "-q,--quiet", .help = "no progress lines", .target = &context.quiet}},
      .environment = {{"KPKG_ROOT", "where the store lies; default: ~/.local/share/kpkg, for root /kpkg"},
                      {"KPKG_KEY", "secret key file that signs what is built"},
                      {"KPKG_TOKEN", "upload token of a registry"},
                      {"KPKG_TRUSTED_KEYS", "public keys NAME:BASE64, separated by spaces"},
                      {"NO_COLOR", "no colours where it is set"}},
      .files = {{"ROOT/etc/trusted-keys", "public keys that are trusted, one a line"}},
  };
}

} // namespace kpkg
