# Debian's conventions for the tree that is about to be packed (a CPACK_PRE_BUILD_SCRIPTS script): manual pages and the
# changelog are compressed, without a time of their own; the kernel loses what only a debugger reads (its backtraces have
# their own table of symbols).
file(GLOB_RECURSE PAGES ${CPACK_TEMPORARY_DIRECTORY}/*/share/man/man*/*.[1-9] ${CPACK_TEMPORARY_DIRECTORY}/*/share/doc/kpkg/changelog)
if(PAGES)
  execute_process(COMMAND gzip -9n ${PAGES} COMMAND_ERROR_IS_FATAL ANY)
endif()
file(GLOB_RECURSE KERNELS ${CPACK_TEMPORARY_DIRECTORY}/*/share/kpkg/kernel.elf)
foreach(KERNEL ${KERNELS})
  execute_process(COMMAND strip --strip-debug ${KERNEL} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
