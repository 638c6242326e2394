// The server over the wire, with the Nix protocol on storage in memory.
#include "registry-server/http/error.hpp"
#include "registry-server/protocols/nix_cache.hpp"
#include "registry-server/protocols/web.hpp"
#include "registry-server/storage/folder_blobs.hpp"
#include "tests/registry-server/http_client.hpp"
#include "tests/registry-server/memory_storage.hpp"
#include "tests/registry-server/temporary_folder.hpp"
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>

using namespace registry;

namespace {

// Keeps what it gets, in order, up to a limit.
struct Kept {
  std::mutex mutex;
  std::string text KPKG_GUARDED_BY(mutex);
  std::atomic<int> begun = 0, finished = 0, gone = 0;
};

class KeepingUpload final : public Upload {
public:
  KeepingUpload(Kept& kept, uint64_t limit) : kept_(kept), limit_(limit) { ++kept_.begun; }
  ~KeepingUpload() override { ++kept_.gone; }
  void write(std::span<const std::byte> data) override {
    const std::lock_guard lock(kept_.mutex);
    kept_.text.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  Response finish() override {
    ++kept_.finished;
    return text_response(http::status::created, "kept");
  }
  uint64_t limit_bytes() const override { return limit_; }

private:
  Kept& kept_;
  uint64_t limit_;
};

constexpr uint64_t kLimit = uint64_t{8} << 20;

Router keeping(Kept& kept) {
  Router router;
  for (const http::verb method : {http::verb::put, http::verb::post, http::verb::patch})
    router.add_upload(method, "/kept", [&kept](const Request& request, const Captures&) -> std::unique_ptr<Upload> {
      if (!request.header("X-Refuse").empty()) throw HttpError(http::status::unauthorized, "not you");
      return std::make_unique<KeepingUpload>(kept, kLimit);
    });
  router.add(http::verb::get, "/text", Runs::on_pool, [](const Request&, const Captures&) {
    Response response = text_response(http::status::ok, "0123456789");
    response.etag = "\"v1\"";
    return response;
  });
  router.add(http::verb::get, "/fails", Runs::at_once,
             [](const Request&, const Captures&) -> Response { throw store::UserError("cannot read /srv/secret"); });
  return router;
}

std::string get(std::string_view path, std::string_view headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}
std::string put(std::string_view path, std::string_view body, std::string_view method = "PUT") {
  return std::string(method) + " " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}
bool has(const std::string& answer, std::string_view text) { return answer.find(text) != std::string::npos; }
bool is(const std::string& answer, int status) { return answer.starts_with("HTTP/1.1 " + std::to_string(status)); }

} // namespace

TEST_CASE("several requests on one connection, HEAD and parts among them") {
  Kept kept;
  RunningServer server(keeping(kept));
  Client client(server.port());
  CHECK(has(client.exchange(get("/text")), "\r\n\r\n0123456789"));
  const std::string head = client.exchange("HEAD /text HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(has(head, "Content-Length: 11"));
  CHECK(head.ends_with("\r\n\r\n"));
  const std::string part = client.exchange(get("/text", "Range: bytes=1-2\r\n"));
  CHECK(is(part, 206));
  CHECK(part.ends_with("\r\n\r\n12"));
  CHECK(is(client.exchange(get("/text", "Range: bytes=11-\r\n")), 416));
  CHECK(is(client.exchange(get("/text", "If-None-Match: \"v1\"\r\n")), 304));
  CHECK(is(client.exchange(get("/nothing")), 404));
  CHECK(has(client.exchange("DELETE /text HTTP/1.1\r\nHost: x\r\n\r\n"), "Allow: GET, HEAD"));
  const std::string failure = client.exchange(get("/fails"));
  CHECK(is(failure, 500));
  CHECK_FALSE(has(failure, "/srv"));
  client.send(get("/text") + get("/nothing")); // pipelined
  CHECK(is(client.receive(), 200));
  CHECK(is(client.receive(), 404));
}

TEST_CASE("bodies of PUT, POST and PATCH arrive whole and in order") {
  Kept kept;
  RunningServer server(keeping(kept));
  Client client(server.port());
  std::string body;
  for (int i = 0; body.size() < (size_t{5} << 20); ++i) body += std::to_string(i) + ' ';
  std::string expected;
  for (const char* method : {"PUT", "POST", "PATCH"}) {
    CHECK(is(client.exchange(put("/kept", body, method)), 201));
    expected += body;
  }
  CHECK(is(client.exchange(put("/kept", "")), 201));
  CHECK(is(client.exchange(
               "PUT /kept HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
           201));
  expected += "abcde";
  const std::lock_guard lock(kept.mutex);
  CHECK((kept.text == expected));
}

TEST_CASE("an upload beyond the limit is refused, announced or not") {
  Kept kept;
  RunningServer server(keeping(kept));
  Client announced(server.port());
  CHECK(is(announced.exchange("PUT /kept HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n"), 413));
  CHECK(announced.at_end());
  Client chunked(server.port());
  chunked.send("PUT /kept HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n900001\r\n" +
               std::string(0x900001, 'x'));
  CHECK(is(chunked.receive(), 413));
  CHECK(kept.finished == 0);
}

TEST_CASE("a refused upload is answered before its body is read, and the connection ends") {
  Kept kept;
  RunningServer server(keeping(kept));
  Client client(server.port());
  CHECK(is(client.exchange("PUT /kept HTTP/1.1\r\nHost: x\r\nX-Refuse: 1\r\nContent-Length: 1000\r\n\r\n"), 401));
  client.send(std::string(1000, 'x')); // is taken and thrown away, so that the answer is not
  CHECK(client.at_end());
  CHECK(kept.begun == 0);
}

TEST_CASE("a client that waits for 100 Continue is told to go on, or not") {
  Kept kept;
  RunningServer server(keeping(kept));
  Client client(server.port());
  const std::string header = "PUT /kept HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n";
  CHECK(is(client.exchange(header + "\r\n"), 100));
  CHECK(is(client.exchange("body"), 201));
  CHECK(is(client.exchange(header + "X-Refuse: 1\r\n\r\n"), 401));
}

TEST_CASE("malformed requests are answered with 400") {
  Kept kept;
  RunningServer server(keeping(kept));
  for (const char* request : {"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /../x HTTP/1.1\r\nHost: x\r\n\r\n",
                              "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"})
    CHECK(is(Client(server.port()).exchange(request), 400));
  CHECK(is(Client(server.port()).exchange("GET /text HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"), 400));
}

TEST_CASE("a client that goes in the middle of its upload leaves nothing") {
  const TemporaryFolder root;
  const TemporaryFolder token;
  store::replace_file(token.path / "token", "t\n");
  FolderBlobs blobs(root.path);
  MemoryCatalog catalog;
  const Access access(token.path / "token");
  NixCache cache(catalog, blobs, access, {});
  Router router;
  cache.add_routes(router);
  RunningServer server(std::move(router));
  {
    Client client(server.port());
    client.send("PUT /nar/half.nar HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nContent-Length: 3000000\r\n\r\n" +
                std::string(2'000'000, 'x'));
  }
  server.stop();
  CHECK_FALSE(catalog.find_archive("half.nar"));
  CHECK(std::filesystem::is_empty(root.path / "blobs"));
  CHECK(std::filesystem::is_empty(root.path / "incoming"));
}

TEST_CASE("while an upload is being written and checked, another client is answered") {
  struct Gate {
    std::mutex mutex;
    std::condition_variable_any changed;
    int writing KPKG_GUARDED_BY(mutex) = 0;
    bool open KPKG_GUARDED_BY(mutex) = false;
  } gate;
  struct SlowUpload final : Upload {
    explicit SlowUpload(Gate& its_gate) : gate_(its_gate) {}
    void pass() {
      const std::lock_guard lock(gate_.mutex);
      ++gate_.writing;
      gate_.changed.notify_all();
      while (!gate_.open) gate_.changed.wait(gate_.mutex);
    }
    void write(std::span<const std::byte>) override { pass(); }
    Response finish() override {
      pass();
      return text_response(http::status::created, "kept");
    }
    uint64_t limit_bytes() const override { return kLimit; }
    Gate& gate_;
  };
  Kept kept;
  Router router = keeping(kept);
  router.add_upload(http::verb::put, "/slow",
                    [&gate](const Request&, const Captures&) { return std::make_unique<SlowUpload>(gate); });
  router.add(http::verb::get, "/small", Runs::at_once,
             [](const Request&, const Captures&) { return text_response(http::status::ok, "small"); });
  RunningServer server(std::move(router));
  Client uploading(server.port());
  uploading.send(put("/slow", std::string(size_t{4} << 20, 'x')));
  {
    const std::lock_guard lock(gate.mutex);
    while (gate.writing == 0) gate.changed.wait(gate.mutex);
  }
  // The upload stands still until this answer is here: on one thread for both, it would never come.
  CHECK(is(Client(server.port()).exchange(get("/small")), 200));
  {
    const std::lock_guard lock(gate.mutex);
    CHECK(gate.writing == 1); // one chunk at a time
    gate.open = true;
    gate.changed.notify_all();
  }
  CHECK(is(uploading.receive(), 201));
}

TEST_CASE("stopping ends idle connections at once and lets requests finish") {
  Kept kept;
  RunningServer server(keeping(kept));
  Client idle(server.port());
  CHECK(is(idle.exchange(get("/text")), 200));
  server.stop();
  CHECK(idle.at_end());
}

TEST_CASE("what the Nix protocol stores is served, in parts too, and what it refuses is not") {
  const TemporaryFolder token;
  store::replace_file(token.path / "token", "t\n");
  MemoryBlobs blobs;
  MemoryCatalog catalog;
  const Access access(token.path / "token");
  NixCache cache(catalog, blobs, access, {});
  Router router;
  cache.add_routes(router);
  add_web_routes(router, catalog);
  RunningServer server(std::move(router));
  Client client(server.port());
  CHECK(is(client.exchange(put("/nar/x.nar", "0123456789")), 201));
  CHECK(is(client.exchange(put("/nar/x.nar", "0123456789")), 201));
  CHECK(is(client.exchange(put("/nar/x.nar", "other")), 409));
  CHECK(is(Client(server.port()).exchange(put("/nar/X", "x")), 400));
  CHECK(client.exchange(get("/nar/x.nar", "Range: bytes=-3\r\n")).ends_with("\r\n\r\n789"));
  CHECK(client.exchange(get("/nar/x.nar")).ends_with("\r\n\r\n0123456789"));
  const std::string narinfo = "/" + std::string(32, '0') + ".narinfo";
  CHECK(is(client.exchange(put(narinfo, "nonsense")), 400)); // its body was read: the connection goes on
  CHECK(is(client.exchange(get(narinfo)), 404));
  CHECK(is(client.exchange(put("/log/x", "a log")), 201));
  CHECK(client.exchange(get("/log/x")).ends_with("\r\n\r\na log"));
  CHECK(has(client.exchange(get("/")), "0 store paths"));
}
