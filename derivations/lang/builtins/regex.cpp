// match and split: POSIX extended regular expressions, by the C library's regcomp and regexec. Compiled ones are kept.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"
#include <regex.h>

namespace lang {

namespace {

class Regex {
public:
  // `whole`: must match the whole text; then group 0 is the text and the pattern's groups follow at 2.
  Regex(Machine& m, Pos pos, std::string_view pattern, bool whole) {
    const std::string text = whole ? "^(" + std::string{pattern} + ")$" : std::string{pattern};
    const int failure = regcomp(&regex_, text.c_str(), REG_EXTENDED);
    if (failure != 0) {
      char reason[256];
      regerror(failure, &regex_, reason, sizeof reason);
      m.fail(ErrorKind::value, pos, "invalid regular expression '" + std::string{pattern} + "': " + reason);
    }
  }
  ~Regex() { regfree(&regex_); }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  [[nodiscard]] size_t groups() const { return regex_.re_nsub; }
  // Offsets in `text`, of a match that begins at `from` or later.
  [[nodiscard]] bool find(std::string_view text, size_t from, std::vector<regmatch_t>& groups_found) const {
    groups_found.resize(groups() + 1);
    groups_found[0].rm_so = static_cast<regoff_t>(from);
    groups_found[0].rm_eo = static_cast<regoff_t>(text.size());
    // REG_STARTEND: the end is given, no terminator is looked for.
    return regexec(&regex_, text.data(), // NOLINT(bugprone-suspicious-stringview-data-usage)
                   groups_found.size(), groups_found.data(), REG_STARTEND | (from ? REG_NOTBOL : 0)) == 0;
  }

private:
  regex_t regex_{};
};

// Where the bracket expression that begins at `i` is closed; the end where it never is: regcomp says so.
size_t end_of_brackets(std::string_view pattern, size_t i) {
  if (i + 1 < pattern.size() && pattern[i + 1] == '^') ++i;
  if (i + 1 < pattern.size() && pattern[i + 1] == ']') ++i;
  while (++i < pattern.size() && pattern[i] != ']')
    if (pattern[i] == '[' && i + 1 < pattern.size() && std::string_view{":.="}.contains(pattern[i + 1])) {
      const size_t close = pattern.find(std::string{pattern[i + 1]} + "]", i + 2); // of [:x:], [.x.], [=x=]
      if (close == std::string_view::npos) return pattern.size();
      i = close + 1;
    }
  return std::min(i, pattern.size());
}

// POSIX leaves «\w», «\n» and the like undefined and Nix refuses them: outside of brackets a backslash stands before
// one of the characters that mean something.
void check_escapes(Machine& m, Pos pos, std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      ++i;
      if (!std::string_view{".[\\()*+?{|^$"}.contains(pattern[i]))
        m.fail(ErrorKind::value, pos,
               "invalid regular expression '" + std::string{pattern} + "': unknown escape '\\" + pattern[i] + "'");
    } else if (pattern[i] == '[') { // in which a backslash is a backslash
      i = end_of_brackets(pattern, i);
    }
  }
}

// The most times that an interval at `i`, «{2,5}», says; `i` is left at its end. 1 where it is none: regcomp says so.
uint64_t interval(std::string_view pattern, size_t& i) {
  const size_t close = std::min(pattern.find('}', i), pattern.size());
  uint64_t least = 0, most = 0;
  const auto number = [&](uint64_t& n) {
    while (++i < close && pattern[i] >= '0' && pattern[i] <= '9')
      n = std::min<uint64_t>(n * 10 + static_cast<uint64_t>(pattern[i] - '0'), RE_DUP_MAX);
  };
  number(least);
  if (i < close && pattern[i] == ',') number(most);
  i = close;
  return std::max({least, most, uint64_t{1}});
}

