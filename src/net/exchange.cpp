#include "net/exchange.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace penstock::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

// Once the status is known, this much more time for the rest of an answer that may be cut.
constexpr std::chrono::milliseconds kRestOfAnswer{2'000};
constexpr std::uint32_t kHeadBytesMax = 64 * 1024;

}  // namespace

Exchange::Exchange(const Means& means, ClientRequest request, HttpUrl url, Done done)
    : means_(means),
      request_(std::move(request)),
      url_(std::move(url)),
      done_(std::move(done)),
      last_moment_(Clock::now() + request_.timeout),
      timer_(means.context),
      socket_(means.context) {
  message_.version(11);
  message_.method_string(request_.method);
  message_.target(url_.target);
  message_.set(http::field::host, url_.authority);
  message_.set(http::field::connection, "close");
  for (const auto& [name, value] : request_.headers) message_.insert(name, value);
  message_.body() = std::move(request_.body);
  message_.prepare_payload();
}

void Exchange::start() {
  set_deadline(std::min(last_moment_, Clock::now() + request_.connect_timeout));
  if (is_address(url_.host)) return found(std::vector<std::string>{url_.host});
  means_.look_up(url_.host, [self = shared_from_this()](Result<std::vector<std::string>> addresses) {
    if (self->done_) self->found(std::move(addresses));
  });
}

void Exchange::hurry(std::chrono::milliseconds within) {
  last_moment_ = std::min(last_moment_, Clock::now() + within);
  if (timer_.expiry() > last_moment_) set_deadline(last_moment_);
}

void Exchange::set_deadline(Clock::time_point at) {
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec || !self->done_) return;
    if (self->has_status_ && self->request_.may_cut_answer) return self->succeed();
    self->end(fail(Errc::unavailable, std::string(self->doing_) + " " + self->url_.authority + " in time"));
  });
}

void Exchange::found(Result<std::vector<std::string>> addresses) {
  if (!addresses) return end(tl::unexpected<Error>(addresses.error()));
  std::string refusal;
  for (std::string& address : *addresses) {
    auto refused = means_.rules ? means_.rules->refusal(address) : std::nullopt;
    if (refused) {
      refusal = *refused;
    } else {
      addresses_.push_back(std::move(address));
    }
  }
  if (addresses_.empty()) return end(fail(Errc::forbidden, url_.authority + " may not be connected to: " + refusal));
  doing_ = "cannot connect to";
  connect(0);
}

/// Tries one address after the other.
void Exchange::connect(std::size_t next) {
  if (next == addresses_.size()) return give_up("cannot connect to", connect_error_);
  error_code ec;
  const tcp::endpoint place(asio::ip::make_address(addresses_[next], ec), url_.port);
  if (!ec) socket_.close(ec);
  socket_.async_connect(place, [self = shared_from_this(), next](error_code result) {
    if (!self->done_) return;
    if (result) {
      self->connect_error_ = result;
      return self->connect(next + 1);
    }
    error_code ignored;
    self->socket_.set_option(tcp::no_delay(true), ignored);
    self->shake_hands();
  });
}

void Exchange::shake_hands() {
  if (!url_.tls) return send();
  doing_ = "no TLS connection to";
  tls_.emplace(socket_, means_.tls);
  if (!is_address(url_.host)) SSL_set_tlsext_host_name(tls_->native_handle(), url_.host.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification(url_.host));
  tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code ec) {
    if (!self->done_) return;
    if (ec) {
      return self->end(
          fail(Errc::unavailable, "no TLS connection to " + self->url_.authority + ": " + self->tls_reason(ec)));
    }
    self->send();
  });
}

std::string Exchange::tls_reason(error_code ec) {
  const long verdict = SSL_get_verify_result(tls_->native_handle());
  if (verdict == X509_V_OK) return ec.message();
  // What a verify callback refuses without a verdict of its own is the host name.
  if (verdict == X509_V_ERR_UNSPECIFIED || verdict == X509_V_ERR_HOSTNAME_MISMATCH) {
    return "its certificate is for another host";
  }
  return std::string("its certificate is not trusted: ") + X509_verify_cert_error_string(verdict);
}

void Exchange::send() {
  set_deadline(last_moment_);
  doing_ = "no answer from";
  // The answer is read even when sending failed: a server that refuses a large body answers before it has all of it.
  with_stream([this](auto& stream) {
    http::async_write(stream, message_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (!self->done_) return;
      self->write_error_ = ec;
      self->receive_head();
    });
  });
}

void Exchange::receive_head() {
  parser_.emplace();
  parser_->header_limit(kHeadBytesMax);
  parser_->body_limit(boost::none);  // counted here: see body_came
  parser_->skip(request_.method == "HEAD");
  with_stream([this](auto& stream) {
    http::async_read_header(stream, buffer_, *parser_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (!self->done_) return;
      if (ec) return self->give_up("lost the connection to", self->write_error_ ? self->write_error_ : ec);
      if (self->parser_->get().result_int() < 200) {
        if (--self->interim_left_ >= 0) return self->receive_head();
        return self->end(fail(Errc::unavailable, self->url_.authority + " sends interim answers without end"));
      }
      self->has_status_ = true;
      if (self->request_.may_cut_answer) {
        self->set_deadline(std::min(self->last_moment_, Clock::now() + kRestOfAnswer));
      }
      self->receive_body();
    });
  });
}

void Exchange::receive_body() {
  if (parser_->is_done()) return succeed();
  auto& body = parser_->get().body();
  body.data = piece_.data();
  body.size = piece_.size();
  body.more = true;
  with_stream([this](auto& stream) {
    http::async_read_some(stream, buffer_, *parser_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (self->done_) self->body_came(ec);
    });
  });
}

void Exchange::body_came(error_code ec) {
  body_.append(piece_.data(), piece_.size() - parser_->get().body().size);
  if (ec == http::error::need_buffer) ec = {};
  const bool cut = request_.may_cut_answer;
  if (body_.size() > request_.answer_bytes_max) {
    if (!cut) {
      return end(fail(Errc::too_large, "the answer of " + url_.authority + " is longer than " +
                                           std::to_string(request_.answer_bytes_max) + " bytes"));
    }
    body_.resize(request_.answer_bytes_max);
    return succeed();
  }
  if (ec && !cut) return give_up("lost the connection to", ec);
  if (ec || parser_->is_done()) return succeed();
  receive_body();
}

void Exchange::succeed() {
  end(ClientResponse{static_cast<int>(parser_->get().result_int()), std::move(body_)});
}

void Exchange::give_up(const std::string& what, error_code ec) {
  end(fail(Errc::unavailable, what + " " + url_.authority + ": " + ec.message()));
}

void Exchange::end(Result<ClientResponse> result) {
  const Done done = std::exchange(done_, nullptr);
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  done(std::move(result));
}

}  // namespace penstock::net
