// kpkg key generate: makes a signing key.
#include "kpkg/commands/commands.hpp"
#include "store/posix/durable_file.hpp"

namespace kpkg {

namespace {

struct Options {
  std::string name, file;
};

void run(Context& context, const Options& options) {
  if (options.name.empty() || options.name.find_first_of(": \t\r\n") != std::string::npos)
    throw store::UserError(store::UserErrorCode::usage, "a key's name has no colon and no spaces");
  if (fs::exists(options.file))
    throw store::UserError(options.file + " exists already", "a secret key is never overwritten; choose another file");
  const auto key = store::SecretKey::generate(options.name);
  store::replace_file(options.file, key.to_string() + "\n", 0600);
  context.print(key.public_key().to_string(),
                Json{{"publicKey", key.public_key().to_string()}, {"secretKeyFile", options.file}});
}

} // namespace

Command key_generate_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "key generate",
          .summary = "make a secret key and print its public key",
          .description = "Makes an Ed25519 key pair. The secret key is written to a new file that only its owner can "
                         "read; the public key is printed, for those who shall trust it.",
          .positionals = {{.name = "name",
                           .help = "name of the key, for example acme-1",
                           .target = &options->name,
                           .required = true}},
          .options = {{.names = "-o,--out",
                       .value_name = "FILE",
                       .help = "file for the secret key; it must not exist",
                       .target = &options->file,
                       .kind = ValueKind::file,
                       .required = true}},
          .examples = {{"kpkg key generate acme-1 --out acme.secret", "make a key named acme-1"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
