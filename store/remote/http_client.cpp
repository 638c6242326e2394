#include "store/remote/http_client.hpp"
#include "store/remote/url.hpp"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <curl/curl.h>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace store {

namespace {

constexpr int kTries = 3;
constexpr size_t kMaxErrorBody = 2048;
constexpr int kMaxRedirects = 5;

void curl_global() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

bool is_transient(CURLcode code, long status) {
  switch (code) {
  case CURLE_OK: return status == 429 || status == 502 || status == 503 || status == 504;
  case CURLE_COULDNT_CONNECT:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_GOT_NOTHING:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_PARTIAL_FILE:
  case CURLE_OPERATION_TIMEDOUT: return true;
  default: return false;
  }
}

// The certificates that the user's environment names, by the variables that other clients know; null: the system's.
const char* certificates() {
  for (const char* name : {"NIX_SSL_CERT_FILE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    if (const char* file = std::getenv(name); file != nullptr && *file != '\0') return file;
  return nullptr;
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

} // namespace

struct HttpClient::Impl {
  CURL* curl = nullptr;
  curl_slist* headers = nullptr;
  Secret token;
  const std::atomic<bool>* cancel = nullptr;
  char error[CURL_ERROR_SIZE] = {};

  // Of the transfer under way.
  const ByteSink* sink = nullptr;
  std::optional<Error> sink_error;
  std::string error_body; // of an answer that is no success
  bool delivered = false; // the sink has seen bytes: no retry
  std::string_view upload;
  int upload_fd = -1;
  uint64_t upload_offset = 0, upload_size = 0;

  static size_t on_body(char* data, size_t one, size_t count, void* self_pointer) {
    auto& self = *static_cast<Impl*>(self_pointer);
    const size_t size = one * count;
    long status = 0;
    curl_easy_getinfo(self.curl, CURLINFO_RESPONSE_CODE, &status);
    if (!self.sink || (status != 200 && status != 0)) { // 0: file://
      self.error_body.append(data, std::min(size, kMaxErrorBody - std::min(kMaxErrorBody, self.error_body.size())));
      return size;
    }
    self.delivered = true;
    if (auto result = (*self.sink)(as_bytes({data, size})); !result) {
      self.sink_error = result.error();
      return 0;
    }
    return size;
  }

  static int on_progress(void* self_pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Impl*>(self_pointer)->cancel->load() ? 1 : 0;
  }

  static size_t on_upload(char* out, size_t one, size_t count, void* self_pointer) {
    auto& self = *static_cast<Impl*>(self_pointer);
    const size_t size = static_cast<size_t>(std::min<uint64_t>(one * count, self.upload_size - self.upload_offset));
    if (self.upload_fd >= 0) {
      const ssize_t got = ::pread(self.upload_fd, out, size, static_cast<off_t>(self.upload_offset));
      if (got < 0) return CURL_READFUNC_ABORT;
      self.upload_offset += static_cast<uint64_t>(got);
      return static_cast<size_t>(got);
    }
    self.upload.copy(out, size, static_cast<size_t>(self.upload_offset));
    self.upload_offset += size;
    return size;
  }

  static int on_seek(void* self_pointer, curl_off_t offset, int origin) {
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    static_cast<Impl*>(self_pointer)->upload_offset = static_cast<uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
  }

  void start(const std::string& url) {
    curl_easy_reset(curl);
    curl_slist_free_all(headers);
    headers = nullptr;
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (const char* file = certificates()) curl_easy_setopt(curl, CURLOPT_CAINFO, file);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "kpkg");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    if (cancel != nullptr) {
      curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
      curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    }
    if (!token.empty()) {
      curl_easy_setopt(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token.c_str());
    }
    sink = nullptr;
    sink_error.reset();
    error_body.clear();
    delivered = false;
    upload = {};
    upload_fd = -1;
    upload_offset = upload_size = 0;
  }

  void add_header(const std::string& header) { headers = curl_slist_append(headers, header.c_str()); }

  void set_upload(uint64_t size) {
    upload_size = size;
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, this);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, this);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 2000L);
  }

  // The status of an answer that came; throws where none did. Redirects are followed to https only, without the token.
  long perform(const std::string& method, const std::string& address) {
    std::string url = shown_url(address);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    for (int redirects = 0;; ++redirects) {
      const long status = perform_once(method, url);
      const char* target = nullptr;
      if (!is_redirect(status) || method == "PUT" ||
          curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == nullptr)
        return status;
      const std::string next{target};
      if (redirects == kMaxRedirects || !next.starts_with("https://"))
        throw HttpError(403,
                        method + " " + url + ": it redirects " +
                            (redirects == kMaxRedirects ? "too often" : "to " + shown_url(next)),
                        redirects == kMaxRedirects ? "" : "redirects are followed to https only");
      curl_easy_setopt(curl, CURLOPT_URL, next.c_str());
      curl_easy_setopt(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_NONE));
      curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, nullptr);
      url = shown_url(next);
    }
  }

  long perform_once(const std::string& method, const std::string& url) {
    for (int attempt = 1;; ++attempt) {
      error[0] = '\0';
      error_body.clear();
      upload_offset = 0;
      const CURLcode code = curl_easy_perform(curl);
      long status = 0;
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      if (sink_error) unwrap(Result<void>{std::unexpected(*sink_error)}, url);
      if (is_transient(code, status) && attempt < kTries && !delivered) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100 * attempt * attempt));
        continue;
      }
      if (url.starts_with("file:")) return code == CURLE_OK ? 200 : code == CURLE_FILE_COULDNT_READ_FILE ? 404 : 500;
      if (code == CURLE_ABORTED_BY_CALLBACK)
        throw UserError(UserErrorCode::interrupted, method + " " + url + ": interrupted");
      if (code == CURLE_FILESIZE_EXCEEDED)
        throw UserError(UserErrorCode::refused, method + " " + url + ": the answer is larger than was announced");
      if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        throw UserError(UserErrorCode::refused,
                        method + " " + url + ": " + (error[0] ? error : curl_easy_strerror(code)),
                        "the server does not prove who it is; SSL_CERT_FILE names certificates to trust besides the "
                        "system's");
      if (code != CURLE_OK)
        throw HttpError(0, method + " " + url + ": " + (error[0] ? error : curl_easy_strerror(code)),
                        code == CURLE_COULDNT_CONNECT ? "is the server running, and is the address right?" : "");
      return status;
    }
  }

  [[noreturn]] void refuse(const std::string& method, const std::string& address, long status) const {
    const std::string url = shown_url(address);
    const std::string text = token.redacted(error_body.substr(0, error_body.find('\n')));
    std::string hint;
    if (status == 401) hint = "give a token that the server knows: --token-file FILE or KPKG_TOKEN";
    throw HttpError(status,
                    method + " " + url + ": HTTP status " + std::to_string(status) + (text.empty() ? "" : ": " + text),
                    hint);
  }
};

