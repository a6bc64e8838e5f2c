#pragma once

#include <string>

#include "base/error.h"
#include "base/random.h"

namespace penstock::server {

/// The directory that holds all durable state, owned by one server at a time. Mode 0700.
class DataDir {
 public:
  /// Makes the directory if needed and locks it. `ephemeral`: a temporary one, removed by the destructor.
  /// Errors: unavailable (in use: by which process; not writable).
  static Result<DataDir> open(const std::string& path, bool ephemeral);
  /// Where it is when nobody says.
  static std::string default_path();

  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&&) = delete;
  ~DataDir();

  const std::string& path() const { return path_; }
  std::string database() const { return path_ + "/penstock.db"; }
  std::string decisions() const { return path_ + "/decisions.db"; }
  std::string log() const { return path_ + "/log"; }
  std::string logs() const { return path_ + "/logs"; }
  std::string spool() const { return path_ + "/spool"; }
  std::string volumes() const { return path_ + "/volumes"; }

  /// The 32 secret bytes that worker keys are derived from, made at first use (file `secret`, mode 0600).
  Result<std::string> secret(Random& random) const;

  /// The 32 bytes that seal what users keep secret, made at first use (file `vault.key`, mode 0600). An ephemeral
  /// directory has no such file: its key dies with the process.
  Result<std::string> vault_key(Random& random) const;

  /// The port taken at the last start, so that a server that asks for a free one comes back where its workers look for
  /// it. 0: none yet.
  int last_port() const;
  void remember_port(int port) const;

 private:
  DataDir(std::string path, int lock, bool ephemeral) : path_(std::move(path)), lock_(lock), ephemeral_(ephemeral) {}

  /// 32 random bytes in a file; `hint` says what else may be done when it is damaged.
  Result<std::string> key_in(const std::string& name, Random& random, const std::string& hint) const;

  std::string path_;
  int lock_ = -1;
  bool ephemeral_ = false;
};

}  // namespace penstock::server
