// Preview 1 function by function: answers, and what bad pointers meet.
#include "tests/runtime/wasi/wasi_guest.hpp"

#include <thread>

using namespace runtime;
using namespace runtime::testing;

namespace {

constexpr uint64_t kBadf = 8, kFault = 21, kInval = 28, kIo = 29, kNotdir = 54, kSpipe = 70, kNotcapable = 76;

// A module that forwards to the functions under test; parameters are named by their types as in the import.
struct Preview1 : WasiGuest {
  using WasiGuest::WasiGuest;
  void start(const std::string& pages = "1") {
    define();
    std::string imports, functions;
    const auto add = [&](const std::string& name, const std::string& params) {
      imports += "(import \"wasi_snapshot_preview1\" \"" + name + "\" (func $" + name + " (param " + params +
                 ") (result i32)))\n";
      functions += "(func (export \"" + name + "\") (param " + params + ") (result i32)";
      const auto count = static_cast<size_t>(std::ranges::count(params, 'i'));
      for (size_t i = 0; i < count; ++i) functions += " (local.get " + std::to_string(i) + ")";
      functions += " call $" + name + ")\n";
    };
    add("args_get", "i32 i32");
    add("args_sizes_get", "i32 i32");
    add("environ_get", "i32 i32");
    add("environ_sizes_get", "i32 i32");
    add("clock_res_get", "i32 i32");
    add("clock_time_get", "i32 i64 i32");
    add("random_get", "i32 i32");
    add("fd_write", "i32 i32 i32 i32");
    add("fd_read", "i32 i32 i32 i32");
    add("fd_close", "i32");
    add("fd_renumber", "i32 i32");
    add("fd_seek", "i32 i64 i32 i32");
    add("fd_fdstat_get", "i32 i32");
    add("fd_filestat_get", "i32 i32");
    add("fd_prestat_get", "i32 i32");
    add("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32");
    add("poll_oneoff", "i32 i32 i32 i32");
    this->add_module("(module " + imports + "(memory (export \"memory\") " + pages + ") " + functions + ")");
  }
  void add_module(const std::string& wat) { WasiGuest::add(wat); }
  uint64_t errno_of(const char* name, std::vector<uint64_t> arguments) {
    const Func* function = exported<Func>(name);
    std::vector<Value> values;
    const FuncType type = *engine.types().func(function->type());
    for (size_t i = 0; i < type.params.size(); ++i) values.push_back({type.params[i], {arguments.at(i), 0}});
    return result(name, values);
  }
  std::span<std::byte> bytes() { return exported<Memory>("memory")->bytes(); }
  template <class T> T load(size_t at) {
    T value;
    std::memcpy(&value, &bytes()[at], sizeof value);
    return value;
  }
  template <class T> void store_at(size_t at, T value) { std::memcpy(&bytes()[at], &value, sizeof value); }
};

} // namespace

TEST_CASE("arguments and environment arrive as C strings") {
  Preview1 guest({"prog", "", "zwei"}, "", {{"A", "1"}, {"LONG", "x=y"}});
  guest.start();
  CHECK(guest.errno_of("args_sizes_get", {0, 4}) == 0);
  CHECK(guest.load<uint32_t>(0) == 3);
  CHECK(guest.load<uint32_t>(4) == 5 + 1 + 5);
  CHECK(guest.errno_of("args_get", {16, 100}) == 0);
  CHECK(guest.load<uint32_t>(16 + 4) == 105);
  CHECK(std::string(reinterpret_cast<char*>(&guest.bytes()[100]), 11) == std::string("prog\0\0zwei\0", 11));
  CHECK(guest.errno_of("environ_sizes_get", {0, 4}) == 0);
  CHECK(guest.load<uint32_t>(4) == 4 + 9);
  CHECK(guest.errno_of("environ_get", {16, 100}) == 0);
  CHECK(std::string(reinterpret_cast<char*>(&guest.bytes()[100]), 13) == std::string("A=1\0LONG=x=y\0", 13));
}

