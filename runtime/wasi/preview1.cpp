// WASI preview 1: the table of its 46 functions and those that need no stream (streams.cpp, poll.cpp have the others).
//
// Every function is one record: name, parameters as a string of i (i32) and I (i64), and what it does. All but
// proc_exit return an errno. What is not granted answers BADF or NOTCAPABLE; nothing here ever stops the guest except
// proc_exit and an instance that exports no memory.
#include "runtime/wasi/preview1.hpp"

#include "runtime/platform/platform.hpp"
#include "runtime/wasi/preview1_state.hpp"
#include <algorithm>

namespace runtime {
namespace {

using preview1::Answer;
using preview1::Arguments;
using preview1::Guest;

// A list of strings as C wants it: pointers at `pointers`, zero-terminated texts one after the other at `texts`.
template <class Each> Errno write_strings(const GuestMemory& memory, uint32_t pointers, uint32_t texts, size_t count,
                                          Each each) {
  uint64_t pointer = pointers, text = texts;
  for (size_t i = 0; i < count; ++i) {
    const std::string& item = each(i);
    const auto place = memory.range(text, item.size() + 1);
    if (!place || !memory.store(pointer, static_cast<uint32_t>(text))) return Errno::fault;
    std::memcpy(place->data(), item.c_str(), item.size() + 1);
    pointer += 4;
    text += item.size() + 1;
  }
  return Errno::success;
}

template <class Each> Errno write_sizes(const GuestMemory& memory, uint32_t count_at, uint32_t size_at, size_t count,
                                        Each each) {
  uint64_t size = 0;
  for (size_t i = 0; i < count; ++i) size += each(i).size() + 1;
  const bool written =
      memory.store(count_at, static_cast<uint32_t>(count)) && memory.store(size_at, static_cast<uint32_t>(size));
  return written ? Errno::success : Errno::fault;
}

auto argument(const Guest& guest) {
  return [&guest](size_t i) -> const std::string& { return guest.options->args[i]; };
}
auto variable(const Guest& guest) {
  return [&guest](size_t i) { return guest.options->env[i].first + "=" + guest.options->env[i].second; };
}

Answer args_get(Guest& guest, const Arguments& at) {
  return write_strings(TRY(at.memory()), at.i32(0), at.i32(1), guest.options->args.size(), argument(guest));
}
Answer args_sizes_get(Guest& guest, const Arguments& at) {
  return write_sizes(TRY(at.memory()), at.i32(0), at.i32(1), guest.options->args.size(), argument(guest));
}
Answer environ_get(Guest& guest, const Arguments& at) {
  return write_strings(TRY(at.memory()), at.i32(0), at.i32(1), guest.options->env.size(), variable(guest));
}
Answer environ_sizes_get(Guest& guest, const Arguments& at) {
  return write_sizes(TRY(at.memory()), at.i32(0), at.i32(1), guest.options->env.size(), variable(guest));
}

Answer clock_res_get(Guest& guest, const Arguments& at) {
  if (!preview1::read_clock(guest, at.i32(0))) return guest.options->clocks ? Errno::inval : Errno::notcapable;
  return TRY(at.memory()).store(at.i32(1), uint64_t{1}) ? Errno::success : Errno::fault;
}
Answer clock_time_get(Guest& guest, const Arguments& at) {
  const std::optional<uint64_t> now = preview1::read_clock(guest, at.i32(0));
  if (!now) return guest.options->clocks ? Errno::inval : Errno::notcapable;
  return TRY(at.memory()).store(at.i32(2), *now) ? Errno::success : Errno::fault;
}

Answer random_get(Guest& guest, const Arguments& at) {
  const auto place = TRY(at.memory()).range(at.i32(0), at.i32(1));
  if (!place) return Errno::fault;
  if (!guest.options->random) return Errno::notcapable;
  platform::random_bytes(*place);
  return Errno::success;
}

Answer proc_exit(Guest&, const Arguments& at) {
  return std::unexpected(Error{.kind = ErrorKind::exit,
                               .message = "the guest exited with status " + std::to_string(at.i32(0)),
                               .trap = TrapCode::exit,
                               .exit_status = at.i32(0)});
}
Answer sched_yield(Guest&, const Arguments&) { return Errno::success; }
Answer no_signals(Guest&, const Arguments&) { return Errno::nosys; }

// Calls on a file descriptor that only files, folders or sockets have. No such descriptor is ever open here, but the
// three streams are: the answer says which of the two is the case.
template <Errno errno_of_a_stream> Answer not_on_a_stream(Guest& guest, const Arguments& at) {
  return guest.is_open(at.i32(0)) ? errno_of_a_stream : Errno::badf;
}
Answer path_symlink(Guest& guest, const Arguments& at) {
  return guest.is_open(at.i32(2)) ? Errno::notdir : Errno::badf;
}
Answer path_link(Guest& guest, const Arguments& at) {
  return guest.is_open(at.i32(0)) && guest.is_open(at.i32(4)) ? Errno::notdir : Errno::badf;
}
Answer path_rename(Guest& guest, const Arguments& at) {
  return guest.is_open(at.i32(0)) && guest.is_open(at.i32(3)) ? Errno::notdir : Errno::badf;
}
Answer no_preopens(Guest&, const Arguments&) { return Errno::badf; } // ends every libc's search for folders

struct Record {
  const char* name;
  const char* params;
  Answer (*call)(Guest&, const Arguments&);
  bool in_unstable = true; // the older module has it with the same meaning and layout
};

constexpr auto not_a_folder = not_on_a_stream<Errno::notdir>;
constexpr auto not_a_socket = not_on_a_stream<Errno::notsock>;
constexpr auto not_seekable = not_on_a_stream<Errno::spipe>;
constexpr auto not_a_file = not_on_a_stream<Errno::inval>;

constexpr Record kFunctions[] = {
    {"args_get", "ii", args_get},
    {"args_sizes_get", "ii", args_sizes_get},
    {"environ_get", "ii", environ_get},
    {"environ_sizes_get", "ii", environ_sizes_get},
    {"clock_res_get", "ii", clock_res_get},
    {"clock_time_get", "iIi", clock_time_get},
    {"fd_advise", "iIIi", not_seekable},
    {"fd_allocate", "iII", not_a_file},
    {"fd_close", "i", preview1::fd_close},
    {"fd_datasync", "i", not_a_file},
    {"fd_fdstat_get", "ii", preview1::fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", preview1::fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII", preview1::fd_fdstat_set_rights},
    {"fd_filestat_get", "ii", preview1::fd_filestat_get, false},
    {"fd_filestat_set_size", "iI", not_a_file},
    {"fd_filestat_set_times", "iIIi", not_a_file},
    {"fd_pread", "iiiIi", not_seekable},
    {"fd_prestat_get", "ii", no_preopens},
    {"fd_prestat_dir_name", "iii", no_preopens},
    {"fd_pwrite", "iiiIi", not_seekable},
    {"fd_read", "iiii", preview1::fd_read},
    {"fd_readdir", "iiiIi", not_a_folder},
    {"fd_renumber", "ii", preview1::fd_renumber},
    {"fd_seek", "iIii", not_seekable},
    {"fd_sync", "i", not_a_file},
    {"fd_tell", "ii", not_seekable},
    {"fd_write", "iiii", preview1::fd_write},
    {"path_create_directory", "iii", not_a_folder},
    {"path_filestat_get", "iiiii", not_a_folder},
    {"path_filestat_set_times", "iiiiIIi", not_a_folder},
    {"path_link", "iiiiiii", path_link},
    {"path_open", "iiiiiIIii", not_a_folder},
    {"path_readlink", "iiiiii", not_a_folder},
    {"path_remove_directory", "iii", not_a_folder},
    {"path_rename", "iiiiii", path_rename},
    {"path_symlink", "iiiii", path_symlink},
    {"path_unlink_file", "iii", not_a_folder},
    {"poll_oneoff", "iiii", preview1::poll_oneoff, false},
    {"proc_exit", "i", proc_exit},
    {"proc_raise", "i", no_signals},
    {"sched_yield", "", sched_yield},
    {"random_get", "ii", random_get},
    {"sock_accept", "iii", not_a_socket, false},
    {"sock_recv", "iiiiii", not_a_socket},
    {"sock_send", "iiiii", not_a_socket},
    {"sock_shutdown", "ii", not_a_socket},
};
static_assert(std::size(kFunctions) == 46);

FuncType type_of(const Record& record) {
  FuncType type;
  for (const char* param = record.params; *param != 0; ++param)
    type.params.emplace_back(*param == 'i' ? ValKind::i32 : ValKind::i64);
  if (record.call != proc_exit) type.results.emplace_back(ValKind::i32);
  return type;
}

} // namespace

namespace preview1 {

std::optional<uint64_t> read_clock(const Guest& guest, uint32_t id) {
  if (!guest.options->clocks) return std::nullopt;
  if (id == kClockRealtime) return platform::realtime_ns();
  if (id == kClockMonotonic) return platform::monotonic_ns();
  return std::nullopt; // processor time clocks
}

} // namespace preview1

Preview1Options preview1_on_platform(std::vector<std::string> args) {
  Preview1Options options;
  options.args = std::move(args);
  options.write_stdout = [](std::span<const std::byte> data) {
    return platform::write_stream(platform::Stream::out, data);
  };
  options.write_stderr = [](std::span<const std::byte> data) {
    return platform::write_stream(platform::Stream::err, data);
  };
  options.read_stdin = [](std::span<std::byte> data) { return platform::read_stream(data); };
  return options;
}

void define_preview1(Linker& linker, Store& store, std::shared_ptr<const Preview1Options> options) {
  const auto guest = std::make_shared<Guest>(std::move(options));
  std::vector<FuncType> types;
  for (const Record& record : kFunctions) types.push_back(type_of(record));
  static_cast<void>(store.engine().prepare_calls(types)); // a failure shows again where the functions are linked
  for (size_t i = 0; i < std::size(kFunctions); ++i) {
    const Record& record = kFunctions[i];
    Func* function = store.host_function(types[i], [guest, call = record.call](HostCall& host) -> Result<void> {
      const Errno answer = TRY(call(*guest, Arguments(host)));
      if (!host.values.empty()) host.values[0] = static_cast<uint64_t>(answer);
      return {};
    });
    linker.define("wasi_snapshot_preview1", record.name, function);
    if (record.in_unstable) linker.define("wasi_unstable", record.name, function);
  }
}

Result<uint32_t> run_command(Store& store, Instance& instance) {
  const auto function = [&](const char* name) -> Func* {
    const std::optional<Extern> found = instance.find_export(name);
    return found && std::holds_alternative<Func*>(*found) ? std::get<Func*>(*found) : nullptr;
  };
  Func* entry = function("_start");
  if (entry == nullptr) entry = function("_initialize");
  if (entry == nullptr)
    return std::unexpected(
        Error{.kind = ErrorKind::unlinkable,
              .message = "\"" + instance.name() + "\" is no WASI program: it exports neither _start nor _initialize"});
  const Result<std::vector<Value>> result = store.call(*entry, {});
  if (result) return 0;
  if (result.error().kind == ErrorKind::exit) return result.error().exit_status;
  return std::unexpected(result.error());
}

} // namespace runtime
