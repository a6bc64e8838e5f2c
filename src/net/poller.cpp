#include "net/poller.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace penstock::net {

Poller::Poller(boost::asio::io_context& context) : epoll_(context) {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  ENSURE(descriptor >= 0);
  epoll_.assign(descriptor);
}

void Poller::close() {
  boost::system::error_code ignored;
  epoll_.close(ignored);
  untold_ = {};
}

boost::system::error_code Poller::watch(int descriptor, Watcher& watcher) {
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wanted.data.ptr = &watcher;
  const bool done = ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor, &wanted) == 0;
  return {done ? 0 : errno, boost::system::system_category()};
}

void Poller::forget(int descriptor, const Watcher& watcher) {
  if (epoll_.is_open()) ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
  for (epoll_event& event : untold_) {
    if (event.data.ptr == &watcher) event.data.ptr = nullptr;
  }
}

void Poller::start(std::shared_ptr<void> alive) {
  epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this, alive = std::move(alive)](boost::system::error_code ec) mutable {
                      if (ec || !epoll_.is_open()) return;
                      look();
                      if (epoll_.is_open()) start(std::move(alive));
                    });
}

void Poller::look() {
  const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
  untold_ = std::span(events_).first(static_cast<std::size_t>(std::max(count, 0)));
  while (!untold_.empty()) {
    const epoll_event event = untold_.front();
    untold_ = untold_.subspan(1);
    if (event.data.ptr == nullptr) continue;
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    static_cast<Watcher*>(event.data.ptr)
        ->on_ready(ended || (event.events & EPOLLIN) != 0, (event.events & EPOLLOUT) != 0, ended);
  }
}

}  // namespace penstock::net
