kpkg_bench(sandbox DEPENDS derivations_realise)
