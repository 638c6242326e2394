// The NAR reader is a state machine over the format's strings. A string that lies whole in the fed chunk is looked at
// in place; only one that a chunk border cuts is collected first (at most 4 KiB). File contents are never collected.
#include "store/format/nar.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

namespace store {
namespace {

constexpr size_t kAlignment = 8;
constexpr size_t kMaxTagLength = 16; // the longest, "nix-archive-1", has 13
constexpr size_t kMaxStringLength = std::max(kNarMaxNameLength, kNarMaxSymlinkTargetLength);
constexpr size_t padding_of(uint64_t length) { return static_cast<size_t>(-length & (kAlignment - 1)); }

static_assert(std::endian::native == std::endian::little, "lengths are stored and read as they lie in memory");

bool is_zero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

// Why a directory entry's name is not acceptable, or "".
std::string_view name_fault(std::string_view name) {
  if (name.empty()) return "an entry's name is empty";
  if (name.size() > kNarMaxNameLength) return "an entry's name is longer than 255 bytes";
  if (name == "." || name == "..") return "an entry is named \".\" or \"..\"";
  if (name.contains('/')) return "an entry's name contains \"/\"";
  if (name.contains('\0')) return "an entry's name contains a NUL byte";
  return {};
}

std::string_view target_fault(std::string_view target) {
  if (target.empty()) return "a symlink's target is empty";
  if (target.size() > kNarMaxSymlinkTargetLength) return "a symlink's target is longer than 4095 bytes";
  if (target.contains('\0')) return "a symlink's target contains a NUL byte";
  return {};
}

constexpr std::string_view kOrderFault = "an entry's name is not greater than the one before it";
constexpr std::string_view kDepthFault = "the tree is more than 64 levels deep";

std::string printable(std::string_view text) {
  std::string shown = "\"";
  for (const char c : text.substr(0, kMaxTagLength)) shown.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  return shown.append("\"");
}

std::unexpected<Error> fail(ErrorCode code, std::string_view message, uint64_t offset = kNoOffset) {
  return std::unexpected(Error{code, std::string{message}, offset});
}

} // namespace

// --- reading ---------------------------------------------------------------------------------------------------------

struct NarReader::State {
  // What the next string is.
  enum class Expect : uint8_t {
    magic,
    node_open,        // "("
    node_type_key,    // "type"
    node_type,        // "regular", "symlink", "directory"
    regular_key,      // "executable" or "contents"
    executable_value, // ""
    contents_key,     // "contents"
    contents,         // length and bytes of a file
    node_close,       // ")" of a file or symlink
    target_key,       // "target"
    target,           // a symlink's
    entry_or_close,   // "entry" or ")" of a directory
    entry_open,       // "("
    entry_name_key,   // "name"
    entry_name,       //
    entry_node_key,   // "node"
    entry_close,      // ")"
    nothing,          // the tree is complete
  };

  explicit State(NarVisitor& v) : visitor(v) {}

  NarVisitor& visitor;
  Expect expect = Expect::magic;
  bool executable = false;
  uint64_t offset = 0;            // of the next byte not yet consumed
  std::string_view name;          // of the node being read: into names.back(), or empty for the root
  std::vector<std::string> names; // for each open directory, the newest entry's name
  size_t depth = 0;               // open directories; `names` keeps its strings beyond it for reuse
  // The string being read.
  bool have_length = false;
  uint64_t length = 0;
  // A file's contents being passed on.
  bool in_contents = false;
  uint64_t contents_left = 0;
  size_t padding_left = 0;
  // Bytes of a string cut by a chunk border.
  std::array<std::byte, kMaxStringLength + kAlignment> pending;
  size_t pending_size = 0;
  std::optional<Error> failed;

  static size_t max_length(Expect what) {
    switch (what) {
    case Expect::entry_name: return kNarMaxNameLength;
    case Expect::target: return kNarMaxSymlinkTargetLength;
    default: return kMaxTagLength;
    }
  }

  static std::string_view limit_fault(Expect what) {
    if (what == Expect::entry_name) return "an entry's name is longer than 255 bytes";
    if (what == Expect::target) return "a symlink's target is longer than 4095 bytes";
    return "a tag of the format was expected, but a longer string found";
  }

