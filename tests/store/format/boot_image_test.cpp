// Boot images: written, read, verified; and refused wherever a byte is cut off or changed.
#include <new>

#include "store/format/boot_image.hpp"
#include <catch2/catch.hpp>

using namespace store;

namespace {

struct Made {
  std::string image;
  std::string manifest;
  SecretKey key = SecretKey::generate("system-1");
};

std::string nar_of_file(std::string_view contents) {
  std::string nar;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    nar.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }};
  CHECK(writer.file_begin("", false, contents.size()));
  CHECK(writer.file_data(as_bytes(contents)));
  CHECK(writer.file_end());
  CHECK(writer.finish());
  return nar;
}

const std::vector<std::string>& nars() {
  static const std::vector<std::string> made = {nar_of_file("first"), nar_of_file(std::string(5000, 'x'))};
  return made;
}

Made make() {
  Made made;
  Generation generation{.name = "demo"};
  for (const std::string& nar : nars())
    generation.closure.push_back(
        {make_source_path("c" + std::to_string(generation.closure.size()), hash_text(nar)).value(), hash_text(nar),
         nar.size()});
  if (generation.closure[1].path < generation.closure[0].path) FAIL("the example's paths must be in this order");
  generation.instances = {{.name = "app", .component = generation.closure[0].path, .module = "module.wasm"}};
  made.manifest = generation.to_json();
  const std::vector<Signature> signatures = {
      made.key.sign(as_bytes(generation_fingerprint(generation_hash(made.manifest))))};
  const Result<void> written = write_boot_image(
      made.manifest, signatures, [](size_t i, const ByteSink& sink) { return sink(as_bytes(nars()[i])); },
      [&](Bytes bytes) -> Result<void> {
        made.image.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
      });
  if (!written) FAIL(written.error().describe("image"));
  return made;
}

} // namespace

TEST_CASE("a boot image is read back, verified, and its NARs checked") {
  const Made made = make();
  CHECK(made.image.starts_with("KPKGBOOT"));
  CHECK(made.image.size() % 4096 == 0);
  const Result<BootImage> image = BootImage::parse(as_bytes(made.image));
  if (!image) FAIL(image.error().describe("image"));
  CHECK(image->manifest == made.manifest);
  CHECK(image->verify(generation_hash(made.manifest), {made.key.public_key()}));
  for (size_t i = 0; i < nars().size(); ++i) {
    CHECK(image->check_nar_hash(i));
    CHECK(image->nars[i].size() == nars()[i].size());
    CHECK((image->nars[i].data() - as_bytes(made.image).data()) % 4096 == 0);
    CHECK(image->nar_of(image->generation.closure[i].path)->data() == image->nars[i].data());
  }
  CHECK_FALSE(image->check_nar_hash(2));
  CHECK_FALSE(image->nar_of(make_text_path("other", {}, {}).value()));
}

TEST_CASE("an image of another generation, or signed by another key, does not verify") {
  const Made made = make();
  const BootImage image = BootImage::parse(as_bytes(made.image)).value();
  CHECK(image.verify(hash_text("other"), {made.key.public_key()}).error().code == ErrorCode::mismatch);
  CHECK(image.verify(image.hash, {SecretKey::generate("system-1").public_key()}).error().code == ErrorCode::signature);
  CHECK(image.verify(image.hash, {}).error().code == ErrorCode::signature);
}

TEST_CASE("a boot image cut anywhere is refused") {
  const Made made = make();
  for (size_t length = 0; length < made.image.size(); length += length < 200 ? 1 : 97)
    CHECK_FALSE(BootImage::parse(as_bytes(made.image).first(length)));
  CHECK_FALSE(BootImage::parse(as_bytes(made.image + std::string(4096, '\0'))));
}

TEST_CASE("any flipped bit is found: by the frame, the signature or a NAR's hash") {
  const Made made = make();
  const Hash hash = generation_hash(made.manifest);
  for (size_t at = 0; at < made.image.size(); ++at) {
    std::string image = made.image;
    image[at] = static_cast<char>(image[at] ^ (1 << (at % 8)));
    const Result<BootImage> read = BootImage::parse(as_bytes(image));
    const bool accepted =
        read && read->verify(hash, {made.key.public_key()}) && read->check_nar_hash(0) && read->check_nar_hash(1);
    if (accepted) FAIL_CHECK("a flipped bit in byte " << at << " was not noticed");
  }
}

TEST_CASE("headers that promise too much are refused before anything is read or allocated") {
  const Made made = make();
  const auto with = [&](size_t at, const std::string& bytes) {
    std::string image = made.image;
    image.replace(at, bytes.size(), bytes);
    return BootImage::parse(as_bytes(image)).error();
  };
  CHECK(with(8, std::string{"\2\0\0\0", 4}).code == ErrorCode::unsupported);
  CHECK(with(12, std::string(4, '\0')).message == "0 signatures (expected 1 to 64)");
  CHECK(with(12, std::string(4, '\xff')).message == "4294967295 signatures (expected 1 to 64)");
  CHECK(with(16, std::string(8, '\xff')).code == ErrorCode::limit);
  CHECK(with(24, std::string(8, '\xff')).message.contains("its header says"));
}

TEST_CASE("an image is not written with NARs of other sizes than the manifest promises, nor without a signature") {
  const Made made = make();
  const ByteSink ignore = [](Bytes) -> Result<void> { return {}; };
  const std::vector<Signature> signatures = {made.key.sign({})};
  const auto write = [&](std::string_view change, const std::vector<Signature>& with) {
    return write_boot_image(
        made.manifest, with,
        [&](size_t i, const ByteSink& sink) {
          const std::string nar = change == "shorter"  ? nars()[i].substr(1)
                                  : change == "longer" ? nars()[i] + "x"
                                                       : nars()[i];
          return sink(as_bytes(nar));
        },
        ignore);
  };
  CHECK(write("same", signatures));
  CHECK(write("shorter", signatures).error().code == ErrorCode::mismatch);
  CHECK(write("longer", signatures).error().code == ErrorCode::mismatch);
  CHECK_FALSE(write("same", {}));
  CHECK_FALSE(write_boot_image("{}", signatures, [](size_t, const ByteSink&) -> Result<void> { return {}; }, ignore));
}
