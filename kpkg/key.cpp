// kpkg key: makes and shows signing keys.
#include "kpkg/command.hpp"

namespace kpkg {

void add_key(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("key", "make and show signing keys");
  command->require_subcommand(1);
  struct Options {
    std::string name, file;
  };
  auto options = std::make_shared<Options>();
  auto* generate = command->add_subcommand("generate", "make a secret key and print its public key");
  generate->add_option("name", options->name, "name of the key, for example acme-1")->required();
  generate->add_option("-o,--out", options->file, "file for the secret key (created, readable by its owner only)")
      ->required();
  generate->final_callback([options, &context] {
    if (options->name.empty() || options->name.find_first_of(": \t\r\n") != std::string::npos)
      throw Failure(kUsage, "a key's name has no colon and no spaces");
    if (fs::exists(options->file))
      throw Failure(kFailed, options->file + " exists already",
                    "a secret key is never overwritten; choose another file");
    const auto key = store::SecretKey::generate(options->name);
    write_file(options->file, key.to_string() + "\n", 0600);
    context.print(key.public_key().to_string(),
                  Json{{"publicKey", key.public_key().to_string()}, {"secretKeyFile", options->file}});
  });
  auto* show = command->add_subcommand("public", "print the public key of a secret key file");
  show->add_option("file", options->file, "secret key file")->required();
  show->final_callback([options, &context] {
    const std::string text = read_secret_key(options->file).public_key().to_string();
    context.print(text, Json{{"publicKey", text}});
  });
}

} // namespace kpkg
