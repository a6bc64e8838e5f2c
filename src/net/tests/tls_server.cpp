#include "net/tests/tls_server.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>
#include <thread>

#include "net/http_url.h"

namespace penstock::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, decltype([](T* one) { Free(one); })>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;

void require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(std::string("test certificate: ") + what);
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
  X509_EXTENSION_free(extension);
}

/// `issuer` null: it signs itself and may sign others.
Certificate certify(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, const std::string& subject) {
  Certificate made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), issuer ? 2 : 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3'600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3'600);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* signer = issuer ? issuer : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
  if (issuer) {
    extend(made.get(), signer, NID_subject_alt_name, subject);
  } else {
    extend(made.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
  }
  require(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0, "cannot be signed");
  return made;
}

}  // namespace

struct TlsServer::Impl {
  asio::io_context context{1};
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{context, {asio::ip::make_address("127.0.0.1"), 0}};
  std::string ca_file = "/tmp/penstock-test-ca-XXXXXX";
  std::thread thread;

  explicit Impl(const std::string& name) {
    const Key ca_key(EVP_EC_gen("P-256"));
    const Key key(EVP_EC_gen("P-256"));
    const Certificate ca = certify("test authority", ca_key.get(), nullptr, ca_key.get(), {});
    const Certificate certificate =
        certify("test server", key.get(), ca.get(), ca_key.get(), (is_address(name) ? "IP:" : "DNS:") + name);
    SSL_CTX_use_certificate(tls.native_handle(), certificate.get());
    SSL_CTX_use_PrivateKey(tls.native_handle(), key.get());
    const int file = ::mkstemp(ca_file.data());
    FILE* stream = ::fdopen(file, "w");
    require(stream && PEM_write_X509(stream, ca.get()) == 1, "cannot be written");
    ::fclose(stream);
    thread = std::thread([this] { serve(); });
  }

  ~Impl() {
    // Whoever waits in accept() is woken up by a connection, and sees that it was the last one.
    stopping = true;
    boost::system::error_code ignored;
    tcp::socket last(context);
    last.connect(acceptor.local_endpoint(), ignored);
    thread.join();
    ::unlink(ca_file.c_str());
  }

  void serve() {
    while (true) {
      boost::system::error_code ec;
      asio::ssl::stream<tcp::socket> stream(acceptor.accept(), tls);
      if (stopping) return;
      stream.handshake(asio::ssl::stream_base::server, ec);
      if (ec) continue;
      const char* asked = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      boost::beast::flat_buffer buffer;
      http::request<http::string_body> request;
      http::read(stream, buffer, request, ec);
      if (ec) continue;
      http::response<http::string_body> answer(http::status::ok, 11);
      answer.body() = std::string(asked ? asked : "(none)") + " " + request.body();
      answer.prepare_payload();
      http::write(stream, answer, ec);
      stream.shutdown(ec);
    }
  }

  std::atomic<bool> stopping = false;
};

TlsServer::TlsServer(const std::string& name) : impl_(std::make_unique<Impl>(name)) {}
TlsServer::~TlsServer() = default;

std::uint16_t TlsServer::port() const {
  return impl_->acceptor.local_endpoint().port();
}
const std::string& TlsServer::ca_file() const {
  return impl_->ca_file;
}

}  // namespace penstock::net
