// The entry point of every test executable, compiled once: Catch2's runner takes seconds to compile.
#include <new>
// Faults belong to the engine under test and to the sanitizers: Catch would take the signals again for every test case.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
