// The entry point of every test executable, compiled once: Catch2's runner takes seconds to compile.
#include <new>
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
