#include "store/posix/secret.hpp"
#include <cstdlib>
#include <cstring>
#include <sys/prctl.h>
#include <utility>

namespace store {

// A short text lives in the object itself, which moving copies.
Secret::Secret(std::string text) : text_(std::move(text)) { wipe(text); }

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(text_);
  text_ = std::move(other.text_);
  wipe(other.text_);
  return *this;
}

Secret::~Secret() { wipe(text_); }

std::string Secret::redacted(std::string text) const {
  constexpr std::string_view kShown = "[secret]";
  if (empty()) return text;
  for (size_t at = 0; (at = text.find(text_, at)) != std::string::npos; at += kShown.size())
    text.replace(at, text_.size(), kShown);
  return text;
}

void wipe(std::string& text) noexcept {
  text.resize(text.capacity()); // no allocation
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

void hide_memory() noexcept { (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

Secret take_from_environment(const char* name) {
  char* value = std::getenv(name);
  if (value == nullptr) return {};
  Secret secret{std::string{value}};
  ::explicit_bzero(value, std::strlen(value));
  ::unsetenv(name);
  return secret;
}

} // namespace store
