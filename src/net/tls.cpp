#include "net/tls.h"

namespace penstock::net {

namespace ssl = boost::asio::ssl;

Result<ssl::context> make_tls_client(const std::string& ca_file) {
  ssl::context context(ssl::context::tls_client);
  context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                      ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  context.set_verify_mode(ssl::verify_peer);
  boost::system::error_code ec;
  context.set_default_verify_paths(ec);  // a system without a store trusts nobody: every handshake then says so
  if (!ca_file.empty()) {
    context.load_verify_file(ca_file, ec);
    if (ec) return fail(Errc::invalid, "cannot read certificates (PEM) from " + ca_file + ": " + ec.message());
  }
  return context;
}

}  // namespace penstock::net
