#include "net/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace penstock::net {

Result<Resolver::Addresses> look_up_now(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return fail(Errc::unavailable, "cannot find " + host + ": " + ::gai_strerror(failed));
  Resolver::Addresses addresses;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (std::ranges::find(addresses, text) == addresses.end()) addresses.emplace_back(text);
  }
  ::freeaddrinfo(found);
  if (addresses.empty()) return fail(Errc::unavailable, "cannot find " + host + ": it has no address");
  return addresses;
}

struct Resolver::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::size_t names_max = 0;
  std::map<std::string, std::vector<Done>> asked;
  std::deque<std::string> queue;
  std::vector<std::thread> threads;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) return;
      const std::string host = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      const auto found = look_up_now(host);
      lock.lock();
      const auto waiting = asked.extract(host);
      lock.unlock();
      for (const Done& done : waiting.mapped()) done(found);
      lock.lock();
    }
  }
};

Resolver::Resolver(int threads, std::size_t names_max) : state_(std::make_unique<State>()) {
  state_->names_max = names_max;
  for (int i = 0; i < threads; ++i) state_->threads.emplace_back([state = state_.get()] { state->work(); });
}

Resolver::~Resolver() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void Resolver::look_up(const std::string& host, Done done) {
  {
    const std::scoped_lock lock(state_->mutex);
    const auto known = state_->asked.find(host);
    if (known != state_->asked.end()) return known->second.push_back(std::move(done));
    if (state_->asked.size() < state_->names_max) {
      state_->asked[host].push_back(std::move(done));
      state_->queue.push_back(host);
      state_->changed.notify_one();
      return;
    }
  }
  done(fail(Errc::busy, "cannot find " + host + ": too many names are being looked up"));
}

}  // namespace penstock::net