  // `count` bytes in one piece, from `chunk` (which shrinks) or collected; empty when there are not yet enough.
  std::optional<Bytes> take(Bytes& chunk, size_t count) {
    if (pending_size == 0 && chunk.size() >= count) {
      const Bytes taken = chunk.first(count);
      chunk = chunk.subspan(count);
      return taken;
    }
    const size_t more = std::min(count - pending_size, chunk.size());
    std::copy_n(chunk.begin(), more, pending.begin() + static_cast<ptrdiff_t>(pending_size));
    pending_size += more;
    chunk = chunk.subspan(more);
    if (pending_size < count) return std::nullopt;
    pending_size = 0;
    return Bytes{pending}.first(count);
  }

  Result<void> feed(Bytes chunk) {
    while (true) {
      if (in_contents) {
        if (contents_left > 0) {
          if (chunk.empty()) return {};
          const size_t count = static_cast<size_t>(std::min<uint64_t>(contents_left, chunk.size()));
          TRY_VOID(visitor.file_data(chunk.first(count)));
          chunk = chunk.subspan(count);
          contents_left -= count;
          offset += count;
          continue;
        }
        const std::optional<Bytes> padding = take(chunk, padding_left);
        if (!padding) return {};
        if (!is_zero(*padding))
          return fail(ErrorCode::malformed, "the padding after a file's contents is not zero", offset);
        offset += padding_left;
        in_contents = false;
        TRY_VOID(visitor.file_end());
        expect = Expect::node_close;
        continue;
      }
      if (expect == Expect::nothing) {
        if (chunk.empty()) return {};
        return fail(ErrorCode::malformed, "bytes after the archive's end", offset);
      }
      if (!have_length) {
        const std::optional<Bytes> bytes = take(chunk, sizeof length);
        if (!bytes) return {};
        std::memcpy(&length, bytes->data(), sizeof length);
        if (expect == Expect::contents) {
          TRY_VOID(visitor.file_begin(name, executable, length));
          offset += sizeof length;
          in_contents = true;
          contents_left = length;
          padding_left = padding_of(length);
          continue;
        }
        if (length > max_length(expect)) return fail(ErrorCode::malformed, limit_fault(expect), offset);
        offset += sizeof length;
        have_length = true;
      }
      const size_t padded = static_cast<size_t>(length) + padding_of(length);
      const std::optional<Bytes> bytes = take(chunk, padded);
      if (!bytes) return {};
      if (!is_zero(bytes->subspan(static_cast<size_t>(length))))
        return fail(ErrorCode::malformed, "the padding after a string is not zero", offset);
      have_length = false;
      TRY_VOID(string({reinterpret_cast<const char*>(bytes->data()), static_cast<size_t>(length)}));
      offset += padded;
    }
  }

  // `text` must be `tag`; then `next` is expected.
  Result<void> tag(std::string_view text, std::string_view wanted, Expect next) {
    if (text != wanted) return unknown(text, printable(wanted));
    expect = next;
    return {};
  }

  Result<void> unknown(std::string_view text, std::string_view wanted) {
    return std::unexpected(
        Error{ErrorCode::malformed, "expected " + std::string{wanted} + " but found " + printable(text), offset});
  }

  // After a whole node: back in its directory's entry, or at the archive's end.
  void leave_node() { expect = depth == 0 ? Expect::nothing : Expect::entry_close; }

