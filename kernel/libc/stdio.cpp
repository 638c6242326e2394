// The printing that prebuilt libraries do when they give up: snprintf and friends with integers, strings, characters
// and pointers (no floating point: «?»), and stderr, which is the serial line.
#include "kernel/drivers/serial.hpp"
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

struct Output {
  char* buffer;
  size_t capacity; // with the final NUL
  size_t size = 0; // as if capacity were endless
  void put(char c) {
    if (size + 1 < capacity) buffer[size] = c;
    ++size;
  }
};

void put_number(Output& out, uint64_t value, unsigned base, bool upper, bool negative, int width, int precision,
                bool zeros, bool left, bool alternate) {
  char digits[24];
  int count = 0;
  for (; value != 0; value /= base) digits[count++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
  if (precision < 0 && count == 0) digits[count++] = '0';
  int zero_count = precision > count ? precision - count : 0;
  const int prefix = (negative ? 1 : 0) + (alternate && base == 16 ? 2 : 0);
  if (zeros && !left && precision < 0 && width > count + prefix) zero_count = width - count - prefix;
  int padding = width - prefix - zero_count - count;
  if (!left)
    for (; padding > 0; --padding) out.put(' ');
  if (negative) out.put('-');
  if (alternate && base == 16) out.put('0'), out.put(upper ? 'X' : 'x');
  for (; zero_count > 0; --zero_count) out.put('0');
  while (count > 0) out.put(digits[--count]);
  for (; padding > 0; --padding) out.put(' ');
}

int format_into(char* buffer, size_t capacity, const char* format, va_list arguments) {
  Output out{buffer, capacity};
  for (; *format != 0; ++format) {
    if (*format != '%') {
      out.put(*format);
      continue;
    }
    bool zeros = false;
    bool left = false;
    bool alternate = false;
    for (++format;; ++format) {
      if (*format == '0')
        zeros = true;
      else if (*format == '-')
        left = true;
      else if (*format == '#')
        alternate = true;
      else if (*format != '+' && *format != ' ')
        break;
    }
    const auto number = [&] {
      if (*format == '*') {
        ++format;
        return va_arg(arguments, int);
      }
      int value = 0;
      for (; *format >= '0' && *format <= '9'; ++format) value = value * 10 + (*format - '0');
      return value;
    };
    const int width = number();
    int precision = -1;
    if (*format == '.') {
      ++format;
      precision = number();
    }
    int length = 0; // 0: int, 1: long, size_t, pointer
    for (;; ++format) {
      if (*format == 'l' || *format == 'z' || *format == 'j' || *format == 't')
        length = 1;
      else if (*format != 'h')
        break;
    }
    switch (*format) {
    case 'd':
    case 'i': {
      const int64_t value = length != 0 ? va_arg(arguments, long) : va_arg(arguments, int);
      const auto magnitude = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
      put_number(out, magnitude, 10, false, value < 0, width, precision, zeros, left, false);
      break;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      const uint64_t value = length != 0 ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
      const unsigned base = *format == 'u' ? 10 : *format == 'o' ? 8 : 16;
      put_number(out, value, base, *format == 'X', false, width, precision, zeros, left, alternate);
      break;
    }
    case 'p':
      put_number(out, reinterpret_cast<uint64_t>(va_arg(arguments, void*)), 16, false, false, width, precision, zeros,
                 left, true);
      break;
    case 'c': out.put(static_cast<char>(va_arg(arguments, int))); break;
    case 's': {
      const char* text = va_arg(arguments, const char*);
      if (!text) text = "(null)";
      size_t size = 0;
      while ((precision < 0 || size < static_cast<size_t>(precision)) && text[size] != 0) ++size;
      int padding = width > static_cast<int>(size) ? width - static_cast<int>(size) : 0;
      if (!left)
        for (; padding > 0; --padding) out.put(' ');
      for (size_t i = 0; i < size; ++i) out.put(text[i]);
      for (; padding > 0; --padding) out.put(' ');
      break;
    }
    case '%': out.put('%'); break;
    case 0: --format; break;
    default:
      if (*format >= 'E' && *format <= 'g') (void)va_arg(arguments, double);
      out.put('?');
    }
  }
  if (capacity != 0) buffer[out.size < capacity ? out.size : capacity - 1] = 0;
  return static_cast<int>(out.size);
}

int print(const char* format, va_list arguments) {
  char buffer[512];
  const int size = format_into(buffer, sizeof buffer, format, arguments);
  kernel::serial_write({buffer, strlen(buffer)});
  return size;
}

} // namespace

extern "C" {

struct _IO_FILE;
_IO_FILE* stderr = nullptr;
_IO_FILE* stdout = nullptr;

int vsnprintf(char* to, size_t size, const char* format, va_list arguments) {
  return format_into(to, size, format, arguments);
}
int __vsnprintf_chk(char* to, size_t size, int, size_t, const char* format, va_list arguments) {
  return format_into(to, size, format, arguments);
}
int snprintf(char* to, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = format_into(to, size, format, arguments);
  va_end(arguments);
  return result;
}
int __snprintf_chk(char* to, size_t size, int, size_t, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = format_into(to, size, format, arguments);
  va_end(arguments);
  return result;
}
int vfprintf(_IO_FILE*, const char* format, va_list arguments) { return print(format, arguments); }
int __vfprintf_chk(_IO_FILE*, int, const char* format, va_list arguments) { return print(format, arguments); }
int fprintf(_IO_FILE*, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print(format, arguments);
  va_end(arguments);
  return result;
}
int __fprintf_chk(_IO_FILE*, int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print(format, arguments);
  va_end(arguments);
  return result;
}
size_t fwrite(const void* from, size_t size, size_t count, _IO_FILE*) {
  kernel::serial_write({static_cast<const char*>(from), size * count});
  return count;
}
int fputc(int c, _IO_FILE*) {
  const char byte = static_cast<char>(c);
  kernel::serial_write({&byte, 1});
  return c;
}
int fputs(const char* text, _IO_FILE*) {
  kernel::serial_write({text, strlen(text)});
  return 0;
}
int fflush(_IO_FILE*) { return 0; }
}
