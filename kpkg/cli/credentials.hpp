// Keys and tokens, from options, environment and files.
#pragma once
#include "kpkg/cli/context.hpp"
#include "store/posix/secret.hpp"
#include <vector>

namespace kpkg {

// Of a file's first line (a pipe will do); UserError where it is none, or where it is this user's and others may read
// it, as ssh does. From then on the process's memory is hidden (store/posix/secret.hpp).
[[nodiscard]] store::SecretKey read_secret_key(const std::string& file);
// --trusted-key options, $KPKG_TRUSTED_KEYS (separated by spaces) and ROOT/etc/trusted-keys (one per line).
[[nodiscard]] std::vector<store::PublicKey> trusted_keys(const Context& context,
                                                         const std::vector<std::string>& options);
// The first line of the file, or, where the option is empty, what stood in $KPKG_TOKEN. The process's memory is hidden,
// too.
[[nodiscard]] store::Secret read_token(Context& context, const std::string& token_file);

} // namespace kpkg
