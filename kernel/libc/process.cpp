// The rest of what libc++, libc++abi, libunwind, compiler-rt and libsodium expect of a C library and its loader. What
// has a meaning in a kernel is implemented; what cannot be called here for a good reason panics and names itself.
#include "kernel/debug/panic.hpp"
#include "kernel/drivers/random.hpp"
#include "kernel/drivers/serial.hpp"
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <link.h>

extern "C" {

extern const char kernel_text_begin[], kernel_rodata_end[], eh_frame_hdr_begin[], eh_frame_hdr_end[];
void* __dso_handle = nullptr;

[[noreturn]] void abort() noexcept { kernel::panic("abort() was called"); }
[[noreturn]] void __stack_chk_fail() { kernel::panic("a stack buffer has overflowed (the canary is overwritten)"); }
[[noreturn]] void __assert_fail(const char* text, const char*, unsigned, const char*) noexcept { kernel::panic(text); }
[[noreturn]] void exit(int) noexcept { kernel::panic("exit() was called"); }

// The kernel never ends by returning: nothing registered runs.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
int __cxa_thread_atexit_impl(void (*)(void*), void*, void*) { return 0; }
int atexit(void (*)()) { return 0; }

char* getenv(const char*) noexcept { return nullptr; }
char* secure_getenv(const char*) noexcept { return nullptr; }

static thread_local int error_number;
int* __errno_location() noexcept { return &error_number; }

// The unwinder's way to the kernel's .eh_frame_hdr: one object, not moved.
int dl_iterate_phdr(int (*callback)(dl_phdr_info*, size_t, void*), void* data) {
  Elf64_Phdr headers[2] = {};
  headers[0].p_type = PT_LOAD;
  headers[0].p_flags = PF_R | PF_X;
  headers[0].p_vaddr = reinterpret_cast<uint64_t>(kernel_text_begin);
  headers[0].p_memsz = static_cast<uint64_t>(kernel_rodata_end - kernel_text_begin);
  headers[1].p_type = PT_GNU_EH_FRAME;
  headers[1].p_vaddr = reinterpret_cast<uint64_t>(eh_frame_hdr_begin);
  headers[1].p_memsz = static_cast<uint64_t>(eh_frame_hdr_end - eh_frame_hdr_begin);
  dl_phdr_info info = {};
  info.dlpi_name = "kernel";
  info.dlpi_phdr = headers;
  info.dlpi_phnum = 2;
  return callback(&info, sizeof info, data);
}

// libsodium: randomness from the processor, no pages to lock, no files.
ssize_t getrandom(void* to, size_t size, unsigned) noexcept {
  if (!kernel::random_bytes({static_cast<std::byte*>(to), size}))
    kernel::panic("the processor gives no random numbers");
  return static_cast<ssize_t>(size);
}
int getentropy(void* to, size_t size) noexcept { return getrandom(to, size, 0) < 0 ? -1 : 0; }
int mlock(const void*, size_t) noexcept { return 0; }
int munlock(const void*, size_t) noexcept { return 0; }
int madvise(void*, size_t, int) noexcept { return 0; }
long sysconf(int) noexcept { return 4096; } // the libraries ask for the page size alone
int getpid() noexcept { return 1; }
long syscall(long, ...) noexcept { return 1; } // libc++abi asks for the thread's number alone
int raise(int) noexcept { kernel::panic("raise() was called"); }

#define NOT_IN_A_KERNEL(name)                                                                                          \
  [[noreturn]] void name() { kernel::panic(#name "() was called, which no kernel code may do"); }
NOT_IN_A_KERNEL(mmap)
NOT_IN_A_KERNEL(munmap)
NOT_IN_A_KERNEL(mprotect)
NOT_IN_A_KERNEL(open)
NOT_IN_A_KERNEL(close)
NOT_IN_A_KERNEL(read)
NOT_IN_A_KERNEL(poll)
NOT_IN_A_KERNEL(fstat)
NOT_IN_A_KERNEL(fcntl)
}
