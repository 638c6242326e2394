kpkg_fuzz(printable_text DEPENDS store_base)
foreach(FORMAT nar narinfo derivation generation boot_image)
  kpkg_fuzz(${FORMAT} DEPENDS store_format)
endforeach()
