// Boot images: the frame is checked before anything in it is used, and every view lies inside the image.
#include "store/format/boot_image.hpp"
#include <cstdlib>

using namespace store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes input = std::as_bytes(std::span{data, size});
  const Result<BootImage> image = BootImage::parse(input);
  if (!image) return 0;
  for (size_t i = 0; i < image->nars.size(); ++i) {
    const Bytes nar = image->nars[i];
    if (nar.data() < input.data() || nar.data() + nar.size() > input.data() + input.size()) std::abort();
    (void)image->check_nar_hash(i);
  }
  if (image->verify(image->hash, {})) std::abort(); // no trusted key
  return 0;
}
