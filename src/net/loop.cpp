#include "net/loop.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/loop_impl.h"

namespace penstock::net {

namespace asio = boost::asio;
using boost::system::error_code;

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->context.run();
}

void Loop::stop() {
  impl_->context.stop();
}

void Loop::post(std::function<void()> work) {
  asio::post(impl_->context, std::move(work));
}

namespace {

void await_signal(asio::signal_set& signals, std::shared_ptr<std::function<void(int)>> work) {
  signals.async_wait([&signals, work = std::move(work)](error_code ec, int number) {
    if (ec) return;
    (*work)(number);
    await_signal(signals, work);
  });
}

}  // namespace

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> work) {
  asio::signal_set& set = impl_->signals.emplace_back(impl_->context);
  for (const int number : signals) set.add(number);
  await_signal(set, std::make_shared<std::function<void(int)>>(std::move(work)));
}

struct Loop::Timer::Impl {
  explicit Impl(asio::io_context& context) : timer(context) {}

  asio::steady_timer timer;
  std::function<void()> work;
  // Cancelling the timer cannot stop a call that is already queued, so each one knows for which set() it is.
  std::uint64_t generation = 0;
};

Loop::Timer::Timer(Loop& loop) : impl_(std::make_shared<Impl>(loop.impl().context)) {}

Loop::Timer::~Timer() {
  cancel();
}

void Loop::Timer::set(std::chrono::milliseconds delay, std::function<void()> work) {
  impl_->work = std::move(work);
  const std::uint64_t generation = ++impl_->generation;
  impl_->timer.expires_after(delay);
  impl_->timer.async_wait([impl = impl_, generation](error_code ec) {
    if (ec || generation != impl->generation) return;
    const std::function<void()> call = std::exchange(impl->work, nullptr);
    call();
  });
}

void Loop::Timer::cancel() {
  ++impl_->generation;
  impl_->work = nullptr;
  impl_->timer.cancel();
}

}  // namespace penstock::net
