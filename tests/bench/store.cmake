kpkg_bench(nar DEPENDS store_local)
kpkg_bench(store DEPENDS store_local)
