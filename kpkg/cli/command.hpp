// A command is a record: its name, words that explain it, options, arguments, examples, the errors it can end with,
// what it reads, and the function that does it. Parsing (parse.hpp), help (help.hpp), completion (completion.hpp),
// manual pages (mdoc.hpp) and the manual (markdown.hpp) are all made of these records, so that none says what another
// denies.
#pragma once
#include "kpkg/cli/context.hpp"
#include "kpkg/cli/exit_status.hpp"
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kpkg {

// What a value names: what completion offers for it.
enum class ValueKind : uint8_t { text, file, folder, store_path, public_key };

// Where a value goes. The pointee must live as long as the record (its run function owns it); what it holds before
// parsing is the default.
using Target = std::variant<bool*,                                // a flag
                            std::string*,                         //
                            unsigned*,                            //
                            uint64_t*,                            //
                            std::vector<std::string>*,            // repeatable
                            std::map<std::string, std::string>*>; // repeatable, two words: NAME VALUE

struct Option {
  std::string names;      // "-o,--out-link": the long one last
  std::string value_name; // "FILE"; of a flag: ""
  std::string help;       // lower case, no full stop
  Target target;
  ValueKind kind = ValueKind::text;
  std::string environment{}; // the variable that stands for it where it is not given
  bool required = false;
  std::pair<unsigned, unsigned> range{0, ~0u}; // of an unsigned
  [[nodiscard]] std::string long_name() const { return names.substr(names.find("--")); }
  [[nodiscard]] bool repeatable() const { return target.index() >= 4; }
  [[nodiscard]] std::string default_text() const; // "" where nothing or zero
};

struct Positional {
  std::string name; // "file"; shown as FILE
  std::string help;
  Target target; // std::string, uint64_t, or std::vector<std::string> for the rest of the words
  ValueKind kind = ValueKind::text;
  bool required = false;
  std::vector<std::string> choices{}; // the only words there are; empty: any
  [[nodiscard]] bool repeatable() const { return target.index() >= 4; }
};

struct Example {
  std::string line; // as typed, from "kpkg" on
  std::string text; // what it does
};

// A file or variable that a command reads or writes, and what for.
struct Mention {
  std::string name;
  std::string text;
};

struct Command {
  std::string name;        // its words: "build", "system build"
  std::string summary;     // lower case, no full stop
  std::string description; // sentences; paragraphs are separated by an empty line
  std::vector<Positional> positionals{};
  std::vector<Option> options{};
  std::vector<Example> examples{};
  std::vector<store::UserErrorCode> errors{}; // it can end with, beside `usage`, which every command can
  bool guest = false;                         // it ends with the guest's own status
  std::vector<Mention> files{}, environment{};
  std::function<void(Context&)> run{};
};

// Commands of two words belong to a group, which is their first word.
struct Group {
  std::string name;
  std::string summary;
};

// Everything that `kpkg` is, in the order in which help shows it.
struct Program {
  std::string version;
  std::string summary;
  std::string description;
  std::vector<Group> groups;
  std::vector<Command> commands;
  std::vector<Option> options; // before or after every command
  std::vector<Mention> environment, files;

  [[nodiscard]] const Command* find(std::string_view name) const; // null: none
  // The first words there are, with their summaries: commands and groups in their order.
  [[nodiscard]] std::vector<Mention> first_words() const;
  [[nodiscard]] std::vector<const Command*> members(std::string_view group) const;
};

// --- what help, manual pages and manual have in common
// «kpkg build [OPTION…] [FILE]»: the words after the program's name and the command's.
[[nodiscard]] std::string usage_of(const Command& command);
[[nodiscard]] std::vector<ExitStatus> exit_statuses(const Command& command); // in ascending order
[[nodiscard]] std::vector<Mention> environment_of(const Command& command);   // the options' variables, too
// An option's help with what follows from its record: «…; repeatable; default: result; else $KPKG_KEY».
[[nodiscard]] std::string full_help(const Option& option);
[[nodiscard]] std::vector<std::string> names_of(const Option& option); // "-o", "--out"
// What a table of options or statuses says in two columns, for help and Markdown.
[[nodiscard]] std::vector<Mention> rows_of(const std::vector<Option>& options);
[[nodiscard]] std::vector<Mention> rows_of(std::span<const ExitStatus> statuses);
[[nodiscard]] std::vector<std::string> paragraphs(std::string_view text);
[[nodiscard]] std::string capitalised(std::string_view text); // "Print it."
// How a guest's status is told from kpkg's own.
[[nodiscard]] std::string_view guest_status_text();

} // namespace kpkg
