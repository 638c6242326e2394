kpkg_fuzz(elf_needed DEPENDS derivations_build)
