#pragma once

#include <cstddef>

namespace penstock::store {

/// A sync of one file waits for what the disk has been given of others. So whoever writes much hands it over a little
/// at a time: this tells the disk to write what was written to the file so far, and waits for it, whenever that is more
/// than a sync may have to wait for. It makes nothing durable.
class WritePace {
 public:
  void wrote(int file, std::size_t bytes);

 private:
  std::size_t ahead_ = 0;  // written and not given to the disk
};

/// SQLite's writes keep this pace from now on, on each thread.
void pace_sqlite();

}  // namespace penstock::store
