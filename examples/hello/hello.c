// A consumer: asks another module for greetings through imported functions, and prints them through WASI preview 1.
// Usage: hello [NAME]
#include <stdio.h>

#define GREETER(name) __attribute__((import_module("greeter"), import_name(#name)))
GREETER(greet_count) int greet_count(void);
GREETER(greet_length) int greet_length(int language);
GREETER(greet_char) int greet_char(int language, int at);
GREETER(greet_sum) long long greet_sum(int language);

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "world";
  const int count = greet_count();
  for (int language = 0; language < count; ++language) {
    unsigned long long sum = 14695981039346656037ull;
    char greeting[64];
    const int length = greet_length(language);
    if (length <= 0 || length >= (int)sizeof greeting) return 1;
    for (int at = 0; at < length; ++at) {
      greeting[at] = (char)greet_char(language, at);
      sum = (sum ^ (unsigned char)greeting[at]) * 1099511628211ull;
    }
    greeting[length] = 0;
    if ((long long)sum != greet_sum(language)) {
      fprintf(stderr, "hello: the greeting in language %d arrived damaged\n", language);
      return 1;
    }
    printf("%s, %s! (%d letters from greeter)\n", greeting, name, length);
  }
  return 0;
}
