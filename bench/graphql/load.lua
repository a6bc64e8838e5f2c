-- The load of bench/graphql, for wrk: POST /graphql with the document in BODY. Every `%UNIQUE%` in it is replaced by a
-- number that no other request has. The last line it prints is one JSON object.

local template = os.getenv("BODY")
local key = os.getenv("KEY")
local unique = template:find("%UNIQUE%", 1, true) ~= nil

wrk.method = "POST"
wrk.path = "/graphql"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. key
wrk.body = template

if unique then
  local head, tail = template:match("^(.*)%%UNIQUE%%(.*)$")
  local count = 0
  request = function()
    count = count + 1
    return wrk.format(nil, nil, nil, head .. count .. tail)
  end
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
