#include "registry-server/protocols/nix_cache.hpp"
#include "registry-server/http/error.hpp"
#include "registry-server/protocols/archive.hpp"
#include "store/format/encoding.hpp"
#include "store/format/nar.hpp"
#include "store/format/store_path.hpp"
#include "store/posix/file_io.hpp"
#include "store/remote/compression.hpp"
#include <algorithm>

namespace registry {

namespace {

constexpr uint64_t kMaxNarinfoBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxTextBytes = uint64_t{1} << 20;
constexpr size_t kMaxArchiveName = 128;
constexpr size_t kMaxLogUrl = 300;

bool is_digest(std::string_view text) {
  return text.size() == store::kStorePathDigestLength &&
         text.find_first_not_of(store::kNix32Alphabet) == std::string_view::npos;
}

bool is_archive_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxArchiveName && name.front() != '.' &&
         std::ranges::all_of(
             name, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-'; });
}

// "nar/FILE" → FILE.
std::optional<std::string_view> archive_of_url(std::string_view url) {
  constexpr std::string_view prefix = "nar/";
  if (!url.starts_with(prefix)) return {};
  url.remove_prefix(prefix.size());
  return is_archive_name(url) ? std::optional(url) : std::nullopt;
}

[[noreturn]] void refuse(const std::string& message) { throw store::UserError(store::UserErrorCode::refused, message); }

void check(const store::Result<void>& result, std::string_view subject) {
  if (!result) refuse(result.error().describe(subject));
}

class ArchiveUpload final : public Upload {
public:
  ArchiveUpload(Catalog& catalog, Blobs& blobs, std::string name, uint64_t limit)
      : catalog_(catalog), writer_(blobs.begin()), name_(std::move(name)), limit_(limit) {}
  void write(std::span<const std::byte> data) override {
    try {
      writer_->write(data);
    } catch (const StorageFull& full) {
      throw HttpError(http::status::insufficient_storage, std::string(full.what()) + "; nothing was stored");
    }
  }
  Response finish() override {
    if (!catalog_.add_archive(name_, writer_->commit()))
      throw HttpError(http::status::conflict, "nar/" + name_ + " is already stored with other content");
    return text_response(http::status::created, "stored");
  }
  [[nodiscard]] uint64_t limit_bytes() const override { return limit_; }

private:
  Catalog& catalog_;
  std::unique_ptr<BlobWriter> writer_;
  std::string name_;
  uint64_t limit_;
};

// Sees that a NAR is whole and well formed, and nothing of what is in it.
class UnseenNar final : public store::NarVisitor {
  store::Result<void> file_begin(std::string_view, bool, uint64_t) override { return {}; }
  store::Result<void> file_data(store::Bytes) override { return {}; }
  store::Result<void> file_end() override { return {}; }
  store::Result<void> symlink(std::string_view, std::string_view) override { return {}; }
  store::Result<void> directory_begin(std::string_view) override { return {}; }
  store::Result<void> directory_end() override { return {}; }
};

class TextUpload : public Upload {
public:
  explicit TextUpload(uint64_t limit) : limit_(limit) {}
  void write(std::span<const std::byte> data) override {
    text_.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  [[nodiscard]] uint64_t limit_bytes() const override { return limit_; }

protected:
  std::string text_;

private:
  uint64_t limit_;
};

class NarinfoUpload final : public TextUpload {
public:
  NarinfoUpload(Catalog& catalog, Blobs& blobs, DerivationCheck& derivations, const NixCacheOptions& options,
                std::string digest)
      : TextUpload(kMaxNarinfoBytes), catalog_(catalog), blobs_(blobs), derivations_(derivations), options_(options),
        digest_(std::move(digest)) {}
  Response finish() override {
    auto parsed = store::NarInfo::parse(text_, options_.info.store_dir);
    if (!parsed) refuse(parsed.error().describe("narinfo"));
    const store::NarInfo& narinfo = *parsed;
    if (narinfo.info.path.digest() != digest_)
      refuse("the narinfo is for " + narinfo.info.path.base_name() + ", not for " + digest_);
    const auto name = archive_of_url(narinfo.url);
    if (!name) refuse("the narinfo's URL must be nar/FILE, not \"" + narinfo.url + "\"");
    const auto blob = catalog_.find_archive(*name);
    if (!blob) refuse("upload " + narinfo.url + " before its narinfo");
    if ((narinfo.file_hash && *narinfo.file_hash != blob->hash) ||
        (narinfo.file_size_bytes && *narinfo.file_size_bytes != blob->size_bytes))
      refuse("FileHash or FileSize is not that of the stored " + narinfo.url);
    if (!options_.trusted.empty())
      check(narinfo.info.verify_signatures(options_.trusted), narinfo.info.path.base_name());
    const bool is_derivation = narinfo.info.path.is_derivation(), readable = is_readable(narinfo.compression);
    if (is_derivation && !readable)
      refuse("a derivation must be readable here: compressed with zstd or xz, or not at all");
    const OpenBlob archive = open(*blob, *name);
    if (readable && !is_derivation) {
      UnseenNar nar;
      read_archive(archive, narinfo, nar);
    }
    derivations_.check(narinfo, archive); // reads a derivation
    catalog_.add_narinfo({.digest = digest_,
                          .path_name = std::string(narinfo.info.path.name()),
                          .archive = std::string(*name),
                          .nar_size_bytes = narinfo.info.nar_size_bytes,
                          .text = narinfo.to_string()});
    return text_response(http::status::created, "stored");
  }

private:
  OpenBlob open(const BlobId& blob, std::string_view name) {
    auto archive = blobs_.open(blob.hash);
    if (!archive) throw store::UserError("the blob of nar/" + std::string(name) + " is missing");
    return std::move(*archive);
  }

