#include "api/jobs/results.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "api/answers.h"
#include "api/jobs/job_text.h"
#include "base/number.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr std::string_view kReferenceBegin = R"({"$spooled":{"file":")";
constexpr std::size_t kReferenceBytesMax = 600;
constexpr std::size_t kSmallBytes = 256 * 1024;   // an output that is kept as it is, however large its body
constexpr std::size_t kErrorBytes = 1024 * 1024;  // of an error that came in so large a body
constexpr std::size_t kSweepFiles = 200;
constexpr std::size_t kElementsMax = 1'000'000;  // of a list that is given element by element
constexpr char kHole = '\x01';                   // never in JSON text

/// On the spool's thread: nothing here is shared.
Result<WorkerResult> read_file(const net::SpoolFile& file) {
  auto mapped = net::MappedFile::open(file.path());
  if (!mapped) return tl::unexpected<Error>(mapped.error());
  const std::string_view text = (*mapped)->text();
  const auto keep = [&](std::string_view output) {
    if (output.size() <= kSmallBytes) return core::bytes(std::string(output));
    return core::bytes(fmt::format("{}{}\",\"offset\":{},\"bytes\":{}}}}}", kReferenceBegin, file.name(),
                                   output.data() - text.data(), output.size()));
  };
  auto result = read_result(text, keep);
  if (!result) return result;
  if (result->error && result->error->size() > kErrorBytes) {
    result->error->resize(kErrorBytes);
    *result->error += " ... (cut: the error is longer than this server keeps)";
  }
  if (Results::is_reference(result->output)) {
    if (auto synced = file.sync(); !synced) return tl::unexpected<Error>(synced.error());
  }
  return result;
}

/// As above.
Result<std::shared_ptr<const Results::InFile>> map_output(const std::string& path, std::size_t offset,
                                                          std::size_t bytes) {
  auto mapped = net::MappedFile::open(path);
  if (!mapped) return tl::unexpected<Error>(mapped.error());
  auto out = std::make_shared<Results::InFile>();
  out->path = path;
  out->file = std::move(*mapped);
  if (offset > out->file->text().size() || bytes > out->file->text().size() - offset) {
    return fail(Errc::unavailable, "the file of this result is shorter than it was");
  }
  out->whole = out->file->text().substr(offset, bytes);
  auto elements = json::split_array(out->whole, json::kPayloadLimits);
  out->elements = elements ? std::move(*elements) : std::vector<std::string_view>{out->whole};
  if (out->elements.size() > kElementsMax) {
    return fail(Errc::too_large, "the result is a list of " + std::to_string(out->elements.size()) +
                                     " elements; up to " + std::to_string(kElementsMax) +
                                     " are sent here: read it from /status");
  }
  return out;
}

}  // namespace

// ---------------------------------------------------------------- from workers

void Results::spool_into(net::BodyRule& rule, std::string (*prefix)(const net::Request& head)) {
  rule.spool = &spool_;
  rule.spool_above = options_.spool_above;
  rule.spool_prefix = prefix;
}

std::string Results::file_prefix(const EndpointId& endpoint, const JobId& job) {
  return endpoint.str() + "." + to_string(job) + ".";
}

void Results::read(const std::shared_ptr<net::SpoolFile>& file, OnRead on_read) {
  const auto result = std::make_shared<Result<WorkerResult>>(WorkerResult{});
  spool_.run([file, result] { *result = read_file(*file); },
             [file, result, on_read = std::move(on_read)] {
               // From now on the job may name it; if it does not, settle() or sweep() removes it.
               if (*result && is_reference((*result)->output)) file->keep();
               on_read(std::move(*result));
             });
}

bool Results::is_reference(const core::Bytes& output) {
  return output && output->size() <= kReferenceBytesMax && output->starts_with(kReferenceBegin);
}

std::optional<Results::Place> Results::place_of(const core::Bytes& output, const EndpointId& endpoint,
                                                const JobId& job) {
  if (!is_reference(output)) return std::nullopt;
  const auto parsed = json::parse(*output);
  const json::Value* place = parsed ? parsed->find("$spooled") : nullptr;
  if (!place) return std::nullopt;
  const json::Value* file = place->find("file");
  const json::Value* offset = place->find("offset");
  const json::Value* bytes = place->find("bytes");
  if (!file || !offset || !bytes || !file->as_string() || !offset->as_int() || !bytes->as_int()) return std::nullopt;
  const std::string prefix = file_prefix(endpoint, job);
  const std::string& name = *file->as_string();
  const bool ours = name.starts_with(prefix) && is_id(name.substr(prefix.size()));
  if (!ours || *offset->as_int() < 0 || *bytes->as_int() <= 0) return std::nullopt;
  return Place{name, static_cast<std::size_t>(*offset->as_int()), static_cast<std::size_t>(*bytes->as_int())};
}

void Results::settle(const EndpointId& endpoint, const JobId& job, const std::string& file) {
  const auto view = core_.engine().find_job(core_.now(), endpoint, job);
  if (!view) return;  // already out of memory: the sweep asks the store
  const auto place = place_of(view->output, endpoint, job);
  if (!place || place->file != file) spool_.remove(file);
}

// ---------------------------------------------------------------- to clients

BaseUrl base_url(const net::Request& request) {
  return {std::string(request.header("host")), request.header("x-forwarded-proto") == "https"};
}

