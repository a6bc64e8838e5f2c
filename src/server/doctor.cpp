#include "server/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/log.h"
#include "base/time.h"
#include "json/json.h"
#include "server/data_dir.h"
#include "store/doctor.h"

namespace penstock::server {
namespace {

constexpr int kExitProblems = 1;
constexpr int kExitNoLook = 2;
constexpr std::size_t kJobsShown = 20;

std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

int refuse(const std::string& message) {
  std::fprintf(stderr, "penstock: %s\n", message.c_str());
  return kExitNoLook;
}

// ---------------------------------------------------------------- for people

void print(const store::Examination& found) {
  const store::LogPosition& position = found.tables.position;
  if (found.tables.schema > 0) {
    const bool is_older = found.tables.schema < found.schema_known;
    fmt::print("tables: schema {}{}, turns up to {} applied\n", found.tables.schema,
               is_older ? fmt::format(" (`penstock serve` migrates it to {})", found.schema_known) : "",
               position.applied);
  }
  fmt::print("log: {} segments, {} bytes, {} turns that are not in the tables yet\n", found.segments,
             found.segment_bytes, found.last - std::min(found.last, position.applied));
  for (const std::string& problem : found.problems) fmt::print("problem: {}\n", problem);
}

void print_loss(const store::Repair& done) {
  if (done.lost_through == 0) {
    fmt::print("lost: what came after turn {}; nothing that is left says how much that was\n", done.lost_from - 1);
    return;
  }
  fmt::print("lost: turns {} to {}, {} bytes of the log\n", done.lost_from, done.lost_through, done.lost_bytes);
  fmt::print("  {} of these turns can be read; they were not applied because they may rest on those that cannot\n",
             done.readable);
  for (std::size_t i = 0; i < std::min(done.jobs.size(), kJobsShown); ++i) {
    fmt::print("  job {}: {}\n", done.jobs[i].job, done.jobs[i].what);
  }
  if (done.jobs.size() > kJobsShown) {
    fmt::print("  and {} more changes of jobs (all of them with --json)\n", done.jobs.size() - kJobsShown);
  }
  if (done.other_changes > 0) fmt::print("  and {} changes of other things\n", done.other_changes);
}

void print(const store::Repair& done) {
  if (done.rebuilt_indexes) fmt::print("repaired: the indexes of the tables were made anew\n");
  fmt::print("repaired: {} turns went from the log into the tables\n", done.brought);
  if (!done.moved_to.empty()) fmt::print("moved aside: {} segments, to {}\n", done.moved.size(), done.moved_to);
  if (done.is_anything_lost) print_loss(done);
}

// ---------------------------------------------------------------- for programs

json::Value to_json(const store::Examination& found) {
  json::Array problems;
  for (const std::string& problem : found.problems) problems.emplace_back(problem);
  return json::Object{
      {"schema", found.tables.schema},
      {"schemaKnown", found.schema_known},
      {"appliedTurn", number(found.tables.position.applied)},
      {"lastTurn", number(found.last)},
      {"segments", number(found.segments)},
      {"segmentBytes", number(found.segment_bytes)},
      {"problems", std::move(problems)},
  };
}

json::Value lost_json(const store::Repair& done) {
  if (!done.is_anything_lost) return nullptr;
  json::Array jobs;
  for (const auto& [job, what] : done.jobs) jobs.push_back(json::Object{{"id", job}, {"change", what}});
  return json::Object{
      {"fromTurn", number(done.lost_from)},
      {"throughTurn", done.lost_through > 0 ? json::Value(number(done.lost_through)) : json::Value()},
      {"bytes", number(done.lost_bytes)},
      {"readableTurns", number(done.readable)},
      {"jobs", std::move(jobs)},
      {"otherChanges", number(done.other_changes)},
  };
}

json::Value to_json(const store::Repair& done) {
  json::Array moved;
  for (const std::string& file : done.moved) moved.emplace_back(file);
  return json::Object{
      {"appliedTurns", number(done.brought)},
      {"rebuiltIndexes", done.rebuilt_indexes},
      {"movedTo", done.moved_to.empty() ? json::Value() : json::Value(done.moved_to)},
      {"moved", std::move(moved)},
      {"lost", lost_json(done)},
  };
}

struct Report {
  store::Examination found;
  std::optional<store::Repair> repair;
  std::optional<store::Examination> after;
  std::string not_repaired;  // why
};

int show(const Report& report, bool json) {
  const bool lost = report.repair && report.repair->is_anything_lost;
  const store::Examination& last = report.after ? *report.after : report.found;
  const bool is_well = last.problems.empty() && report.not_repaired.empty();
  if (json) {
    json::Object all{{"ok", is_well && !lost}, {"found", to_json(report.found)}};
    if (report.repair) all.emplace_back("repair", to_json(*report.repair));
    if (report.after) all.emplace_back("after", to_json(*report.after));
    if (!report.not_repaired.empty()) all.emplace_back("notRepaired", report.not_repaired);
    fmt::print("{}\n", json::write(std::move(all)));
  } else {
    print(report.found);
    if (report.repair) print(*report.repair);
    for (const auto& problem : report.after ? report.after->problems : std::vector<std::string>()) {
      fmt::print("still a problem: {}\n", problem);
    }
    if (!report.not_repaired.empty()) fmt::print("not repaired: {}\n", report.not_repaired);
    const char* const ending = !is_well ? "there are problems"
                               : lost   ? "the server can start; see what was lost"
                                        : "fine";
    fmt::print("{}\n", !is_well && !report.repair && report.not_repaired.empty()
                           ? "there are problems; `penstock doctor --repair` saves what is readable before the damage"
                           : ending);
  }
  return is_well && !lost ? 0 : kExitProblems;
}

}  // namespace

int doctor(const DoctorOptions& options) {
  log::configure(log::Level::warn, false);
  const std::string path = options.data.empty() ? DataDir::default_path() : options.data;
  std::error_code ignored;
  const auto exists = [&](const std::string& part) { return std::filesystem::exists(path + part, ignored); };
  if (!exists("/penstock.db") && !exists("/log")) {
    return refuse(
        fmt::format("{} is no data directory: it has neither penstock.db nor log; name one with --data", path));
  }
  auto data = DataDir::open(path, false);
  if (!data) return refuse(data.error().message);
  const store::DataFiles files{data->database(), data->log()};
  Report report;
  report.found = store::examine(files);
  if (options.repair && !report.found.problems.empty()) {
    auto done = store::repair(files, SystemClock().now());
    if (done) {
      report.repair = std::move(*done);
      report.after = store::examine(files);
    } else {
      report.not_repaired = done.error().message;
    }
  }
  return show(report, options.json);
}

}  // namespace penstock::server
