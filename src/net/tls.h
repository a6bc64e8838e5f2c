#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "base/error.h"

namespace penstock::net {

// For this module's own files.

/// What a TLS client trusts: the system's authorities, and those in `ca_file` (PEM) besides, when it is not empty.
/// Errors: invalid (the file).
Result<boost::asio::ssl::context> make_tls_client(const std::string& ca_file);

}  // namespace penstock::net
