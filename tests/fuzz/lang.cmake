kpkg_fuzz(nix_parser DEPENDS derivations_lang)
