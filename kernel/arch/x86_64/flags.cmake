# What the compiler must know of this processor: our own code does without the red zone (prebuilt libraries use it, and
# traps.S keeps out of it); the image lies in the top 2 GiB; the stack protector's canary is in the thread block.
set(ARCH_FLAGS -mno-red-zone -mcmodel=kernel -mstack-protector-guard-reg=fs)
# For code that runs inside of interrupts.
set(ARCH_GENERAL_REGISTERS -mno-sse -mno-mmx)
