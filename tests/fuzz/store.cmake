foreach(FORMAT nar narinfo derivation generation boot_image)
  kpkg_fuzz(${FORMAT} DEPENDS store_format)
endforeach()
