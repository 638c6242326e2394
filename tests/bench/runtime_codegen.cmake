kpkg_bench(compile DEPENDS runtime_codegen)