  Result<void> string(std::string_view text) {
    switch (expect) {
    case Expect::magic:
      if (text != kNarMagic)
        return fail(ErrorCode::malformed, "this is no NAR: it does not begin with \"nix-archive-1\"", 0);
      expect = Expect::node_open;
      return {};
    case Expect::node_open:
      if (depth >= kNarMaxDepth) return fail(ErrorCode::limit, kDepthFault, offset);
      return tag(text, "(", Expect::node_type_key);
    case Expect::node_type_key: return tag(text, "type", Expect::node_type);
    case Expect::node_type:
      executable = false;
      if (text == "regular") {
        expect = Expect::regular_key;
      } else if (text == "directory") {
        TRY_VOID(visitor.directory_begin(name));
        ++depth;
        if (names.size() < depth)
          names.emplace_back();
        else
          names[depth - 1].clear();
        expect = Expect::entry_or_close;
      } else if (text == "symlink") {
        expect = Expect::target_key;
      } else {
        return unknown(text, "\"regular\", \"directory\" or \"symlink\"");
      }
      return {};
    case Expect::regular_key:
      if (text == "executable") {
        executable = true;
        expect = Expect::executable_value;
      } else if (text == "contents") {
        expect = Expect::contents;
      } else {
        return unknown(text, "\"executable\" or \"contents\"");
      }
      return {};
    case Expect::executable_value: return tag(text, "", Expect::contents_key);
    case Expect::contents_key: return tag(text, "contents", Expect::contents);
    case Expect::node_close:
      TRY_VOID(tag(text, ")", Expect::nothing));
      leave_node();
      return {};
    case Expect::target_key: return tag(text, "target", Expect::target);
    case Expect::target:
      if (const std::string_view fault = target_fault(text); !fault.empty())
        return fail(ErrorCode::malformed, fault, offset);
      TRY_VOID(visitor.symlink(name, text));
      expect = Expect::node_close;
      return {};
    case Expect::entry_or_close:
      if (text == "entry") {
        expect = Expect::entry_open;
        return {};
      }
      if (text != ")") return unknown(text, "\"entry\" or \")\"");
      TRY_VOID(visitor.directory_end());
      --depth;
      leave_node();
      return {};
    case Expect::entry_open: return tag(text, "(", Expect::entry_name_key);
    case Expect::entry_name_key: return tag(text, "name", Expect::entry_name);
    case Expect::entry_name: {
      if (const std::string_view fault = name_fault(text); !fault.empty())
        return fail(ErrorCode::malformed, fault, offset);
      std::string& newest = names[depth - 1];
      if (text <= newest) return fail(ErrorCode::malformed, kOrderFault, offset);
      newest = text;
      name = newest;
      expect = Expect::entry_node_key;
      return {};
    }
    case Expect::entry_node_key: return tag(text, "node", Expect::node_open);
    case Expect::entry_close: return tag(text, ")", Expect::entry_or_close);
    case Expect::contents: // read by feed()
    case Expect::nothing: break;
    }
    return fail(ErrorCode::malformed, "bytes after the archive's end", offset);
  }
};

NarReader::NarReader(NarVisitor& visitor) : state_(std::make_unique<State>(visitor)) {}
NarReader::~NarReader() = default;

Result<void> NarReader::feed(Bytes chunk) {
  if (state_->failed) return std::unexpected(*state_->failed);
  Result<void> result = state_->feed(chunk);
  if (!result) state_->failed = result.error();
  return result;
}

bool NarReader::done() const { return !state_->failed && state_->expect == State::Expect::nothing; }

Result<void> NarReader::finish() {
  if (state_->failed) return std::unexpected(*state_->failed);
  if (done()) return {};
  return fail(ErrorCode::malformed, "the archive ends too early", state_->offset + state_->pending_size);
}

Result<void> read_nar(Bytes nar, NarVisitor& visitor) {
  NarReader reader{visitor};
  TRY_VOID(reader.feed(nar));
  return reader.finish();
}

namespace {

class IgnoringVisitor : public NarVisitor {
public:
  Result<void> file_begin(std::string_view, bool, uint64_t) override { return {}; }
  Result<void> file_data(Bytes) override { return {}; }
  Result<void> file_end() override { return {}; }
  Result<void> symlink(std::string_view, std::string_view) override { return {}; }
  Result<void> directory_begin(std::string_view) override { return {}; }
  Result<void> directory_end() override { return {}; }
};

} // namespace

Result<void> check_nar(Bytes nar) {
  IgnoringVisitor visitor;
  return read_nar(nar, visitor);
}

// --- writing ---------------------------------------------------------------------------------------------------------

struct NarWriter::State {
  static constexpr size_t kBufferBytes = 64u << 10;
  static constexpr size_t kPassThroughBytes = 16u << 10; // larger pieces of files go to the sink unbuffered

