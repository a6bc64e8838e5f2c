#pragma once

#include <string>

namespace penstock::server {

struct DoctorOptions {
  std::string data;  // empty: where `serve` looks
  bool repair = false;
  bool json = false;  // one JSON object on standard output
};

/// `penstock doctor`: says what a data directory holds and what is wrong with it, and repairs it when asked to. Refuses
/// while a server runs there. Returns the exit status of the process: 0 all is well or was repaired without loss, 1
/// there are problems or something was lost, 2 it could not look.
int doctor(const DoctorOptions& options);

}  // namespace penstock::server
