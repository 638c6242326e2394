kpkg_fuzz(http_request DEPENDS registry)