  Catalog& catalog_;
  Blobs& blobs_;
  DerivationCheck& derivations_;
  const NixCacheOptions& options_;
  std::string digest_;
};

class KeptText final : public TextUpload {
public:
  KeptText(Catalog& catalog, std::string url) : TextUpload(kMaxTextBytes), catalog_(catalog), url_(std::move(url)) {}
  Response finish() override {
    catalog_.add_text(url_, text_);
    return text_response(http::status::created, "stored");
  }

private:
  Catalog& catalog_;
  std::string url_;
};

[[noreturn]] void not_found(const std::string& what) { throw HttpError(http::status::not_found, what); }

} // namespace

NixCache::NixCache(Catalog& catalog, Blobs& blobs, const Access& access, NixCacheOptions options)
    : catalog_(catalog), blobs_(blobs), access_(access), options_(std::move(options)),
      derivations_(catalog, blobs, options_.info.store_dir) {}

void NixCache::add_routes(Router& router) {
  using enum http::verb;
  const auto authorised = [this](auto begin) -> UploadHandler {
    return [this, begin](const Request& request, const Captures& captures) {
      access_.require_write(request);
      return begin(request, captures);
    };
  };
  router.add(get, "/nix-cache-info", Runs::at_once, [this](const Request&, const Captures&) {
    return typed_response(options_.info.to_string(), "text/x-nix-cache-info");
  });
  router.add(get, "/{digest}.narinfo", Runs::at_once,
             [this](const Request&, const Captures& captures) { return get_narinfo(captures["digest"]); });
  router.add_upload(put, "/{digest}.narinfo", authorised([this](const Request&, const Captures& captures) {
                      return put_narinfo(captures["digest"]);
                    }));
  router.add(get, "/nar/{file}", Runs::at_once,
             [this](const Request&, const Captures& captures) { return get_archive(captures["file"]); });
  router.add_upload(put, "/nar/{file}", authorised([this](const Request&, const Captures& captures) {
                      return put_archive(captures["file"]);
                    }));
  for (const char* pattern : {"/{digest}.ls", "/log/{name}"}) {
    router.add(get, pattern, Runs::at_once,
               [this](const Request& request, const Captures&) { return get_text(request.path); });
    router.add_upload(put, pattern, authorised([this](const Request& request, const Captures& captures) {
                        if (const auto digest = captures["digest"]; !digest.empty() && !is_digest(digest))
                          not_found("nothing is served at " + request.path);
                        return put_text(request.path);
                      }));
  }
}

Response NixCache::get_narinfo(std::string_view digest) {
  auto text = catalog_.find_narinfo(digest);
  if (!text) not_found("no store path with digest " + std::string(digest));
  return typed_response(std::move(*text), "text/x-nix-narinfo");
}

Response NixCache::get_archive(std::string_view name) {
  const auto blob = catalog_.find_archive(name);
  if (!blob) not_found("no archive " + std::string(name));
  auto archive = blobs_.open(blob->hash);
  if (!archive) throw store::UserError("the blob of nar/" + std::string(name) + " is missing");
  Response response;
  response.content_type = "application/x-nix-nar";
  response.body = FileBody{.file = std::move(archive->file), .size_bytes = blob->size_bytes};
  response.headers = {{"Cache-Control", "public, max-age=31536000, immutable"}};
  response.etag = '"' + blob->hash.base16() + '"';
  return response;
}

Response NixCache::get_text(const std::string& url) {
  auto text = catalog_.find_text(url);
  if (!text) not_found("nothing is stored at " + url);
  return typed_response(std::move(*text), url.ends_with(".ls") ? "application/json" : "text/plain; charset=utf-8");
}

std::unique_ptr<Upload> NixCache::put_narinfo(std::string_view digest) {
  if (!is_digest(digest)) not_found("\"" + std::string(digest) + "\" is no digest of a store path");
  return std::make_unique<NarinfoUpload>(catalog_, blobs_, derivations_, options_, std::string(digest));
}

std::unique_ptr<Upload> NixCache::put_archive(std::string_view name) {
  if (!is_archive_name(name)) refuse("\"" + std::string(name) + "\" is no name of an archive");
  return std::make_unique<ArchiveUpload>(catalog_, blobs_, std::string(name), options_.max_nar_file_bytes);
}

std::unique_ptr<Upload> NixCache::put_text(const std::string& url) {
  if (url.size() > kMaxLogUrl) refuse("the name of the log is too long");
  return std::make_unique<KeptText>(catalog_, url);
}

} // namespace registry
