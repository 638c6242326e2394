// A provider: a module that computes and asks nothing of the system. Its memory is its own, so callers hand it numbers
// and get numbers back; a text travels as one character a call.
static const char *const kGreetings[] = {"Hello", "Bonjour", "Guten Tag", "Buongiorno"};
enum { kCount = sizeof kGreetings / sizeof kGreetings[0] };

static int length_of(const char *text) {
  int length = 0;
  while (text[length] != 0) ++length;
  return length;
}

// How many languages it knows.
int greet_count(void) { return kCount; }

// The length of the greeting in a language; 0 for one that it does not know.
int greet_length(int language) {
  return language >= 0 && language < kCount ? length_of(kGreetings[language]) : 0;
}

// Character `at` of the greeting; 0 beyond its end.
int greet_char(int language, int at) {
  return at >= 0 && at < greet_length(language) ? kGreetings[language][at] : 0;
}

// A 64-bit check sum of the greeting (FNV-1a), which the caller can compute as well.
long long greet_sum(int language) {
  unsigned long long sum = 14695981039346656037ull;
  for (int i = 0; i < greet_length(language); ++i) {
    sum ^= (unsigned char)kGreetings[language][i];
    sum *= 1099511628211ull;
  }
  return (long long)sum;
}
