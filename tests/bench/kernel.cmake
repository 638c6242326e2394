# boot.sh boots these
set_property(GLOBAL APPEND PROPERTY KPKG_BENCHES kernel.elf make_boot_images)
