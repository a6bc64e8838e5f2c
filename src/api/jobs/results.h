#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"
#include "api/worker/result.h"
#include "net/http.h"
#include "net/http_server.h"
#include "net/spool.h"

namespace penstock::api {

struct ResultOptions {
  std::size_t spool_above = 8 * 1024 * 1024;   // a larger body of job-done goes to a file while it arrives
  std::size_t inline_max = 100 * 1024 * 1024;  // a larger output is given as a URL
  std::chrono::seconds url_life{3'600};
};

/// How a client reaches this server: the host as it wrote it; https where a proxy says so.
struct BaseUrl {
  std::string host;
  bool tls = false;

  std::string text() const { return (tls ? "https://" : "http://") + host; }
};
BaseUrl base_url(const net::Request& request);

/// Outputs too large for memory: each is a part of a file, and the job's output is a small reference to it,
/// `{"$spooled":{"file":..,"offset":..,"bytes":..}}`. The file carries the names of its endpoint and job and is synced
/// before the reference is given to the core, so an acknowledged result is whole. A file that its job does not name
/// (any more) is removed by sweep(): results that were forgotten, refused, retried, or cut short by a crash. A worker
/// that makes up a reference can only name a file of its own job.
class Results {
 public:
  /// `secret` signs URLs. All must outlive this; the files are in `directory`.
  Results(Core& core, net::Loop& loop, const std::string& directory, std::string secret, ResultOptions options)
      : core_(core), spool_(loop, directory), secret_(std::move(secret)), options_(options) {}

  /// Sends large bodies to a file. `prefix` gives file_prefix() of the job.
  void spool_into(net::BodyRule& rule, std::string (*prefix)(const net::Request& head));
  /// What the names of a job's files begin with.
  static std::string file_prefix(const EndpointId& endpoint, const JobId& job);

  /// Reads and syncs a body that went to a file; its `output` is a reference, or itself when it is small. `on_read` is
  /// called later, on the loop. Errors: invalid (no such JSON), unavailable.
  using OnRead = std::function<void(Result<WorkerResult>)>;
  void read(const std::shared_ptr<net::SpoolFile>& file, OnRead on_read);
  /// After the job took the result, or did not.
  void settle(const EndpointId& endpoint, const JobId& job, const std::string& file);

  static bool is_reference(const core::Bytes& output);

  /// Answers with the job object.
  void answer(net::Responder& responder, net::Response head, const BaseUrl& base, const EndpointId& endpoint,
              const core::JobView& job);

  /// Adds `,"output":...` to the text of a job in a list; for one that lies in a file the URL instead.
  void add_output(std::string& text, const BaseUrl& base, const EndpointId& endpoint, const JobId& job,
                  const core::Bytes& output);

  /// An output that lies in a file: its elements when it is a list, otherwise itself.
  struct InFile {
    std::string path;
    std::unique_ptr<net::MappedFile> file;
    std::string_view whole;
    std::vector<std::string_view> elements;

    net::FilePart part(std::string_view text) const {
      return {{}, path, static_cast<std::size_t>(text.data() - file->text().data()), text.size(), {}};
    }
  };
  /// Reads a reference's file; `on_open` is called later, on the loop. Errors: unavailable, too_large (more elements
  /// than a list may have here).
  using OnOpen = std::function<void(const Result<std::shared_ptr<const InFile>>&)>;
  void open(const EndpointId& endpoint, const JobId& job, const core::Bytes& output, OnOpen on_open);

  /// Whether the URL is one that answer() gave, and still good.
  bool is_signed(const net::Request& request, const EndpointId& endpoint, const JobId& job) const;
  void download(const EndpointId& endpoint, const JobId& job, net::Responder& responder);

  /// Removes files that no job names, but for those written to lately. At most some hundred at a time.
  void sweep(std::chrono::seconds age_min);

 private:
  struct Place {
    std::string file;
    std::size_t offset = 0;
    std::size_t bytes = 0;
  };
  static std::optional<Place> place_of(const core::Bytes& output, const EndpointId& endpoint, const JobId& job);
  void add_url(std::string& text, const BaseUrl& base, const EndpointId& endpoint, const JobId& job,
               const Place& place) const;
  std::string path_of(const Place& place) const { return spool_.directory() + "/" + place.file; }
  std::string signature(const EndpointId& endpoint, const JobId& job, std::int64_t expires) const;
  bool is_named(const std::string& file);

  Core& core_;
  net::Spool spool_;
  std::string secret_;
  ResultOptions options_;
  std::string swept_;  // the last file that was looked at
};

}  // namespace penstock::api
