#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace penstock::net {

/// A TLS server on 127.0.0.1 with a certificate for `name` (a host name or an address) that its own authority signed.
/// It answers each request with 200 and what it saw: the server name of the handshake, a space, and the request's body.
class TlsServer {
 public:
  explicit TlsServer(const std::string& name);
  ~TlsServer();

  std::uint16_t port() const;
  /// A file with the authority's certificate, as long as this lives.
  const std::string& ca_file() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
