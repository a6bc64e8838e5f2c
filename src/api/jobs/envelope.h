#pragma once

#include <string_view>

#include "base/error.h"
#include "core/model/job.h"
#include "net/address_rules.h"

namespace penstock::api {

/// Reads the body of /run and /runsync (contract/data-plane 1.4). `input` keeps the client's own bytes. A missing
/// `input` is `{}`; other top-level keys are dropped. `key_header` is the header Idempotency-Key, empty when there is
/// none; the same can be said in the body. Errors: invalid (which field, which value, what is accepted).
Result<core::JobRequest> read_submission(std::string body, const net::AddressRules& webhook_rules,
                                         std::string_view key_header = {});

}  // namespace penstock::api
