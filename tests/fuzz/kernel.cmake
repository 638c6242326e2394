kpkg_fuzz(boot_info DEPENDS kernel_portable)
