// kpkg manual: the manual pages and the manual, as files.
#include "kpkg/cli/markdown.hpp"
#include "kpkg/cli/mdoc.hpp"
#include "kpkg/commands/commands.hpp"
#include "store/posix/durable_file.hpp"

namespace kpkg {

namespace {

struct Options {
  std::string man, markdown;
};

void run(Context& context, const Options& options) {
  if (options.man.empty() && options.markdown.empty())
    throw store::UserError(store::UserErrorCode::usage, "give --man FOLDER or --markdown FOLDER",
                           "an installed kpkg has its pages already: man kpkg");
  const Program program = make_program(context);
  std::string text;
  Json json = Json::array();
  const auto write = [&](const fs::path& folder, const std::vector<ManualPage>& pages) {
    fs::create_directories(folder);
    for (const ManualPage& page : pages) {
      const fs::path file = folder / page.file_name;
      store::replace_file(file, page.text);
      text += file.string() + "\n";
      json.push_back(file.string());
    }
  };
  if (!options.man.empty()) write(options.man, man_pages(program));
  if (!options.markdown.empty()) write(options.markdown, markdown_pages(program));
  context.print(text, json);
}

} // namespace

Command manual_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "manual",
          .summary = "write the manual pages or the manual into a folder",
          .description = "Writes what --help says as files: pages for man(1), or a manual in Markdown with an index. "
                         "Prints the names of the files.",
          .options = {{.names = "--man",
                       .value_name = "FOLDER",
                       .help = "for pages of section 1, kpkg.1 and one a command",
                       .target = &options->man,
                       .kind = ValueKind::folder},
                      {.names = "--markdown",
                       .value_name = "FOLDER",
                       .help = "for the manual in Markdown",
                       .target = &options->markdown,
                       .kind = ValueKind::folder}},
          .examples = {{"kpkg manual --man ~/.local/share/man/man1", "put the pages where man(1) finds them"},
                       {"kpkg manual --markdown manual", "write the manual into the folder manual"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
