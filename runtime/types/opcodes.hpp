#pragma once
#include <cstdint>
namespace runtime { enum class Op : uint32_t {}; }
