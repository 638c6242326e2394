// kpkg system inspect: what a boot image holds.
#include "kpkg/commands/commands.hpp"
#include "store/format/boot_image.hpp"
#include "store/posix/file_io.hpp"
#include <format>

namespace kpkg {

namespace {

void run(Context& context, const std::string& file) {
  const std::string bytes = store::read_file(file);
  auto image = store::BootImage::parse(store::as_bytes(bytes));
  if (!image) throw store::UserError(store::UserErrorCode::refused, image.error().describe(file));
  std::string text = std::format("generation  {}\nsystem      {}\n", image->hash.to_string(), image->generation.name);
  for (const auto& signature : image->signatures) text += "signed by   " + signature.key_name + "\n";
  for (const auto& instance : image->generation.instances) {
    text += std::format("instance    {}  {}/{}\n", instance.name, instance.component.full(), instance.module);
    for (const auto& [import, provider] : instance.links)
      text += std::format("            imports {} from {}\n", import, provider);
  }
  for (size_t i = 0; i < image->generation.closure.size(); ++i) {
    const bool intact = image->check_nar_hash(i).has_value();
    text += std::format("content     {}  {} bytes, {}\n", image->generation.closure[i].path.full(),
                        image->generation.closure[i].nar_size_bytes, intact ? "hash is right" : "DAMAGED");
  }
  context.print(text, Json{{"generation", image->hash.to_string()}, {"manifest", Json::parse(image->manifest)}});
}

} // namespace

Command system_inspect_command() {
  const auto file = std::make_shared<std::string>();
  return {.name = "system inspect",
          .summary = "show what a boot image holds",
          .description =
              "Prints the generation, who signed it, its instances with their links, and its content with the "
              "word whether each hash is right.",
          .positionals = {{.name = "image",
                           .help = "boot image file",
                           .target = file.get(),
                           .kind = ValueKind::file,
                           .required = true}},
          .examples = {{"kpkg system inspect system.img", "describe an image"}},
          .errors = {store::UserErrorCode::failed, store::UserErrorCode::refused},
          .run = [file](Context& context) { run(context, *file); }};
}

} // namespace kpkg