TEST_CASE("pointers beyond the memory are answered with FAULT, whatever the function") {
  Preview1 guest({"prog"}, "input", {{"A", "1"}});
  guest.start();
  const uint64_t end = 65536, top = 0xffff'ffff;
  CHECK(guest.errno_of("args_sizes_get", {end - 3, 0}) == kFault);
  CHECK(guest.errno_of("args_get", {0, end - 4}) == kFault);
  CHECK(guest.errno_of("args_get", {top, 0}) == kFault);
  CHECK(guest.errno_of("environ_get", {0, top}) == kFault);
  CHECK(guest.errno_of("clock_time_get", {0, 0, end - 7}) == kFault);
  CHECK(guest.errno_of("clock_res_get", {0, top}) == kFault);
  CHECK(guest.errno_of("random_get", {1, end}) == kFault);
  CHECK(guest.errno_of("random_get", {top, top}) == kFault);
  CHECK(guest.errno_of("fd_fdstat_get", {1, end - 23}) == kFault);
  CHECK(guest.errno_of("fd_filestat_get", {1, end - 63}) == kFault);
  CHECK(guest.errno_of("fd_write", {1, end - 4, 1, 0}) == kFault);
  CHECK(guest.errno_of("fd_write", {1, 0, 0, end - 3}) == kFault);
  CHECK(guest.errno_of("fd_read", {0, top, 1, 0}) == kFault);
  CHECK(guest.errno_of("poll_oneoff", {end - 47, 0, 1, 0}) == kFault);
  CHECK(guest.errno_of("poll_oneoff", {0, end - 31, 1, 0}) == kFault);
  CHECK(guest.errno_of("poll_oneoff", {0, 100, 1, top}) == kFault);
  guest.store_at<uint32_t>(0, 8);
  guest.store_at<uint32_t>(4, end); // a piece that ends beyond
  CHECK(guest.errno_of("fd_write", {1, 0, 1, 16}) == kFault);
  CHECK(guest.out.empty());
}

TEST_CASE("writes gather their pieces, reads stop at the first short one") {
  Preview1 guest({"prog"}, "abcdefghij");
  guest.start();
  std::memcpy(&guest.bytes()[200], "hello world", 11);
  const uint32_t vectors[] = {200, 5, 0, 0, 205, 6};
  std::memcpy(&guest.bytes()[0], vectors, sizeof vectors);
  CHECK(guest.errno_of("fd_write", {1, 0, 3, 100}) == 0);
  CHECK(guest.load<uint32_t>(100) == 11);
  CHECK(guest.out == "hello world");
  CHECK(guest.errno_of("fd_write", {2, 0, 1, 100}) == 0);
  CHECK(guest.err == "hello");
  const uint32_t in[] = {300, 4, 400, 100};
  std::memcpy(&guest.bytes()[0], in, sizeof in);
  CHECK(guest.errno_of("fd_read", {0, 0, 2, 100}) == 0);
  CHECK(guest.load<uint32_t>(100) == 10);
  CHECK(std::memcmp(&guest.bytes()[300], "abcd", 4) == 0);
  CHECK(std::memcmp(&guest.bytes()[400], "efghij", 6) == 0);
  CHECK(guest.errno_of("fd_read", {0, 0, 2, 100}) == 0);
  CHECK(guest.load<uint32_t>(100) == 0); // end of input
}

