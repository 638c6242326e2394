// kpkg key generate: makes a signing key.
#include "kpkg/commands/commands.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/secret.hpp"
#include "store/posix/system_error.hpp"
#include <cerrno>
#include <fcntl.h>

namespace kpkg {

namespace {

struct Options {
  std::string name, file;
};

// Nothing that stands there is replaced, and nobody else can read it at any moment.
void write_new_secret(const std::string& file, const store::Secret& text) {
  const store::UniqueFd fd{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd && errno == EEXIST)
    throw store::UserError(file + " exists already", "a secret key is never overwritten; choose another file");
  if (!fd) store::throw_errno("create", file);
  store::write_all(fd.get(), store::as_bytes(text.reveal()), file);
  store::sync_file(fd.get(), file);
  store::sync_folder(fs::path(file).parent_path());
}

void run(Context& context, const Options& options) {
  if (!store::is_key_name(options.name))
    throw store::UserError(store::UserErrorCode::usage, "\"" + options.name + "\" is no name for a key",
                           "use 1 to 128 letters, digits, \".\", \"_\", \"-\", \"+\" and \"@\"");
  store::hide_memory();
  const auto key = store::SecretKey::generate(options.name);
  write_new_secret(options.file, store::Secret(key.to_string() + "\n"));
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