void Results::answer(net::Responder& responder, net::Response head, const BaseUrl& base, const EndpointId& endpoint,
                     const core::JobView& job) {
  const auto place = place_of(job.output, endpoint, job.id);
  if (!place) {
    head.body = job_text(job);
    return responder.send(std::move(head));
  }
  core::JobView shown = job;
  if (place->bytes <= options_.inline_max) {
    shown.output = core::bytes(std::string(1, kHole));
    const std::string text = job_text(shown);
    const auto hole = text.find(kHole);
    net::FilePart part{text.substr(0, hole), path_of(*place), place->offset, place->bytes, text.substr(hole + 1)};
    if (net::answer_with_file(responder, std::move(head), std::move(part))) return;
  }
  shown.output = nullptr;
  std::string text = job_text(shown);
  text.pop_back();
  add_url(text, base, endpoint, job.id, *place);
  head.body = text + "}";
  responder.send(std::move(head));
}

void Results::add_output(std::string& text, const BaseUrl& base, const EndpointId& endpoint, const JobId& job,
                         const core::Bytes& output) {
  if (!output) return;
  const auto place = place_of(output, endpoint, job);
  if (place) return add_url(text, base, endpoint, job, *place);
  text += ",\"output\":" + *output;
}

void Results::add_url(std::string& text, const BaseUrl& base, const EndpointId& endpoint, const JobId& job,
                      const Place& place) const {
  const auto until = core_.now() + options_.url_life;
  const std::int64_t expires = to_ms(until) / 1'000;
  text += fmt::format(
      ",\"outputBytes\":{},\"outputUrl\":\"{}/v2/{}/result/{}?expires={}&signature={}\",\"note\":\"the output has {} "
      "bytes, and more than {} are not sent inline (jobs.inline_mb): fetch it from outputUrl until {}, or ask "
      "again\"",
      place.bytes, base.text(), endpoint.str(), job.str(), expires, signature(endpoint, job, expires), place.bytes,
      options_.inline_max, iso8601(until));
}

std::string Results::signature(const EndpointId& endpoint, const JobId& job, std::int64_t expires) const {
  const std::string signed_text = fmt::format("result/{}/{}/{}", endpoint.str(), job.str(), expires);
  unsigned char hash[32];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(),
                     reinterpret_cast<const unsigned char*>(secret_.data()), secret_.size());
  char text[2 * sizeof hash + 1];
  sodium_bin2hex(text, sizeof text, hash, sizeof hash);
  return text;
}

bool Results::is_signed(const net::Request& request, const EndpointId& endpoint, const JobId& job) const {
  const auto expires = request.query_value("expires");
  const auto given = request.query_value("signature");
  if (!expires || !given) return false;
  const auto seconds = parse_number<std::int64_t>(*expires);
  if (!seconds) return false;
  const std::string wanted = signature(endpoint, job, *seconds);
  const bool right = given->size() == wanted.size() && sodium_memcmp(given->data(), wanted.data(), wanted.size()) == 0;
  return right && *seconds >= to_ms(core_.now()) / 1'000;
}

void Results::download(const EndpointId& endpoint, const JobId& job, net::Responder& responder) {
  const auto view = core_.engine().find_job(core_.now(), endpoint, job);
  if (!view) return responder.send(error_answer(view.error()));
  net::Response head;
  head.any_origin = true;
  const auto place = place_of(view->output, endpoint, job);
  if (place) {
    auto sent =
        net::answer_with_file(responder, std::move(head), {{}, path_of(*place), place->offset, place->bytes, {}});
    if (!sent)
      responder.send(error_answer({Errc::internal, "the file of this result is gone: " + sent.error().message}));
    return;
  }
  if (!view->output) return responder.send(error_answer({Errc::not_found, "this job has no output"}));
  responder.send(json_answer(*view->output));
}

void Results::open(const EndpointId& endpoint, const JobId& job, const core::Bytes& output, OnOpen on_open) {
  const auto place = place_of(output, endpoint, job);
  if (!place) return on_open(fail(Errc::internal, "the output of this job is in no file"));
  using Opened = Result<std::shared_ptr<const InFile>>;
  const auto opened = std::make_shared<Opened>(nullptr);
  spool_.run(
      [opened, path = path_of(*place), place = *place] { *opened = map_output(path, place.offset, place.bytes); },
      [opened, on_open = std::move(on_open)] { on_open(*opened); });
}

// ---------------------------------------------------------------- what nobody names

bool Results::is_named(const std::string& file) {
  const auto first = file.find('.');
  const auto second = first == std::string::npos ? first : file.find('.', first + 1);
  if (second == std::string::npos) return false;
  const auto endpoint = EndpointId::parse(file.substr(0, first));
  const auto job = JobId::parse(file.substr(first + 1, second - first - 1));
  if (!endpoint || !job) return false;
  if (!core_.recall(*endpoint, *job)) return true;  // the store cannot say: later
  const auto view = core_.engine().find_job(core_.now(), *endpoint, *job);
  const auto place = view ? place_of(view->output, *endpoint, *job) : std::nullopt;
  return place && place->file == file;
}

void Results::sweep(std::chrono::seconds age_min) {
  const auto entries = spool_.entries();
  auto next = std::ranges::upper_bound(entries, swept_, {}, &net::Spool::Entry::name);
  if (next == entries.end()) next = entries.begin();
  for (std::size_t looked = 0; next != entries.end() && looked < kSweepFiles; ++next, ++looked) {
    swept_ = next->name;
    if (next->age >= age_min && !is_named(next->name)) spool_.remove(next->name);
  }
}

}  // namespace penstock::api