HttpClient::HttpClient(Secret token) : impl_(std::make_unique<Impl>()) {
  curl_global();
  impl_->curl = curl_easy_init();
  if (!impl_->curl) throw UserError("libcurl does not start");
  if (std::ranges::any_of(token.reveal(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
    throw UserError("the token contains spaces or control characters", "a token file has the token in its first line");
  impl_->token = std::move(token);
}

void HttpClient::cancel_by(const std::atomic<bool>& flag) { impl_->cancel = &flag; }

HttpClient::~HttpClient() {
  curl_slist_free_all(impl_->headers);
  curl_easy_cleanup(impl_->curl);
}

std::optional<std::string> HttpClient::get(const std::string& url, size_t limit_bytes) {
  std::string body;
  const ByteSink sink = [&](Bytes data) -> Result<void> {
    if (body.size() + data.size() > limit_bytes)
      return std::unexpected(Error{.code = ErrorCode::limit,
                                   .message = "the answer is larger than " + std::to_string(limit_bytes) + " bytes"});
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  };
  impl_->start(url);
  impl_->sink = &sink;
  const long status = impl_->perform("GET", url);
  if (status == 404 || status == 403) return {};
  if (status != 200) impl_->refuse("GET", url, status);
  return body;
}

void HttpClient::get(const std::string& url, const ByteSink& sink, uint64_t limit_bytes) {
  uint64_t received = 0;
  const ByteSink limited = [&](Bytes data) -> Result<void> {
    if (data.size() > limit_bytes - received)
      return std::unexpected(
          Error{.code = ErrorCode::mismatch,
                .message = "it is larger than the " + std::to_string(limit_bytes) + " bytes that were announced"});
    received += data.size();
    return sink(data);
  };
  impl_->start(url);
  impl_->sink = &limited;
  curl_easy_setopt(impl_->curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(limit_bytes));
  const long status = impl_->perform("GET", url);
  if (status != 200) impl_->refuse("GET", url, status);
}

bool HttpClient::exists(const std::string& url) {
  impl_->start(url);
  curl_easy_setopt(impl_->curl, CURLOPT_NOBODY, 1L);
  const long status = impl_->perform("HEAD", url);
  if (status == 404 || status == 403) return false;
  if (status != 200) impl_->refuse("HEAD", url, status);
  return true;
}

void HttpClient::put(const std::string& url, std::string_view body, const std::string& content_type) {
  impl_->start(url);
  impl_->upload = body;
  impl_->set_upload(body.size());
  impl_->add_header("Content-Type: " + content_type);
  impl_->add_header("Expect:");
  const long status = impl_->perform("PUT", url);
  if (status < 200 || status > 299) impl_->refuse("PUT", url, status);
}

void HttpClient::put_file(const std::string& url, int fd, uint64_t size_bytes) {
  impl_->start(url);
  impl_->upload_fd = fd;
  impl_->set_upload(size_bytes);
  impl_->add_header("Content-Type: application/x-nix-nar");
  const long status = impl_->perform("PUT", url);
  if (status < 200 || status > 299) impl_->refuse("PUT", url, status);
}

} // namespace store
