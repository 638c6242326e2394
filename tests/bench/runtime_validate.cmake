kpkg_bench(validate DEPENDS runtime_validate)
