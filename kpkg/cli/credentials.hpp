// Keys and tokens, from options, environment and files.
#pragma once
#include "kpkg/cli/context.hpp"
#include <vector>

namespace kpkg {

// Of a file's first line; UserError where it is none.
[[nodiscard]] store::SecretKey read_secret_key(const std::string& file);
// --trusted-key options, $KPKG_TRUSTED_KEYS (separated by spaces) and ROOT/etc/trusted-keys (one per line).
[[nodiscard]] std::vector<store::PublicKey> trusted_keys(const Context& context,
                                                         const std::vector<std::string>& options);
[[nodiscard]] std::string read_token(const std::string& token_file); // $KPKG_TOKEN where the option is empty

} // namespace kpkg