  explicit State(ByteSink s) : sink(std::move(s)), buffer(std::make_unique_for_overwrite<std::byte[]>(kBufferBytes)) {}

  ByteSink sink;
  std::unique_ptr<std::byte[]> buffer;
  size_t buffered = 0;
  std::vector<std::string> names; // as in the reader
  size_t depth = 0;
  bool in_file = false;
  bool complete = false;
  uint64_t file_size = 0;
  uint64_t file_left = 0;

  Result<void> flush() {
    if (buffered == 0) return {};
    const Bytes bytes{buffer.get(), buffered};
    buffered = 0;
    return sink(bytes);
  }

  Result<void> write(Bytes bytes) {
    if (bytes.size() > kBufferBytes - buffered) TRY_VOID(flush());
    if (bytes.size() >= kPassThroughBytes) {
      TRY_VOID(flush());
      return sink(bytes);
    }
    std::copy(bytes.begin(), bytes.end(), buffer.get() + buffered);
    buffered += bytes.size();
    return {};
  }

  Result<void> string(std::string_view text) {
    const size_t padded = text.size() + padding_of(text.size());
    if (sizeof(uint64_t) + padded > kBufferBytes - buffered) TRY_VOID(flush());
    std::byte* out = buffer.get() + buffered;
    const uint64_t length = text.size();
    std::memset(out + padded, 0, sizeof length); // the last word, which holds the padding (or the length, if empty)
    std::memcpy(out, &length, sizeof length);
    if (!text.empty()) std::memcpy(out + sizeof length, text.data(), text.size()); // an empty view may have no address
    buffered += sizeof length + padded;
    return {};
  }

  template <class... Text> Result<void> strings(const Text&... texts) {
    Result<void> result;
    (void)(... && (result = string(texts)).has_value());
    return result;
  }

  Result<void> begin_node(std::string_view name) {
    if (complete || in_file) return fail(ErrorCode::invalid, "a NAR node where none can stand");
    if (depth >= kNarMaxDepth) return fail(ErrorCode::limit, kDepthFault);
    if (depth == 0) {
      if (!name.empty()) return fail(ErrorCode::invalid, "the root of a NAR has no name");
      return strings(kNarMagic, std::string_view{"("});
    }
    if (const std::string_view fault = name_fault(name); !fault.empty()) return fail(ErrorCode::invalid, fault);
    std::string& newest = names[depth - 1];
    if (name <= newest) return fail(ErrorCode::invalid, kOrderFault);
    newest = name;
    return strings(std::string_view{"entry"}, std::string_view{"("}, std::string_view{"name"}, name,
                   std::string_view{"node"}, std::string_view{"("});
  }

  Result<void> end_node() {
    TRY_VOID(string(")"));
    if (depth > 0) return string(")");
    complete = true;
    return {};
  }
};

NarWriter::NarWriter(ByteSink sink) : state_(std::make_unique<State>(std::move(sink))) {}
NarWriter::~NarWriter() = default;

Result<void> NarWriter::file_begin(std::string_view name, bool executable, uint64_t size_bytes) {
  TRY_VOID(state_->begin_node(name));
  TRY_VOID(state_->strings(std::string_view{"type"}, std::string_view{"regular"}));
  if (executable) TRY_VOID(state_->strings(std::string_view{"executable"}, std::string_view{}));
  TRY_VOID(state_->string("contents"));
  TRY_VOID(state_->write(std::as_bytes(std::span{&size_bytes, 1})));
  state_->in_file = true;
  state_->file_size = state_->file_left = size_bytes;
  return {};
}

Result<void> NarWriter::file_data(Bytes data) {
  if (!state_->in_file || data.size() > state_->file_left)
    return fail(ErrorCode::invalid, "more file contents than its announced size");
  state_->file_left -= data.size();
  return state_->write(data);
}

Result<void> NarWriter::file_end() {
  if (!state_->in_file || state_->file_left != 0)
    return fail(ErrorCode::invalid, "less file contents than its announced size");
  state_->in_file = false;
  constexpr std::array<std::byte, kAlignment> zeros{};
  TRY_VOID(state_->write(Bytes{zeros}.first(padding_of(state_->file_size))));
  return state_->end_node();
}

Result<void> NarWriter::symlink(std::string_view name, std::string_view target) {
  if (const std::string_view fault = target_fault(target); !fault.empty()) return fail(ErrorCode::invalid, fault);
  TRY_VOID(state_->begin_node(name));
  TRY_VOID(state_->strings(std::string_view{"type"}, std::string_view{"symlink"}, std::string_view{"target"}, target));
  return state_->end_node();
}

Result<void> NarWriter::directory_begin(std::string_view name) {
  TRY_VOID(state_->begin_node(name));
  TRY_VOID(state_->strings(std::string_view{"type"}, std::string_view{"directory"}));
  ++state_->depth;
  if (state_->names.size() < state_->depth)
    state_->names.emplace_back();
  else
    state_->names[state_->depth - 1].clear();
  return {};
}

Result<void> NarWriter::directory_end() {
  if (state_->depth == 0 || state_->in_file) return fail(ErrorCode::invalid, "the end of a folder that is not open");
  --state_->depth;
  return state_->end_node();
}

Result<void> NarWriter::finish() {
  if (!state_->complete) return fail(ErrorCode::invalid, "the NAR's tree is not complete");
  return state_->flush();
}

// --- finding ---------------------------------------------------------------------------------------------------------

namespace {

// Follows one path down. In a NAR that is read as one chunk, file_data() is called at most once a file, with a view of
// all of it.
class Finder final : public IgnoringVisitor {
public:
  explicit Finder(std::string_view path) : path_(path) {}

