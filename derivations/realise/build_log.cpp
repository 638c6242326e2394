// Bytes go to the file as they come. A line longer than kMaxLineBytes is passed on in pieces, so that a builder that
// never ends its line costs no memory.
#include "derivations/realise/build_log.hpp"
#include "store/base/printable_text.hpp"
#include "store/posix/file_io.hpp"
#include <algorithm>
#include <fcntl.h>

namespace realise {
namespace {
constexpr size_t kTailLines = 20;
constexpr size_t kMaxLineBytes = 16 * 1024;
constexpr size_t kMaxTailLineBytes = 500;
} // namespace

BuildLog::BuildLog(std::filesystem::path file, std::function<void(std::string_view)> on_line)
    : file_(std::move(file)), on_line_(std::move(on_line)) {
  std::filesystem::create_directories(file_.parent_path());
  fd_ = store::open_file(file_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
}

void BuildLog::append(std::string_view output) {
  store::write_all(fd_.get(), store::as_bytes(output), file_);
  while (!output.empty()) {
    const size_t end = output.find('\n');
    const size_t take = std::min({end, output.size(), kMaxLineBytes - line_.size()});
    line_.append(output.substr(0, take));
    output.remove_prefix(take);
    if (take == end) {
      output.remove_prefix(1);
      end_line();
    } else if (line_.size() == kMaxLineBytes) {
      end_line();
    }
  }
}

void BuildLog::finish() {
  if (!line_.empty()) end_line();
}

void BuildLog::end_line() {
  if (line_.ends_with('\r')) line_.pop_back();
  if (on_line_) on_line_(line_);
  const std::string_view left = store::last_overwritten(line_).substr(0, kMaxTailLineBytes);
  tail_.push_back(store::printable_log_line(left, store::Colour::drop));
  if (tail_.size() > kTailLines) tail_.pop_front();
  line_.clear();
}

std::string BuildLog::tail_text() const {
  if (tail_.empty()) return "\nit printed nothing";
  std::string text = "\nthe end of its log (" + file_.string() + "):";
  for (const std::string& line : tail_) text += "\n  | " + line;
  return text;
}

} // namespace realise
