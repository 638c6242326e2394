kpkg_bench(call DEPENDS runtime_exec runtime_text)
