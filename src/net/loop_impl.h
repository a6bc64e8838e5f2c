#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <list>

#include "net/loop.h"

namespace penstock::net {

struct Loop::Impl {
  boost::asio::io_context context{1};  // one thread runs it; other threads may still post
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  std::list<boost::asio::signal_set> signals;
};

}  // namespace penstock::net
