#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "graphql/request.h"

namespace penstock::graphql {

class Plan;

/// How much a cache keeps. Beyond it, the plan that was not used for the longest time goes.
struct CacheLimits {
  std::size_t plans_max = 200;
  std::size_t bytes_max = 8 * 1024 * 1024;  // of texts and keys; the trees take about ten times as much
  std::size_t text_bytes_max = 32 * 1024;   // of one document; longer ones are read afresh each time
};

/// Prepares requests and remembers how: documents are parsed and validated once for each shape (the tokens with the
/// values of numbers and strings left out), so clients that write their values into the text cost no more than those
/// that send variables. The answers are those of prepare(), errors included. Only valid documents are kept.
///
/// Belongs to one thread, its requests too; it may go before they do. The schema must outlive it.
class PlanCache {
 public:
  PlanCache(const Schema& schema, PrepareOptions options, CacheLimits limits = {});
  ~PlanCache();

  std::variant<Request, std::vector<GraphqlError>> prepare(std::string text, const std::string* operation_name,
                                                           const json::Value* variables);

  std::size_t plans() const { return plans_.size(); }
  /// Requests that found their plan here.
  std::size_t hits() const { return hits_; }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Plan> plan;
  };
  static std::size_t bytes_of(const Entry& entry);
  void keep(std::string key, std::shared_ptr<const Plan> plan);

  const Schema& schema_;
  PrepareOptions options_;
  CacheLimits limits_;
  std::list<Entry> plans_;  // the one used last is in front
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
  std::size_t bytes_ = 0;
  std::size_t hits_ = 0;
};

}  // namespace penstock::graphql
