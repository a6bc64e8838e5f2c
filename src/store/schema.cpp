#include "store/schema.h"

#include <iterator>

namespace penstock::store {
namespace {

// Migration n brings version n to n + 1. A script that was released is never changed: add another behind it.
//
// `seq` keeps the order of first appearance. Instants and durations are milliseconds, instants since 1970-01-01 UTC.
// Lists are encoded as text_list.h says. A payload of more than kInlineBytesMax lies in `payloads`, split in parts, and
// its column in `jobs` is NULL: changes of the job's state then do not rewrite it, and no row grows beyond what SQLite
// can hold.
constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  scope TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE templates (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  image TEXT NOT NULL,
  docker_args TEXT NOT NULL,
  env TEXT NOT NULL,
  ports TEXT NOT NULL,
  container_disk_gb INTEGER NOT NULL,
  volume_gb INTEGER NOT NULL,
  volume_mount_path TEXT NOT NULL,
  registry_auth_id TEXT NOT NULL,
  is_serverless INTEGER NOT NULL,
  is_public INTEGER NOT NULL,
  readme TEXT NOT NULL,
  advanced_start INTEGER NOT NULL,
  start_jupyter INTEGER NOT NULL,
  start_ssh INTEGER NOT NULL,
  start_script TEXT NOT NULL,
  category TEXT NOT NULL,
  bound_endpoint TEXT,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE endpoints (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  template_id TEXT NOT NULL,
  binds_template INTEGER NOT NULL,
  gpu_ids TEXT NOT NULL,
  gpu_count INTEGER NOT NULL,
  instance_ids TEXT NOT NULL,
  workers_min INTEGER NOT NULL,
  workers_max INTEGER NOT NULL,
  workers_standby INTEGER,
  workers_pfb_target INTEGER NOT NULL,
  idle_timeout_s INTEGER NOT NULL,
  scaler_type TEXT NOT NULL,
  scaler_value INTEGER NOT NULL,
  locations TEXT,
  data_center_ids TEXT NOT NULL,
  env TEXT NOT NULL,
  allowed_cuda_versions TEXT,
  min_cuda_version TEXT,
  execution_timeout_ms INTEGER,
  request_ttl_ms INTEGER,
  flash_boot TEXT NOT NULL,
  flash_environment_id TEXT,
  compliance TEXT NOT NULL,
  hub_release_id TEXT,
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
  seq INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL UNIQUE,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  retried INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  endpoint TEXT NOT NULL,
  sync INTEGER NOT NULL,
  execution_timeout_ms INTEGER,
  ttl_ms INTEGER,
  low_priority INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  status TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  queued_ms INTEGER NOT NULL,
  started_ms INTEGER,
  finished_ms INTEGER,
  worker TEXT NOT NULL,
  error TEXT,
  ttl_deadline_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  chunks_delivered INTEGER NOT NULL,
  input TEXT,
  s3_config TEXT,
  output TEXT
) STRICT;
CREATE INDEX jobs_by_endpoint ON jobs (endpoint);
CREATE INDEX jobs_live ON jobs (seq) WHERE status IN ('IN_QUEUE', 'IN_PROGRESS');
CREATE INDEX jobs_by_expiry ON jobs (expires_ms) WHERE status NOT IN ('IN_QUEUE', 'IN_PROGRESS');

CREATE TABLE payloads (
  job TEXT NOT NULL,
  kind TEXT NOT NULL,
  part INTEGER NOT NULL,
  bytes TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX payloads_by_job ON payloads (job, kind, part);

CREATE TABLE chunks (
  job TEXT NOT NULL,
  idx INTEGER NOT NULL,
  part INTEGER NOT NULL,
  bytes TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_by_job ON chunks (job, idx, part);

CREATE TABLE workers (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  endpoint TEXT NOT NULL,
  release INTEGER NOT NULL,
  external INTEGER NOT NULL,
  node TEXT NOT NULL,
  pool TEXT NOT NULL,
  gpu_type TEXT NOT NULL,
  gpus TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  ready_ms INTEGER,
  draining INTEGER NOT NULL,
  launch_handle TEXT NOT NULL
) STRICT;
)sql",
    R"sql(
CREATE TABLE network_volumes (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  size_gb INTEGER NOT NULL,
  data_center TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
ALTER TABLE endpoints ADD COLUMN volumes TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
CREATE TABLE secrets (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  sealed TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE registry_credentials (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
ALTER TABLE accounts ADD COLUMN pub_key TEXT NOT NULL DEFAULT '';
ALTER TABLE templates ADD COLUMN config TEXT NOT NULL DEFAULT '';
ALTER TABLE templates ADD COLUMN port_names TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN model_references TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
ALTER TABLE jobs ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
UPDATE jobs SET priority = 'low' WHERE low_priority <> 0;
ALTER TABLE jobs DROP COLUMN low_priority;
)sql",
    R"sql(
CREATE TABLE log_position (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  log INTEGER NOT NULL,
  applied INTEGER NOT NULL,
  is_open INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
ALTER TABLE jobs ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
ALTER TABLE jobs ADD COLUMN idempotency_key TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_key ON jobs (endpoint, idempotency_key) WHERE idempotency_key <> '';
)sql",
    R"sql(
ALTER TABLE accounts ADD COLUMN webhook_secret TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN webhook_secret_before TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN webhook_secret_since_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN webhook TEXT NOT NULL DEFAULT '';

CREATE TABLE webhook_deliveries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  job TEXT NOT NULL,
  url TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  job_status TEXT NOT NULL,
  job_error TEXT,
  delay_ms INTEGER NOT NULL,
  execution_ms INTEGER NOT NULL,
  job_retries INTEGER NOT NULL,
  worker TEXT NOT NULL,
  input_omitted INTEGER NOT NULL,
  output_omitted INTEGER NOT NULL,
  traceparent TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  round_attempts INTEGER NOT NULL,
  round_started_ms INTEGER NOT NULL,
  next_ms INTEGER NOT NULL,
  last_attempt_ms INTEGER,
  last_code INTEGER,
  last_error TEXT NOT NULL,
  settled_ms INTEGER,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (seq) WHERE status = 'PENDING';
CREATE INDEX webhook_deliveries_by_expiry ON webhook_deliveries (expires_ms) WHERE status <> 'PENDING';
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint, id);
CREATE INDEX webhook_deliveries_by_job ON webhook_deliveries (job, id);

CREATE TABLE webhook_payloads (
  seq INTEGER PRIMARY KEY,
  delivery TEXT NOT NULL UNIQUE,
  input TEXT,
  output TEXT
) STRICT;
)sql",
    R"sql(
ALTER TABLE endpoints ADD COLUMN retention_async_s INTEGER;
ALTER TABLE endpoints ADD COLUMN retention_sync_s INTEGER;
)sql",
    R"sql(
DROP INDEX jobs_by_endpoint;
CREATE INDEX jobs_by_created ON jobs (endpoint, created_ms, id);
)sql",
    R"sql(
ALTER TABLE workers ADD COLUMN gpu_uuids TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
ALTER TABLE jobs ADD COLUMN batch TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_batch ON jobs (batch, seq) WHERE batch <> '';

CREATE TABLE batches (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  endpoint TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input_bytes INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  finalized_ms INTEGER,
  cancel_asked_ms INTEGER,
  ended_ms INTEGER,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX batches_by_endpoint ON batches (endpoint);
)sql",
    R"sql(
CREATE TABLE gpu_marks (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  node TEXT NOT NULL,
  device INTEGER NOT NULL,
  type TEXT NOT NULL,
  reason TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  released_ms INTEGER
) STRICT;
)sql",
    R"sql(
ALTER TABLE counters ADD COLUMN last_request_ms INTEGER NOT NULL DEFAULT 0;

CREATE TABLE releases (
  seq INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  rollback_of INTEGER,
  changes TEXT NOT NULL,
  template_id TEXT NOT NULL,
  gpu_ids TEXT NOT NULL,
  gpu_count INTEGER NOT NULL,
  instance_ids TEXT NOT NULL,
  allowed_cuda_versions TEXT,
  min_cuda_version TEXT,
  locations TEXT,
  data_center_ids TEXT NOT NULL,
  env TEXT NOT NULL,
  volumes TEXT NOT NULL,
  image TEXT NOT NULL,
  docker_args TEXT NOT NULL,
  template_env TEXT NOT NULL,
  ports TEXT NOT NULL,
  container_disk_gb INTEGER NOT NULL,
  volume_mount_path TEXT NOT NULL,
  registry_auth_id TEXT NOT NULL,
  start_script TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX releases_by_version ON releases (endpoint, version);

CREATE TABLE usage (
  seq INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  pool TEXT NOT NULL,
  hour_ms INTEGER NOT NULL,
  owner TEXT NOT NULL,
  metered_ms INTEGER NOT NULL,
  starting_ms INTEGER NOT NULL,
  idle_ms INTEGER NOT NULL,
  active_ms INTEGER NOT NULL,
  frozen_ms INTEGER NOT NULL,
  starting_gpu_ms INTEGER NOT NULL,
  idle_gpu_ms INTEGER NOT NULL,
  active_gpu_ms INTEGER NOT NULL,
  frozen_gpu_ms INTEGER NOT NULL,
  price INTEGER NOT NULL,
  discount INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX usage_by_endpoint ON usage (endpoint, pool, hour_ms);
CREATE INDEX usage_by_hour ON usage (hour_ms);

CREATE TABLE budgets (
  seq INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  per_day INTEGER,
  unit TEXT NOT NULL,
  action TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX budgets_by_owner ON budgets (owner, endpoint);
)sql",
    R"sql(
ALTER TABLE workers ADD COLUMN start_kind TEXT NOT NULL DEFAULT 'spawned';
ALTER TABLE workers ADD COLUMN start_decided_ms INTEGER;
ALTER TABLE workers ADD COLUMN start_placed_ms INTEGER;
ALTER TABLE workers ADD COLUMN start_launched_ms INTEGER;
ALTER TABLE workers ADD COLUMN start_up_ms INTEGER;
ALTER TABLE workers ADD COLUMN start_polled_ms INTEGER;
ALTER TABLE workers ADD COLUMN start_job_ms INTEGER;
)sql",
    R"sql(
ALTER TABLE workers ADD COLUMN frozen_ms INTEGER;
ALTER TABLE workers ADD COLUMN gpu_parked INTEGER NOT NULL DEFAULT 0;
)sql",
    R"sql(
CREATE TABLE places (
  seq INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL UNIQUE,
  places TEXT NOT NULL
) STRICT;
)sql",
};

}  // namespace

int schema_version() {
  return static_cast<int>(std::size(kMigrations));
}

void check_owner(Database& db) {
  const std::int64_t application = db.integer("PRAGMA application_id");
  const std::int64_t version = db.integer("PRAGMA user_version");
  const bool empty = db.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (application != kApplicationId && !(application == 0 && version == 0 && empty)) {
    throw SchemaRefused("it is an SQLite database of another program");
  }
  if (version > schema_version()) {
    throw SchemaRefused("it was written by a newer version of penstock (schema " + std::to_string(version) +
                        ", this program knows up to " + std::to_string(schema_version()) +
                        "); start that version, or restore a backup made before the upgrade");
  }
  if (version < 0) throw SchemaRefused("its schema version is " + std::to_string(version));
}

void migrate(Database& db) {
  const std::int64_t version = db.integer("PRAGMA user_version");
  if (version == schema_version()) return;
  Statement begin = db.prepare("BEGIN IMMEDIATE");
  Statement commit = db.prepare("COMMIT");
  const Transaction transaction(db, begin);
  for (auto next = version; next < schema_version(); ++next) db.execute(kMigrations[next]);
  db.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
  db.execute("PRAGMA user_version = " + std::to_string(schema_version()));
  commit.run();
}

}  // namespace penstock::store
