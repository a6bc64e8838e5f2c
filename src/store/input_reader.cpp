#include "store/input_reader.h"

#include <iterator>
#include <utility>

namespace penstock::store {

InputReader::InputReader(SqliteStore& tables) : tables_(tables), thread_([this] { run(); }) {}

InputReader::~InputReader() {
  {
    const std::scoped_lock lock(mutex_);
    leaving_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void InputReader::read(core::ReadInputs wanted, std::vector<core::JobInput> found, Store::OnInputs done) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back({std::move(wanted), std::move(found), std::move(done)});
  }
  wake_.notify_one();
}

void InputReader::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return leaving_ || !tasks_.empty(); });
    if (leaving_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    answer(task);
    lock.lock();
  }
}

void InputReader::answer(Task& task) {
  auto read = tables_.find_inputs(task.wanted);
  if (read) {
    std::move(task.found.begin(), task.found.end(), std::back_inserter(*read));
  }
  task.done(std::move(read));
}

}  // namespace penstock::store
