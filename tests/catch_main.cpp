// The entry point of every test executable, compiled once: Catch2's runner takes seconds to compile.
#include <new>
#define CATCH_CONFIG_MAIN
// Catch2 would take over the fault signals for each test case, and with them the traps of the engine's guests.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
