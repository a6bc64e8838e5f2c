#pragma once

#include <string_view>

#include "base/error.h"
#include "core/model/job.h"

namespace penstock::api {

/// Reads the body of /run and /runsync (contract/data-plane 1.4). `input` keeps the client's own bytes. A missing
/// `input` is `{}`; other top-level keys are dropped. Errors: invalid (which field, which value, what is accepted),
/// not_implemented (webhook). `key_header` is the header Idempotency-Key, empty when there is none; the same can be
/// said in the body.
Result<core::JobRequest> read_submission(std::string_view body, std::string_view key_header = {});

}  // namespace penstock::api
