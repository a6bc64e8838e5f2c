#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/model/batch.h"
#include "core/outcomes.h"
#include "net/address_rules.h"
#include "net/http.h"

namespace penstock::api {

/// What a page shows: `offset` elements are left out, then up to `limit` follow.
struct PageWish {
  int offset = 0;
  int limit = 50;
};
/// From the query. Errors: invalid.
Result<PageWish> read_page_wish(const net::Request& request);

/// The requests of a body: an array of submissions. Errors: invalid (which element, and what is wrong with it).
Result<std::vector<core::JobRequest>> read_batch_requests(std::string_view array,
                                                          const net::AddressRules& webhook_rules);
/// The same from `{"requests":[...]}`.
Result<std::vector<core::JobRequest>> read_more_requests(std::string_view body, const net::AddressRules& webhook_rules);

/// The name from `{"name":"..."}`. Errors: invalid.
Result<std::string> read_batch_name(std::string_view body);

/// The summary; with the ids of what was just added, when there are any.
std::string batch_text(const core::BatchView& view, const std::vector<JobId>& added = {});

/// `,"total":..,"offset":..,"limit":..,"hasMore":..}`: the end of every page.
std::string page_end(int total, const PageWish& wish, int shown);

/// One request of a page, up to where its output follows: `{"id":..,"status":..`.
std::string batch_request_text(const core::StoredJob& job);

}  // namespace penstock::api
