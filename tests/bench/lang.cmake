kpkg_bench(eval DEPENDS derivations_lang)
