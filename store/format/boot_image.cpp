// Boot images. Every length is checked against what is left of the image before it is used.
#include "store/format/boot_image.hpp"
#include <algorithm>
#include <array>
#include <cstring>

namespace store {
namespace {

constexpr std::string_view kMagic = "KPKGBOOT";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMaxSignatures = 64;
constexpr uint32_t kMaxSignatureLength = 1024;
constexpr uint64_t kHeaderBytes = 32;
constexpr uint64_t kWord = 8;
constexpr uint64_t kPage = 4096;

constexpr uint64_t padding_to(uint64_t offset, uint64_t alignment) { return -offset & (alignment - 1); }

std::unexpected<Error> fail(ErrorCode code, std::string message, uint64_t offset = kNoOffset) {
  return std::unexpected(Error{code, std::move(message), offset});
}

class Frame {
public:
  explicit Frame(Bytes image) : image_(image) {}
  [[nodiscard]] uint64_t offset() const { return offset_; }

  Result<Bytes> take(uint64_t size, std::string_view what) {
    if (size > image_.size() - offset_)
      return fail(ErrorCode::malformed, "the image ends inside " + std::string{what}, offset_);
    const Bytes bytes = image_.subspan(static_cast<size_t>(offset_), static_cast<size_t>(size));
    offset_ += size;
    return bytes;
  }

  template <class Number> Result<Number> number(std::string_view what) {
    const Bytes bytes = TRY(take(sizeof(Number), what));
    Number value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  Result<void> pad(uint64_t alignment) {
    const uint64_t begin = offset_;
    const Bytes bytes = TRY(take(padding_to(offset_, alignment), "padding"));
    if (!std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }))
      return fail(ErrorCode::malformed, "padding that is not zero", begin);
    return {};
  }

private:
  Bytes image_;
  uint64_t offset_ = 0;
};

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// The whole image's size for a manifest, or an error when it is beyond 64 bits.
Result<uint64_t> image_size(const Generation& generation, uint64_t frame_bytes) {
  uint64_t size = frame_bytes + padding_to(frame_bytes, kPage);
  for (const ClosureEntry& entry : generation.closure) {
    // A generation bounds sizes to 2^53 and their number to 2^16: one addition cannot wrap, many can.
    const uint64_t padded = entry.nar_size_bytes + padding_to(entry.nar_size_bytes, kPage);
    if (size + padded < size) return fail(ErrorCode::limit, "the closure is larger than 2^64 bytes");
    size += padded;
  }
  return size;
}

} // namespace

Result<BootImage> BootImage::parse(Bytes image) {
  Frame frame{image};
  const Bytes magic = TRY(frame.take(kMagic.size(), "the header"));
  if (text_of(magic) != kMagic)
    return fail(ErrorCode::malformed, "this is no boot image: it does not begin with \"KPKGBOOT\"", 0);
  const uint32_t version = TRY(frame.number<uint32_t>("the header"));
  if (version != kVersion)
    return fail(ErrorCode::unsupported, "boot image version " + std::to_string(version) + " (known: 1)", 8);
  const uint32_t signature_count = TRY(frame.number<uint32_t>("the header"));
  if (signature_count == 0 || signature_count > kMaxSignatures)
    return fail(ErrorCode::malformed, std::to_string(signature_count) + " signatures (expected 1 to 64)", 12);
  const uint64_t manifest_size = TRY(frame.number<uint64_t>("the header"));
  if (manifest_size > kMaxGenerationManifestBytes)
    return fail(ErrorCode::limit, "the manifest is larger than 16 MiB", 16);
  const uint64_t total_size = TRY(frame.number<uint64_t>("the header"));
  if (total_size != image.size()) {
    return fail(ErrorCode::malformed,
                "the image has " + std::to_string(image.size()) + " bytes, but its header says " +
                    std::to_string(total_size),
                24);
  }
  const uint64_t manifest_at = frame.offset();
  BootImage result{.manifest = text_of(TRY(frame.take(manifest_size, "the manifest")))};
  TRY_VOID(frame.pad(kWord));
  for (uint32_t i = 0; i < signature_count; ++i) {
    const uint64_t at = frame.offset();
    const uint32_t length = TRY(frame.number<uint32_t>("a signature"));
    if (length > kMaxSignatureLength) return fail(ErrorCode::malformed, "a signature longer than 1024 bytes", at);
    const Bytes text = TRY(frame.take(length, "a signature"));
    Result<Signature> signature = Signature::parse(text_of(text));
    if (!signature) return fail(ErrorCode::malformed, "a signature: " + signature.error().message, at);
    result.signatures.push_back(std::move(*signature));
    TRY_VOID(frame.pad(kWord));
  }
  TRY_VOID(frame.pad(kPage));
  Result<Generation> generation = Generation::parse(result.manifest);
  if (!generation) {
    Error error = std::move(generation).error();
    if (error.offset != kNoOffset) error.offset += manifest_at;
    error.message = "manifest: " + error.message;
    return std::unexpected(std::move(error));
  }
  result.generation = std::move(*generation);
  result.hash = generation_hash(result.manifest);
  for (const ClosureEntry& entry : result.generation.closure) {
    result.nars.push_back(TRY(frame.take(entry.nar_size_bytes, entry.path.base_name())));
    TRY_VOID(frame.pad(kPage));
  }
  if (frame.offset() != image.size()) return fail(ErrorCode::malformed, "bytes after the last NAR", frame.offset());
  return result;
}

