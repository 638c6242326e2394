#include "registry-server/nix_cache.hpp"
#include "store/format/encoding.hpp"
#include "store/format/nar.hpp"
#include "store/local/local_store.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

namespace registry {

namespace {

constexpr uint64_t kMaxNarinfoBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxTextBytes = uint64_t{1} << 20;

bool is_digest(std::string_view text) {
  return text.size() == store::kStorePathDigestLength &&
         text.find_first_not_of(store::kNix32Alphabet) == std::string_view::npos;
}

// «/DIGEST.narinfo» → DIGEST.
std::optional<std::string_view> digest_before(std::string_view path, std::string_view suffix) {
  if (!path.starts_with('/') || !path.ends_with(suffix)) return {};
  path = path.substr(1, path.size() - 1 - suffix.size());
  return is_digest(path) ? std::optional(path) : std::nullopt;
}

// «/nar/FILE» → FILE.
std::optional<std::string_view> nar_file_name(std::string_view path) {
  constexpr std::string_view prefix = "/nar/";
  if (!path.starts_with(prefix)) return {};
  path.remove_prefix(prefix.size());
  if (path.empty() || path.size() > 128 || path.front() == '.') return {};
  const bool plain = std::ranges::all_of(
      path, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-'; });
  return plain ? std::optional(path) : std::nullopt;
}

bool is_text_url(std::string_view path) {
  if (digest_before(path, ".ls")) return true;
  constexpr std::string_view log = "/log/";
  return path.starts_with(log) && path.size() <= 300 && path.find('/', log.size()) == std::string_view::npos;
}

void check(const store::Result<void>& result, std::string_view subject) {
  if (!result) throw HttpError(http::status::bad_request, result.error().describe(subject));
}

// Streams an archive to incoming/ and hashes it on the way.
class NarUpload final : public Upload {
public:
  NarUpload(Repository& repository, std::string name, uint64_t limit)
      : repository_(repository), name_(std::move(name)), limit_(limit) {
    static std::atomic<uint64_t> counter = 0;
    file_ = repository_.incoming() / std::to_string(counter.fetch_add(1));
    fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd_ < 0) throw std::runtime_error("cannot create " + file_.string() + ": " + std::strerror(errno));
  }
  ~NarUpload() override {
    if (fd_ >= 0) ::close(fd_);
    if (!finished_) ::unlink(file_.c_str());
  }
  void write(std::span<const std::byte> data) override {
    hasher_.update(data);
    size_ += data.size();
    while (!data.empty()) {
      const ssize_t written = ::write(fd_, data.data(), data.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && (errno == ENOSPC || errno == EDQUOT))
        throw HttpError(http::status::insufficient_storage, "the registry's disk is full; nothing was stored");
      if (written < 0) throw std::runtime_error("cannot write " + file_.string() + ": " + std::strerror(errno));
      data = data.subspan(static_cast<size_t>(written));
    }
  }
  Response finish() override {
    if (::fsync(fd_) != 0) throw std::runtime_error("cannot sync " + file_.string() + ": " + std::strerror(errno));
    ::close(std::exchange(fd_, -1));
    const bool added = repository_.add_nar(name_, file_, hasher_.finish(), size_);
    finished_ = true;
    if (!added) throw HttpError(http::status::conflict, "nar/" + name_ + " is already stored with other content");
    return text_response(http::status::created, "stored");
  }
  [[nodiscard]] uint64_t limit_bytes() const override { return limit_; }

private:
  Repository& repository_;
  std::string name_;
  uint64_t limit_;
  std::filesystem::path file_;
  int fd_ = -1;
  store::Hasher hasher_;
  uint64_t size_ = 0;
  bool finished_ = false;
};

// Reads a stored archive, decompressed, through the NAR reader and a hash.
void check_nar_content(const StoredNar& nar, const store::NarInfo& narinfo) {
  struct Ignore final : store::NarVisitor {
    store::Result<void> file_begin(std::string_view, bool, uint64_t) override { return {}; }
    store::Result<void> file_data(store::Bytes) override { return {}; }
    store::Result<void> file_end() override { return {}; }
    store::Result<void> symlink(std::string_view, std::string_view) override { return {}; }
    store::Result<void> directory_begin(std::string_view) override { return {}; }
    store::Result<void> directory_end() override { return {}; }
  } ignore;
  store::NarReader reader(ignore);
  store::Hasher hasher;
  const std::string subject = "NAR of " + narinfo.info.path.base_name();
  const auto consume = [&](store::Bytes data) {
    if (hasher.size_bytes() + data.size() > narinfo.info.nar_size_bytes)
      throw HttpError(http::status::bad_request, subject + ": it is longer than NarSize says");
    check(reader.feed(data), subject);
    hasher.update(data);
  };

  struct File {
    int fd;
    ~File() { ::close(fd); }
  } file{::open(nar.file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) throw std::runtime_error("cannot open " + nar.file.string());
  std::vector<std::byte> buffer(size_t{1} << 18), out(ZSTD_DStreamOutSize());
  const bool compressed = narinfo.compression == "zstd";
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(compressed ? ZSTD_createDStream() : nullptr,
                                                                        ZSTD_freeDStream);
  size_t pending = 0; // zstd's word on whether a frame is still open
  while (true) {
    const ssize_t size = ::read(file.fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw std::runtime_error("cannot read " + nar.file.string() + ": " + std::strerror(errno));
    if (size == 0) break;
    const store::Bytes data = std::span(buffer).first(static_cast<size_t>(size));
    if (!compressed) {
      consume(data);
      continue;
    }
    ZSTD_inBuffer input{data.data(), data.size(), 0};
    while (input.pos < input.size) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      pending = ZSTD_decompressStream(stream.get(), &output, &input);
      if (ZSTD_isError(pending))
        throw HttpError(http::status::bad_request, subject + ": zstd: " + ZSTD_getErrorName(pending));
      consume(std::span(out).first(output.pos));
    }
  }
  if (pending != 0) throw HttpError(http::status::bad_request, subject + ": the zstd stream is truncated");
  check(reader.finish(), subject);
  const uint64_t size = hasher.size_bytes();
  if (size != narinfo.info.nar_size_bytes || hasher.finish() != narinfo.info.nar_hash)
    throw HttpError(http::status::bad_request,
                    subject + ": it does not have the NarHash and NarSize that the narinfo claims");
}

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
  NarinfoUpload(Repository& repository, const NixCacheOptions& options, std::string digest)
      : TextUpload(kMaxNarinfoBytes), repository_(repository), options_(options), digest_(std::move(digest)) {}
  Response finish() override {
    const auto bad = [](std::string text) -> HttpError { return {http::status::bad_request, std::move(text)}; };
    auto parsed = store::NarInfo::parse(text_, options_.info.store_dir);
    if (!parsed) throw bad(parsed.error().describe("narinfo"));
    const store::NarInfo& narinfo = *parsed;
    if (narinfo.info.path.digest() != digest_)
      throw bad("the narinfo is for " + narinfo.info.path.base_name() + ", not for " + digest_);
    const std::string nar_url = "/" + narinfo.url; // outlives the view into it
    const auto name = nar_file_name(nar_url);
    if (!name) throw bad("the narinfo's URL must be nar/FILE, not \"" + narinfo.url + "\"");
    const auto nar = repository_.find_nar(*name);
    if (!nar) throw bad("upload " + narinfo.url + " before its narinfo");
    if ((narinfo.file_hash && *narinfo.file_hash != nar->file_hash) ||
        (narinfo.file_size_bytes && *narinfo.file_size_bytes != nar->size_bytes))
      throw bad("FileHash or FileSize is not that of the stored " + narinfo.url);
    if (!options_.trusted.empty())
      check(narinfo.info.verify_signatures(options_.trusted), narinfo.info.path.base_name());
    if (narinfo.compression == "none" || narinfo.compression == "zstd") check_nar_content(*nar, narinfo);
    repository_.add_narinfo(narinfo, *name);
    return text_response(http::status::created, "stored");
  }

private:
  Repository& repository_;
  const NixCacheOptions& options_;
  std::string digest_;
};

class KeptText final : public TextUpload {
public:
  KeptText(Repository& repository, std::string url)
      : TextUpload(kMaxTextBytes), repository_(repository), url_(std::move(url)) {}
  Response finish() override {
    repository_.add_text(url_, text_);
    return text_response(http::status::created, "stored");
  }

private:
  Repository& repository_;
  std::string url_;
};

Response with_type(std::string body, std::string type) {
  return Response{.content_type = std::move(type), .body = std::move(body), .headers = {}};
}

} // namespace

NixCache::NixCache(Repository& repository, const Access& access, NixCacheOptions options)
    : repository_(repository), access_(access), options_(std::move(options)) {}

bool NixCache::handles(const Request& request) const {
  const std::string_view path = request.path;
  return path == "/nix-cache-info" || path.starts_with("/nar/") || digest_before(path, ".narinfo") || is_text_url(path);
}

Response NixCache::get(const Request& request) {
  if (request.path == "/nix-cache-info") return with_type(options_.info.to_string(), "text/x-nix-cache-info");
  if (const auto digest = digest_before(request.path, ".narinfo")) {
    if (auto text = repository_.find_narinfo(*digest)) return with_type(std::move(*text), "text/x-nix-narinfo");
    return text_response(http::status::not_found, "no store path with digest " + std::string(*digest));
  }
  if (const auto name = nar_file_name(request.path)) {
    if (const auto nar = repository_.find_nar(*name))
      return Response{.content_type = "application/x-nix-nar",
                      .body = FileBody{nar->file, nar->size_bytes},
                      .headers = {{"Cache-Control", "public, max-age=31536000, immutable"}}};
    return text_response(http::status::not_found, "no archive " + std::string(*name));
  }
  if (auto text = repository_.find_text(request.path))
    return with_type(std::move(*text),
                     request.path.ends_with(".ls") ? "application/json" : "text/plain; charset=utf-8");
  return text_response(http::status::not_found, "nothing is stored at " + request.path);
}

std::unique_ptr<Upload> NixCache::upload(const Request& request) {
  if (request.method != http::verb::put) throw HttpError(http::status::method_not_allowed, "use PUT to upload");
  access_.require_write(request);
  if (const auto digest = digest_before(request.path, ".narinfo"))
    return std::make_unique<NarinfoUpload>(repository_, options_, std::string(*digest));
  if (const auto name = nar_file_name(request.path))
    return std::make_unique<NarUpload>(repository_, std::string(*name), options_.max_nar_file_bytes);
  if (is_text_url(request.path)) return std::make_unique<KeptText>(repository_, request.path);
  throw HttpError(http::status::bad_request, "nothing can be uploaded to " + request.path);
}

} // namespace registry
