// kpkg key public: the public half of a secret key.
#include "kpkg/cli/credentials.hpp"
#include "kpkg/commands/commands.hpp"

namespace kpkg {

Command key_public_command() {
  const auto file = std::make_shared<std::string>();
  return {.name = "key public",
          .summary = "print the public key of a secret key file",
          .description = "Prints NAME:BASE64, as --trusted-key takes it.",
          .positionals = {{.name = "file",
                           .help = "secret key file",
                           .target = file.get(),
                           .kind = ValueKind::file,
                           .required = true}},
          .examples = {{"kpkg key public acme.secret", "print the public key"}},
          .errors = {store::UserErrorCode::failed},
          .run = [file](Context& context) {
            const std::string text = read_secret_key(*file).public_key().to_string();
            context.print(text, Json{{"publicKey", text}});
          }};
}

} // namespace kpkg