Result<void> BootImage::verify(const Hash& expected, const std::vector<PublicKey>& trusted) const {
  if (hash != expected) {
    return fail(ErrorCode::mismatch,
                "the image holds generation " + hash.to_string() + ", but " + expected.to_string() + " was asked for");
  }
  return verify_any(as_bytes(generation_fingerprint(hash)), signatures, trusted);
}

Result<void> BootImage::check_nar_hash(size_t index) const {
  if (index >= nars.size()) return fail(ErrorCode::invalid, "the closure has no entry " + std::to_string(index));
  const ClosureEntry& entry = generation.closure[index];
  const Hash found = hash_bytes(nars[index]);
  if (found == entry.nar_hash) return {};
  return fail(ErrorCode::mismatch, "the NAR of " + entry.path.full() + " has the hash " + found.to_string() +
                                       ", but the manifest says " + entry.nar_hash.to_string());
}

Result<Bytes> BootImage::nar_of(const StorePath& path) const {
  const auto& closure = generation.closure; // sorted: Generation::check
  const auto entry = std::ranges::lower_bound(closure, path, {}, &ClosureEntry::path);
  if (entry == closure.end() || entry->path != path)
    return fail(ErrorCode::invalid, path.full() + " is not in the closure");
  return nars[static_cast<size_t>(entry - closure.begin())];
}

Result<void> write_boot_image(std::string_view manifest_json, const std::vector<Signature>& signatures,
                              const std::function<Result<void>(size_t index, const ByteSink&)>& nar,
                              const ByteSink& sink) {
  const Generation generation = TRY(Generation::parse(manifest_json));
  if (signatures.empty() || signatures.size() > kMaxSignatures)
    return fail(ErrorCode::invalid, std::to_string(signatures.size()) + " signatures (expected 1 to 64)");
  std::string head{kMagic};
  const auto append_number = [&](auto number) { head.append(reinterpret_cast<const char*>(&number), sizeof number); };
  append_number(kVersion);
  append_number(static_cast<uint32_t>(signatures.size()));
  append_number(uint64_t{manifest_json.size()});
  append_number(uint64_t{0}); // the total size, known below
  head.append(manifest_json).append(padding_to(head.size(), kWord), '\0');
  for (const Signature& signature : signatures) {
    const std::string text = signature.to_string();
    if (text.size() > kMaxSignatureLength)
      return fail(ErrorCode::invalid, "the key name \"" + signature.key_name + "\" is too long");
    append_number(static_cast<uint32_t>(text.size()));
    head.append(text).append(padding_to(head.size(), kWord), '\0');
  }
  const uint64_t total = TRY(image_size(generation, head.size()));
  std::memcpy(head.data() + kHeaderBytes - sizeof total, &total, sizeof total);
  head.append(padding_to(head.size(), kPage), '\0');
  TRY_VOID(sink(as_bytes(head)));

  static constexpr std::array<std::byte, kPage> zeros{};
  for (size_t i = 0; i < generation.closure.size(); ++i) {
    const ClosureEntry& entry = generation.closure[i];
    uint64_t left = entry.nar_size_bytes;
    const auto wrong_size = [&] {
      return fail(ErrorCode::mismatch, "the NAR of " + entry.path.full() + " does not have the " +
                                           std::to_string(entry.nar_size_bytes) + " bytes that the manifest promises");
    };
    TRY_VOID(nar(i, [&](Bytes bytes) -> Result<void> {
      if (bytes.size() > left) return wrong_size();
      left -= bytes.size();
      return sink(bytes);
    }));
    if (left != 0) return wrong_size();
    TRY_VOID(sink(Bytes{zeros}.first(static_cast<size_t>(padding_to(entry.nar_size_bytes, kPage)))));
  }
  return {};
}

} // namespace store
