#include "server/presence.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace penstock::server {
namespace {

constexpr std::size_t kAbsencesMax = 100;  // of older ones no running job is likely to know

}  // namespace

std::vector<core::Absence> Presence::begin(Time now) {
  std::ifstream in(file_);
  std::int64_t last = 0;
  if (in >> last) {
    std::int64_t from = 0;
    std::int64_t to = 0;
    while (in >> from >> to) absences_.push_back({from_ms(from), from_ms(to)});
    absences_.push_back({from_ms(last), now});
  }
  if (absences_.size() > kAbsencesMax) absences_.erase(absences_.begin(), absences_.end() - kAbsencesMax);
  note(now);
  return absences_;
}

/// Written beside and renamed: a crash leaves the old content or the new.
void Presence::note(Time now) const {
  const std::string beside = file_ + ".new";
  {
    std::ofstream out(beside, std::ios::trunc);
    out << to_ms(now) << '\n';
    for (const core::Absence& absence : absences_) out << to_ms(absence.from) << ' ' << to_ms(absence.to) << '\n';
    if (!out.flush()) return;  // a full disk: the next one may do
  }
  std::rename(beside.c_str(), file_.c_str());
}

}  // namespace penstock::server
