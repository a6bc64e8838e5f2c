#include "net/http_client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <set>
#include <thread>
#include <unordered_map>

#include "net/exchange.h"
#include "net/http_url.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace penstock::net {

namespace asio = boost::asio;

namespace {

constexpr int kResolverThreads = 4;
constexpr std::size_t kNamesMax = 1'000;  // looked up or waiting for it; beyond, a request fails as busy

}  // namespace

Result<ClientResponse> fetch(const ClientRequest& request) {
  try {
    auto url = parse_http_url(request.url);
    if (!url) return tl::unexpected<Error>(std::move(url.error()));
    auto tls = make_tls_client({});
    if (!tls) return tl::unexpected<Error>(std::move(tls.error()));
    asio::io_context context{1};
    const auto look_up = [](const std::string& host, const Exchange::Found& found) { found(look_up_now(host)); };
    Result<ClientResponse> answer = fail(Errc::internal, "the request ended without an answer");
    std::make_shared<Exchange>(Exchange::Means{context, *tls, look_up}, request, std::move(*url),
                               [&](Result<ClientResponse> result) { answer = std::move(result); })
        ->start();
    context.run();
    return answer;
  } catch (const std::exception& error) {
    return fail(Errc::unavailable, "the request to " + request.url + " failed: " + error.what());
  }
}

struct HttpClient::Impl {
  Impl(Loop& l, HttpClientOptions o, asio::ssl::context t) : loop(l), options(std::move(o)), tls(std::move(t)) {}

  // ---- on the loop's thread
  Loop& loop;
  std::unordered_map<std::uint64_t, Done> callers;
  std::uint64_t last_id = 0;

  // ---- on the client's thread
  HttpClientOptions options;
  asio::ssl::context tls;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::set<std::shared_ptr<Exchange>> exchanges;
  Resolver resolver{kResolverThreads, kNamesMax};  // before the context: its threads call into that
  std::thread thread;

  Exchange::Means means() {
    return {context, tls,
            [this](const std::string& host, Exchange::Found found) {
              resolver.look_up(host, [this, found = std::move(found)](Result<Resolver::Addresses> addresses) {
                asio::post(context, [found, addresses = std::move(addresses)] { found(addresses); });
              });
            },
            &options.rules};
  }

  /// `tell` may be called on the client's thread.
  void begin(const Make& make, const Exchange::Done& tell) {
    try {
      ClientRequest request = make();
      auto url = parse_http_url(request.url);
      if (!url) return tell(tl::unexpected<Error>(std::move(url.error())));
      auto place = std::make_shared<std::weak_ptr<Exchange>>();
      auto exchange = std::make_shared<Exchange>(means(), std::move(request), std::move(*url),
                                                 [this, place, tell](Result<ClientResponse> result) {
                                                   exchanges.erase(place->lock());
                                                   tell(std::move(result));
                                                 });
      *place = exchange;
      exchanges.insert(exchange);
      exchange->start();
    } catch (const std::exception& error) {
      tell(fail(Errc::unavailable, std::string("the request failed: ") + error.what()));
    }
  }
};

HttpClient::HttpClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->thread = std::thread([state = impl_.get()] { state->context.run(); });
}

Result<std::unique_ptr<HttpClient>> HttpClient::make(Loop& loop, HttpClientOptions options) {
  auto tls = make_tls_client(options.ca_file);
  if (!tls) return tl::unexpected<Error>(std::move(tls.error()));
  return std::unique_ptr<HttpClient>(new HttpClient(std::make_shared<Impl>(loop, std::move(options), std::move(*tls))));
}

HttpClient::~HttpClient() {
  impl_->context.stop();
  impl_->thread.join();
  impl_->callers.clear();
  impl_->exchanges.clear();
}

void HttpClient::send(Make make, Done done) {
  const std::uint64_t id = ++impl_->last_id;
  const bool full = impl_->callers.size() >= impl_->options.exchanges_max;
  impl_->callers.emplace(id, std::move(done));
  // Results reach the loop after this object may be gone, so they hold what they need weakly.
  const auto tell = [weak = std::weak_ptr<Impl>(impl_), &loop = impl_->loop, id](Result<ClientResponse> result) {
    loop.post([weak, id, result = std::move(result)] {
      const auto impl = weak.lock();
      const auto caller = impl ? impl->callers.extract(id) : decltype(impl->callers.extract(id)){};
      if (caller) caller.mapped()(result);
    });
  };
  if (full) {
    return tell(fail(Errc::busy,
                     "more than " + std::to_string(impl_->options.exchanges_max) + " requests are under way at once"));
  }
  asio::post(impl_->context, [state = impl_.get(), make = std::move(make), tell] { state->begin(make, tell); });
}

std::size_t HttpClient::in_flight() const {
  return impl_->callers.size();
}

void HttpClient::hurry(std::chrono::milliseconds within) {
  asio::post(impl_->context, [state = impl_.get(), within] {
    for (const auto& exchange : state->exchanges) exchange->hurry(within);
  });
}

}  // namespace penstock::net