// The C library writes repetitions out, and its time and memory grow with the square of what that gives:
// the number of states.
uint64_t check_size(Machine& m, Pos pos, std::string_view pattern) {
  constexpr uint64_t kMaxStates = 2000,
                     kMaxPlain = 65'536; // a second and 150 MB would be more; plain text costs little
  constexpr size_t kMaxGroups = 250, kMaxStacked = 3;
  const bool plain = pattern.find_first_of("|*+?{") == std::string_view::npos;
  std::vector<uint64_t> outer; // sizes of the groups around
  uint64_t size = 0, last = 0; // of this group so far; of what a repetition would repeat
  size_t stacked = 0;          // repetitions of a repetition
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool repeats = std::string_view{"*+?{"}.contains(pattern[i]);
    stacked = repeats ? stacked + 1 : 0;
    switch (pattern[i]) {
    case '(':
      outer.push_back(size);
      size = last = 0;
      break;
    case ')':
      last = size + 1;
      size = last + (outer.empty() ? 0 : outer.back());
      if (!outer.empty()) outer.pop_back();
      break;
    case '{': {
      const uint64_t times = interval(pattern, i);
      size += last * (times - 1);
      last *= times;
      break;
    }
    case '+':
      size += last;
      last *= 2;
      break;
    case '*':
    case '?': break;
    default:
      if (pattern[i] == '[')
        i = end_of_brackets(pattern, i);
      else if (pattern[i] == '\\')
        ++i;
      last = 1;
      ++size;
    }
    if (size > (plain ? kMaxPlain : kMaxStates) || outer.size() > kMaxGroups || stacked > kMaxStacked)
      m.fail(ErrorKind::value, pos,
             stacked > kMaxStacked ? "this regular expression repeats repetitions"
             : outer.size() > kMaxGroups
                 ? "this regular expression has more than " + std::to_string(kMaxGroups) + " groups inside each other"
                 : "this regular expression has more than " + std::to_string(plain ? kMaxPlain : kMaxStates) +
                       " states when its repetitions are written out");
  }
  return size;
}

// Kept, as long as all that are kept are not too large together. The caller's stays: evaluation may come in between.
std::shared_ptr<const Regex> regex_for(Machine& m, Pos pos, std::string_view pattern, bool whole) {
  constexpr uint64_t kMaxKeptStates = 20'000;
  const std::string key = (whole ? "^" : "~") + std::string{pattern};
  if (const auto found = m.regexes.find(key); found != m.regexes.end())
    return std::static_pointer_cast<const Regex>(found->second);
  if (pattern.contains('\0')) m.fail(ErrorKind::value, pos, "a regular expression cannot contain a NUL byte");
  check_escapes(m, pos, pattern);
  const uint64_t states = check_size(m, pos, pattern);
  auto regex = std::make_shared<Regex>(m, pos, pattern, whole);
  if (m.regex_states + states > kMaxKeptStates) {
    m.regexes.clear();
    m.regex_states = 0;
  }
  m.regexes.emplace(key, regex);
  m.regex_states += states;
  return regex;
}

void check_text(Machine& m, Pos pos, std::string_view text) {
  if (text.size() > INT32_MAX)
    m.fail(ErrorKind::value, pos, "the text is too long for a regular expression: 2 GiB at most");
}

// The groups from `first` on, null for those without a part in the match.
Value groups_list(Machine& m, std::string_view text, const std::vector<regmatch_t>& groups, size_t first) {
  const size_t count = groups.size() - first;
  Value** items = m.new_list(count);
  for (size_t i = 0; i < count; ++i) {
    const regmatch_t& group = groups[first + i];
    items[i] = m.box(group.rm_so < 0 ? Value::of_null()
                                     : m.make_string(text.substr(static_cast<size_t>(group.rm_so),
                                                                 static_cast<size_t>(group.rm_eo - group.rm_so))));
  }
  return Value::of_list(items, count);
}

Value match(Machine& m, Pos pos, Value** args) {
  const auto regex = regex_for(m, pos, m.to_plain_string(args[0], pos), true);
  const std::string_view text = m.to_string(args[1], pos, nullptr);
  check_text(m, pos, text);
  std::vector<regmatch_t> groups;
  if (!regex->find(text, 0, groups)) return Value::of_null();
  return groups_list(m, text, groups, 2);
}

Value split(Machine& m, Pos pos, Value** args) {
  const auto regex = regex_for(m, pos, m.to_plain_string(args[0], pos), false);
  const std::string_view text = m.to_string(args[1], pos, nullptr);
  check_text(m, pos, text);
  std::vector<Value*> result;
  std::vector<regmatch_t> groups;
  size_t kept = 0; // text before here is in the result
  for (size_t from = 0; from <= text.size() && regex->find(text, from, groups);) {
    const auto start = static_cast<size_t>(groups[0].rm_so), end = static_cast<size_t>(groups[0].rm_eo);
    result.push_back(m.box(m.make_string(text.substr(kept, start - kept))));
    result.push_back(m.box(groups_list(m, text, groups, 1)));
    kept = end;
    from = end > start ? end : end + 1; // an empty match: go on one byte later
  }
  result.push_back(m.box(m.make_string(text.substr(kept))));
  Value** items = m.new_list(result.size());
  std::ranges::copy(result, items);
  return Value::of_list(items, result.size());
}

constexpr Primop kBuiltins[] = {
    {"match", 2, match, "regex s",
     "The groups of the POSIX extended regular expression `regex` if it matches the whole of `s`, else null."},
    {"split", 2, split, "regex s",
     "The texts between the matches of `regex` in `s`, and between them, for every match, the list of its groups."},
};

} // namespace

std::span<const Primop> regex_builtins() { return kBuiltins; }

} // namespace lang