TEST_CASE("too many pieces, and reading what is for writing, are refused") {
  Preview1 guest;
  guest.start();
  CHECK(guest.errno_of("fd_write", {1, 0, 1025, 60'000}) == kInval);
  CHECK(guest.errno_of("fd_write", {0, 0, 1, 0}) == kNotcapable);
  CHECK(guest.errno_of("fd_read", {1, 0, 1, 0}) == kNotcapable);
  CHECK(guest.errno_of("fd_write", {3, 0, 1, 0}) == kBadf);
  CHECK(guest.errno_of("fd_write", {0xffff'ffff, 0, 1, 0}) == kBadf);
}

TEST_CASE("a stream that is not granted refuses writes and reads as ended") {
  Preview1 guest;
  guest.options->write_stdout = nullptr;
  guest.options->read_stdin = nullptr;
  guest.start();
  guest.store_at<uint32_t>(0, 200);
  guest.store_at<uint32_t>(4, 5);
  CHECK(guest.errno_of("fd_write", {1, 0, 1, 100}) == kBadf);
  CHECK(guest.errno_of("fd_read", {0, 0, 1, 100}) == 0);
  CHECK(guest.load<uint32_t>(100) == 0);
}

TEST_CASE("a stream that fails is an input/output error to the guest, not its end") {
  Preview1 guest;
  guest.options->write_stdout = [](std::span<const std::byte>) -> Result<size_t> {
    return std::unexpected(Error{.kind = ErrorKind::resource, .message = "no space left"});
  };
  guest.start();
  guest.store_at<uint32_t>(0, 200);
  guest.store_at<uint32_t>(4, 5);
  CHECK(guest.errno_of("fd_write", {1, 0, 1, 100}) == kIo);
}

TEST_CASE("closed and renumbered descriptors are gone") {
  Preview1 guest;
  guest.start();
  guest.store_at<uint32_t>(0, 200);
  guest.store_at<uint32_t>(4, 1);
  guest.store_at<uint8_t>(200, 'x');
  CHECK(guest.errno_of("fd_renumber", {2, 1}) == 0); // standard output now goes where errors went
  CHECK(guest.errno_of("fd_write", {1, 0, 1, 100}) == 0);
  CHECK(guest.err == "x");
  CHECK(guest.errno_of("fd_write", {2, 0, 1, 100}) == kBadf);
  CHECK(guest.errno_of("fd_close", {1}) == 0);
  CHECK(guest.errno_of("fd_close", {1}) == kBadf);
  CHECK(guest.errno_of("fd_seek", {1, 0, 0, 100}) == kBadf);
}

TEST_CASE("streams look like a terminal that cannot seek, and there is no folder") {
  Preview1 guest;
  guest.start();
  CHECK(guest.errno_of("fd_fdstat_get", {1, 100}) == 0);
  CHECK(guest.load<uint8_t>(100) == 2);                          // character device
  CHECK((guest.load<uint64_t>(108) & (1u << 2 | 1u << 5)) == 0); // neither seek nor tell
  CHECK(guest.errno_of("fd_filestat_get", {0, 100}) == 0);
  CHECK(guest.load<uint8_t>(116) == 2);
  CHECK(guest.errno_of("fd_seek", {1, 0, 0, 100}) == kSpipe);
  CHECK(guest.errno_of("fd_prestat_get", {3, 100}) == kBadf);
  CHECK(guest.errno_of("path_open", {3, 0, 0, 1, 0, 0, 0, 0, 100}) == kBadf);
  CHECK(guest.errno_of("path_open", {1, 0, 0, 1, 0, 0, 0, 0, 100}) == kNotdir);
}

TEST_CASE("clocks run, unless they are not granted") {
  Preview1 guest;
  guest.start();
  CHECK(guest.errno_of("clock_time_get", {1, 0, 8}) == 0);
  const auto first = guest.load<uint64_t>(8);
  CHECK(guest.errno_of("clock_time_get", {1, 0, 8}) == 0);
  CHECK(guest.load<uint64_t>(8) >= first);
  CHECK(guest.errno_of("clock_time_get", {0, 0, 8}) == 0);
  CHECK(guest.load<uint64_t>(8) > 1'600'000'000'000'000'000);
  CHECK(guest.errno_of("clock_res_get", {1, 8}) == 0);
  CHECK(guest.errno_of("clock_time_get", {9, 0, 8}) == kInval);
  guest.options->clocks = false;
  guest.options->random = false;
  CHECK(guest.errno_of("clock_time_get", {0, 0, 8}) == kNotcapable);
  CHECK(guest.errno_of("random_get", {0, 8}) == kNotcapable);
}

TEST_CASE("polling sleeps until the first clock and reports only what is due") {
  Preview1 guest;
  guest.start();
  const auto clock = [&](size_t at, uint64_t userdata, uint64_t timeout_ns) {
    guest.store_at<uint64_t>(at, userdata);
    guest.store_at<uint8_t>(at + 8, 0);
    guest.store_at<uint32_t>(at + 16, 1);
    guest.store_at<uint64_t>(at + 24, timeout_ns);
    guest.store_at<uint16_t>(at + 40, 0);
  };
  clock(0, 111, 30'000'000);
  clock(48, 222, 60'000'000'000);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(guest.errno_of("poll_oneoff", {0, 512, 2, 1024}) == 0);
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(30));
  CHECK(guest.load<uint32_t>(1024) == 1);
  CHECK(guest.load<uint64_t>(512) == 111);
  guest.store_at<uint8_t>(48 + 8, 2); // a write on descriptor 1 is ready at once
  guest.store_at<uint32_t>(48 + 16, 1);
  CHECK(guest.errno_of("poll_oneoff", {0, 512, 2, 1024}) == 0);
  CHECK(guest.load<uint64_t>(512) == 222);
  CHECK(guest.load<uint16_t>(512 + 8) == 0);
  CHECK(guest.errno_of("poll_oneoff", {0, 512, 0, 1024}) == kInval);
}

TEST_CASE("a sleeping guest can be interrupted") {
  Preview1 guest;
  guest.start();
  guest.store_at<uint32_t>(16, 1);
  guest.store_at<uint64_t>(24, ~uint64_t{0});
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    guest.store.interrupt();
  });
  const Error error = guest.error("poll_oneoff", {Value::i32(0), Value::i32(512), Value::i32(1), Value::i32(1024)});
  stopper.join();
  CHECK(error.trap == TrapCode::interrupted);
}

TEST_CASE("all 46 functions of preview 1 link with the types of the specification") {
  WasiGuest guest;
  guest.define();
  // name:parameters, from the witx file; all results are i32 but proc_exit's none
  const char* functions[] = {"args_get:ii",
                             "args_sizes_get:ii",
                             "environ_get:ii",
                             "environ_sizes_get:ii",
                             "clock_res_get:ii",
                             "clock_time_get:iIi",
                             "fd_advise:iIIi",
                             "fd_allocate:iII",
                             "fd_close:i",
                             "fd_datasync:i",
                             "fd_fdstat_get:ii",
                             "fd_fdstat_set_flags:ii",
                             "fd_fdstat_set_rights:iII",
                             "fd_filestat_get:ii",
                             "fd_filestat_set_size:iI",
                             "fd_filestat_set_times:iIIi",
                             "fd_pread:iiiIi",
                             "fd_prestat_get:ii",
                             "fd_prestat_dir_name:iii",
                             "fd_pwrite:iiiIi",
                             "fd_read:iiii",
                             "fd_readdir:iiiIi",
                             "fd_renumber:ii",
                             "fd_seek:iIii",
                             "fd_sync:i",
                             "fd_tell:ii",
                             "fd_write:iiii",
                             "path_create_directory:iii",
                             "path_filestat_get:iiiii",
                             "path_filestat_set_times:iiiiIIi",
                             "path_link:iiiiiii",
                             "path_open:iiiiiIIii",
                             "path_readlink:iiiiii",
                             "path_remove_directory:iii",
                             "path_rename:iiiiii",
                             "path_symlink:iiiii",
                             "path_unlink_file:iii",
                             "poll_oneoff:iiii",
                             "proc_exit:i",
                             "proc_raise:i",
                             "sched_yield:",
                             "random_get:ii",
                             "sock_accept:iii",
                             "sock_recv:iiiiii",
                             "sock_send:iiiii",
                             "sock_shutdown:ii"};
  CHECK(std::size(functions) == 46);
  std::string wat = "(module";
  for (const std::string_view entry : functions) {
    const std::string name(entry.substr(0, entry.find(':')));
    wat += " (import \"wasi_snapshot_preview1\" \"" + name + "\" (func (param";
    for (const char type : entry.substr(entry.find(':') + 1)) wat += type == 'i' ? " i32" : " i64";
    wat += name == "proc_exit" ? ")))" : ") (result i32)))";
  }
  guest.add(wat + ")");
}

TEST_CASE("a program's exit status is proc_exit's, or 0 when it returns, or its trap") {
  WasiGuest guest;
  guest.define();
  Instance& exits = guest.add(R"((module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 3)) unreachable)))",
                              "exits");
  CHECK(run_command(guest.store, exits).value() == 3);
  Instance& returns = guest.add(R"((module (func (export "_start"))))", "returns");
  CHECK(run_command(guest.store, returns).value() == 0);
  Instance& traps = guest.add(R"((module (func (export "_start") unreachable)))", "traps");
  CHECK(run_command(guest.store, traps).error().trap == TrapCode::unreachable);
  Instance& nothing = guest.add("(module)", "nothing");
  CHECK(run_command(guest.store, nothing).error().message ==
        "\"nothing\" is no WASI program: it exports neither _start nor _initialize");
}

TEST_CASE("a guest without an exported memory is told so") {
  WasiGuest guest;
  guest.define();
  guest.add(R"((module (import "wasi_unstable" "random_get" (func $random (param i32 i32) (result i32)))
    (func (export "f") (result i32) (call $random (i32.const 0) (i32.const 1)))))");
  CHECK(guest.error("f").message == "the instance \"guest\" exports no memory \"memory\"");
}