  Result<void> file_begin(std::string_view name, bool executable, uint64_t) override {
    wanted_ = matches(name) && rest_after(name).empty();
    if (wanted_) found_ = NarFile{.contents = {}, .executable = executable};
    return {};
  }
  Result<void> file_data(Bytes data) override {
    if (wanted_) found_->contents = data;
    return {};
  }
  Result<void> file_end() override {
    wanted_ = false;
    return {};
  }
  Result<void> symlink(std::string_view name, std::string_view) override {
    if (matches(name) && rest_after(name).empty()) other_ = "a symlink";
    return {};
  }
  Result<void> directory_begin(std::string_view name) override {
    if (matches(name)) {
      if (rest_after(name).empty()) other_ = "a folder";
      consumed_.push_back(path_.size() - rest_after(name).size());
      matched_depth_ = ++depth_;
    } else {
      ++depth_;
    }
    return {};
  }
  Result<void> directory_end() override {
    if (depth_ == matched_depth_) {
      consumed_.pop_back();
      --matched_depth_;
    }
    --depth_;
    return {};
  }

  [[nodiscard]] Result<NarFile> result() const {
    if (found_) return *found_;
    return fail(ErrorCode::invalid, "\"" + std::string{path_} + "\" in the archive is " +
                                        (other_.empty() ? "missing" : std::string{other_} + ", not a file"));
  }

private:
  // The path below the innermost matched folder.
  [[nodiscard]] std::string_view rest() const { return consumed_.empty() ? path_ : path_.substr(consumed_.back()); }
  [[nodiscard]] bool matches(std::string_view name) const {
    if (depth_ != matched_depth_) return false;
    if (depth_ == 0) return true; // the root
    const std::string_view left = rest();
    return left.starts_with(name) && (left.size() == name.size() || left[name.size()] == '/');
  }
  [[nodiscard]] std::string_view rest_after(std::string_view name) const {
    if (depth_ == 0) return path_;
    const std::string_view left = rest().substr(name.size());
    return left.starts_with('/') ? left.substr(1) : left;
  }

  std::string_view path_;
  std::vector<size_t> consumed_; // for each matched open folder, how much of the path leads to it
  size_t depth_ = 0;
  size_t matched_depth_ = 0; // matched folders are the outermost open ones
  bool wanted_ = false;
  std::optional<NarFile> found_;
  std::string_view other_;
};

} // namespace

Result<NarFile> find_in_nar(Bytes nar, std::string_view path) {
  if (path.ends_with('/')) return fail(ErrorCode::invalid, "a path inside an archive does not end with \"/\"");
  Finder finder{path};
  TRY_VOID(read_nar(nar, finder));
  return finder.result();
}

} // namespace store
