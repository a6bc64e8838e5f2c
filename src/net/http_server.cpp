#include "net/http_server.h"

#include "net/loop_impl.h"
#include "net/server.h"

namespace penstock::net {

struct HttpServer::Impl : Server {
  using Server::Server;
};

HttpServer::HttpServer(Loop& loop, HttpLimits limits, Handler handler, BodyLimit body_limit)
    : impl_(std::make_shared<Impl>(loop.impl().context, limits, std::move(handler), std::move(body_limit))) {}

HttpServer::~HttpServer() {
  impl_->stop_now();
}

Result<std::uint16_t> HttpServer::listen(const std::string& address, std::uint16_t port) {
  return impl_->listen(address, port);
}

void HttpServer::stop(std::function<void()> done) {
  impl_->stop(std::move(done));
}

void HttpServer::stop_now() {
  impl_->stop_now();
}

void HttpServer::hold(std::uint64_t ticket) {
  impl_->held_until = ticket;
}

void HttpServer::release(std::uint64_t ticket) {
  impl_->release(ticket);
}

const HttpCounts& HttpServer::counts() const {
  return impl_->counts;
}

void HttpServer::pass(const std::function<void()>& answer) {
  impl_->passing = true;
  answer();
  impl_->passing = false;
}

std::size_t HttpServer::connections() const {
  return impl_->count - impl_->refused;
}

}  // namespace penstock::net
