// SPDX-License-Identifier: AGPL-3.0-or-later
// Connections: keep-alive, pipelining, hostile requests, slow and vanishing peers, shutdown, TLS.
#include <csignal>
#include <fstream>

#include <boost/asio/steady_timer.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>

#include "unit/views/server_fixture.hpp"

namespace kadenza::views {
namespace {

using std::chrono::milliseconds;

class Protocol : public ServerFixture {
 protected:
  unsigned status_of(std::string_view raw) {
    testing::HttpClient client(port());
    client.send(raw);
    const auto response = client.read_response();
    return response ? response->result_int() : 0;
  }

  /// Connections that the server counts as open, besides the one that asks.
  int open_connections() {
    const auto text = get("/metrics").body();
    const std::string name = "\nkadenza_http_connections ";
    return std::stoi(text.substr(text.find(name) + name.size())) - 1;
  }

  std::string big_song() {
    return "/api/v1/songs/" + library->add("Big", std::string(20'000'000, 'x')).text() + "/audio";
  }
};

TEST_F(Protocol, ConnectionsAreKept) {
  start();
  testing::HttpClient client(port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.exchange(request("GET", "/api/v1/totals")).result_int(), 200U);
  EXPECT_EQ(client.exchange(request("GET", "/healthz", "Connection: close\r\n"))["Connection"], "close");
  EXPECT_EQ(client.read_response(), std::nullopt);

  testing::HttpClient old(port());
  EXPECT_EQ(old.exchange("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")["Connection"],
            "keep-alive");
  old.exchange("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_response(), std::nullopt);
}

TEST_F(Protocol, PipelinedRequestsAreAnsweredInOrder) {
  start();
  testing::HttpClient client(port());
  const std::string body = "SONG\nTitle\nArtist\n\n";
  client.send(request("GET", "/api/v1/totals") +
              request("POST", "/api/v1/songs", "Content-Length: " + std::to_string(body.size()) + "\r\n") +
              body + "\r\n" + request("GET", "/healthz") +
              request("GET", "/nowhere", "Connection: close\r\n"));
  for (const unsigned expected : {200U, 201U, 200U, 404U})
    EXPECT_EQ(client.read_response()->result_int(), expected);
  EXPECT_EQ(client.read_response(), std::nullopt);
}

TEST_F(Protocol, HeadsMayArriveByteByByte) {
  start();
  testing::HttpClient client(port());
  for (const char byte : request("GET", "/healthz")) client.send({&byte, 1});
  EXPECT_EQ(client.read_response()->result_int(), 200U);
}

TEST_F(Protocol, HostileHeadsAreRefused) {
  start();
  const std::string post = "POST /api/v1/songs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer uploader\r\n";
  const std::pair<std::string, unsigned> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
      {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"\x16\x03\x01\x02\x00\r\n\r\n", 400},
      {post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {post + "Content-Length: -1\r\n\r\n", 400},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {post + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
      {"POST /api/v1/songs HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
  };
  for (const auto& [raw, status] : cases) EXPECT_EQ(status_of(raw), status) << raw.substr(0, 120);
  EXPECT_EQ(get("/healthz").result_int(), 200U);
}

TEST_F(Protocol, SlowHeadsAreDroppedWithAnAnswer) {
  options.timeouts.header = milliseconds(100);
  start();
  testing::HttpClient client(port());
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read_response()->result_int(), 408U);
  EXPECT_EQ(client.read_response(), std::nullopt);
}

TEST_F(Protocol, IdleConnectionsAreDropped) {
  options.timeouts.idle = milliseconds(100);
  start();
  testing::HttpClient client(port());
  EXPECT_EQ(client.read_response(), std::nullopt);
}

TEST_F(Protocol, StuckUploadsEndWithAnAnswer) {
  options.timeouts.body = milliseconds(100);
  start();
  testing::HttpClient client(port());
  client.send(request("POST", "/api/v1/songs", "Content-Length: 1000\r\n") + "SONG\n");
  const auto response = client.read_response();
  EXPECT_EQ(response->result_int(), 408U);
  EXPECT_TRUE(eventually([&] { return library->uploads_alive == 0; }));
}

TEST_F(Protocol, StoppedReadersAreDroppedAndSlowOnesServed) {
  options.timeouts.write = milliseconds(500);
  const auto path = big_song();
  start();
  testing::HttpClient stopped(port(), {.receive_buffer = 64 * 1024});
  stopped.send(request("GET", path));
  testing::HttpClient slow(port(), {.receive_buffer = 64 * 1024});
  slow.send(request("GET", path, "Connection: close\r\n"));
  // The slow one takes a little at a time, for longer than the time that nothing may move.
  std::size_t got = 0;
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < milliseconds(2000) || open_connections() > 1) {
    ASSERT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
    char bytes[2000];
    const auto count = recv(slow.fd(), bytes, sizeof bytes, 0);
    ASSERT_GT(count, 0);
    got += static_cast<std::size_t>(count);
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_GT(got + slow.receive_all().size(), 20'000'000U);
}

TEST_F(Protocol, VanishingPeersLeaveNothingBehind) {
  const auto path = big_song();
  start();
  for (int i = 0; i < 20; ++i) {
    testing::HttpClient upload(port());
    upload.send(request("POST", "/api/v1/songs", "Content-Length: 100000000\r\n") +
                std::string(100'000, 'x'));
    upload.reset();
    testing::HttpClient download(port(), {.receive_buffer = 4096});
    download.send(request("GET", path));
    if (i % 2) download.receive();
    download.reset();
    testing::HttpClient silent(port());
  }
  EXPECT_TRUE(eventually([&] { return open_connections() == 0 && library->uploads_alive == 0; }));
}

TEST_F(Protocol, ConnectionsAreLimited) {
  options.limits.connections_per_address = 2;
  start();
  testing::HttpClient first(port()), second(port());
  first.exchange(request("GET", "/healthz"));
  second.exchange(request("GET", "/healthz"));
  testing::HttpClient third(port());
  const auto refused = third.read_response();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->result_int(), 503U);
  EXPECT_EQ(code(*refused), "unavailable");
  first.reset();
  EXPECT_TRUE(eventually([&] {
    testing::HttpClient again(port());
    again.send(request("GET", "/healthz"));
    const auto response = again.read_response();
    return response && response->result_int() == 200;
  }));
}

TEST_F(Protocol, StoppingLetsRequestsFinishAndClosesIdleConnections) {
  const auto path = big_song();
  start();
  testing::HttpClient idle(port());
  idle.exchange(request("GET", "/healthz"));
  testing::HttpClient streaming(port(), {.receive_buffer = 4096});
  streaming.send(request("GET", path));
  auto received = streaming.receive();
  auto stopped = stop();
  EXPECT_EQ(idle.read_response(), std::nullopt);
  EXPECT_EQ(stopped.wait_for(milliseconds(50)), std::future_status::timeout);
  EXPECT_GT(received.size() + streaming.receive_all().size(), 20'000'000U);
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_THROW(testing::HttpClient(port()).exchange(request("GET", "/healthz")), std::runtime_error);
}

TEST_F(Protocol, StoppingCutsOffWhatTakesTooLong) {
  options.timeouts.shutdown = milliseconds(100);
  const auto path = big_song();
  library->delay = [this]() -> core::Task<void> {
    boost::asio::steady_timer timer(context, std::chrono::hours(1));
    co_await timer.async_wait(boost::asio::use_awaitable);
  };
  start();
  testing::HttpClient waiting(port());
  waiting.send(request("GET", "/api/v1/totals"));
  testing::HttpClient upload(port());
  upload.send(request("POST", "/api/v1/session", "Content-Length: 100\r\n") + "{");
  ASSERT_TRUE(eventually([&] {
    int pending = 0;
    return ioctl(waiting.fd(), FIONREAD, &pending) == 0;
  }));
  EXPECT_EQ(stop().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(Protocol, ListensOnSeveralAddresses) {
  options.listen = {{"127.0.0.1", 0, false}, {"127.0.0.1", 0, false}};
  start();
  ASSERT_EQ(server->addresses().size(), 2U);
  for (const auto& address : server->addresses()) {
    EXPECT_EQ(testing::HttpClient(address.port).exchange(request("GET", "/healthz")).result_int(), 200U);
    EXPECT_EQ(address.url(), "http://127.0.0.1:" + std::to_string(address.port));
  }
}

TEST_F(Protocol, SaysWhyItCannotListen) {
  start();
  HttpOptions taken;
  taken.listen = {{"127.0.0.1", port(), false}};
  HttpServer second(context.get_executor(),
                    {*library, accounts, clock, std::make_shared<prometheus::Registry>(), nullptr}, taken);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().detail.find("Address already in use"), std::string::npos)
      << started.error().detail;
}

/// A certificate of its own, with a name to tell it from another.
void write_certificate(const TlsFiles& files, const char* name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  auto* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  FILE* out = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  out = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

class Tls : public Protocol {
 protected:
  Tls() {
    options.listen = {{"127.0.0.1", 0, true}};
    options.tls = TlsFiles{folder.path() / "certificate.pem", folder.path() / "key.pem"};
    write_certificate(*options.tls, "first");
  }
  testing::TemporaryFolder folder;
};

TEST_F(Tls, ServesSongsAndTakesUploads) {
  std::string bytes(5'000'000, 'x');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 >> 3);
  const auto path = "/api/v1/songs/" + library->add("Title", bytes).text() + "/audio";
  start();
  testing::HttpClient client(port(), {.tls = true});
  EXPECT_EQ(client.tls_version(), "TLSv1.3");
  EXPECT_TRUE(client.exchange(request("GET", path)).body() == bytes);
  EXPECT_EQ(client.exchange(request("GET", path, "Range: bytes=16380-16390\r\n")).body(),
            bytes.substr(16380, 11));
  const auto body = "SONG\nTitle\nOther\n\n" + bytes;
  EXPECT_EQ(client
                .exchange(request("POST", "/api/v1/songs",
                                  "Content-Length: " + std::to_string(body.size()) + "\r\n") +
                          body)
                .result_int(),
            201U);
  EXPECT_EQ(testing::HttpClient(port(), {.tls = true, .tls_version = TLS1_2_VERSION}).tls_version(),
            "TLSv1.2");
}

TEST_F(Tls, SlowReadersGetEveryByte) {
  std::string bytes(3'000'000, 'x');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 >> 3);
  const auto path = "/api/v1/songs/" + library->add("Title", bytes).text() + "/audio";
  start();
  testing::HttpClient client(port(), {.tls = true, .receive_buffer = 4096});
  EXPECT_TRUE(client.exchange(request("GET", path)).body() == bytes);
}

TEST_F(Tls, PlainRequestsAndHalfHandshakesAreDropped) {
  options.timeouts.header = milliseconds(200);
  start();
  testing::HttpClient plain(port());
  plain.send(request("GET", "/healthz"));
  plain.receive_all();
  testing::HttpClient silent(port());
  silent.receive_all();
}

TEST_F(Tls, ChangedCertificatesAreTakenUp) {
  start();
  const auto name = [&] {
    testing::HttpClient client(port(), {.tls = true});
    return client.peer_name();
  };
  EXPECT_EQ(name(), "first");
  write_certificate(*options.tls, "second");
  ASSERT_TRUE(server->reload_tls());
  EXPECT_EQ(name(), "second");
  std::ofstream(options.tls->certificate) << "junk";
  EXPECT_FALSE(server->reload_tls());
  EXPECT_EQ(name(), "second");
}

}  // namespace
}  // namespace kadenza::views
