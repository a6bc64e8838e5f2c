#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/job.h"

namespace penstock::core {

/// Where a job stands among those of its endpoint, the newest first: by its time, then by its id, both descending.
struct JobPlace {
  Time created{};
  JobId id;

  friend bool operator==(const JobPlace&, const JobPlace&) = default;
};

/// Which jobs to list.
struct JobQuery {
  EndpointId endpoint;
  Time now{};                      // results that are forgotten by now are left out
  std::vector<JobStatus> states;   // empty: all
  std::optional<Time> from;        // created then or later
  std::optional<Time> before;      // created earlier
  std::optional<JobPlace> behind;  // go on behind this one
  int count = 0;                   // at most
  int looks = 0;                   // jobs to look at, at most: what few match is found page by page
};

/// The jobs come without input, output and chunks.
struct JobPage {
  std::vector<StoredJob> jobs;
  std::optional<JobPlace> next;  // to go on behind; nothing: there are no more
};

/// Whether the job is among what is asked for; its place aside.
inline bool matches(const JobQuery& query, const JobState& state) {
  if (is_terminal(state.status) && state.expires <= query.now) return false;
  if (query.states.empty()) return true;
  for (const JobStatus wanted : query.states) {
    if (wanted == state.status) return true;
  }
  return false;
}

}  // namespace penstock::core
