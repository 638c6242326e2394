// Tokens: text that must not be shown, copied or left in memory. What holds one is wiped when it goes. Secret keys are
// store/format/signature.hpp's.
#pragma once
#include <string>
#include <string_view>

namespace store {

class Secret {
public:
  Secret() = default;
  explicit Secret(std::string text); // takes it over; what moving leaves behind is wiped
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] bool empty() const { return text_.empty(); }
  // For its one use, not to be kept.
  [[nodiscard]] std::string_view reveal() const { return text_; }
  [[nodiscard]] const char* c_str() const { return text_.c_str(); }
  // `text` with «[secret]» wherever this stood in it: for messages of those who were told it.
  [[nodiscard]] std::string redacted(std::string text) const;

private:
  std::string text_;
};

// Overwrites the text, its spare room included, and empties it.
void wipe(std::string& text) noexcept;

// This process's memory is not written to a core dump, and other processes of the same user cannot read it or trace it
// (PR_SET_DUMPABLE). For who has read a secret. Programs that it starts are as ever.
void hide_memory() noexcept;

// The variable's value, which is removed from the environment, also from what /proc/PID/environ shows. Empty where it
// is not set. Not thread-safe, as everything that changes the environment.
[[nodiscard]] Secret take_from_environment(const char* name);

} // namespace store
