#include "store/log/record_codec.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "store/fields.h"

namespace penstock::store {
namespace {

// ---------------------------------------------------------------- writing

/// Counts the bytes that a Pen would write.
class Measure {
 public:
  std::size_t bytes() const { return bytes_; }

  void byte(std::uint8_t) { ++bytes_; }
  void number(std::uint64_t value) { bytes_ += static_cast<std::size_t>(std::bit_width(value | 1) + 6) / 7; }
  void text(std::string_view text) {
    number(text.size());
    bytes_ += text.size();
  }

 private:
  std::size_t bytes_ = 0;
};

/// Writes to where there is room for all of it.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}

  const char* at() const { return at_; }

  void byte(std::uint8_t value) { *at_++ = static_cast<char>(value); }
  void number(std::uint64_t value) {
    char* at = at_;  // a copy: as far as the compiler knows, each byte that is written may change at_
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
    *at++ = static_cast<char>(value);
    at_ = at;
  }
  void text(std::string_view text) {
    number(text.size());
    at_ = std::ranges::copy(text, at_).out;
  }

 private:
  char* at_;
};

/// Out: Measure or Pen.
template <class Out>
class FieldWriter {
 public:
  explicit FieldWriter(Out& out) : out_(out) {}

  template <class Member>
  void operator()(const char*, const Member& member) {
    put(member);
  }

 private:
  /// Small numbers of either sign are short.
  void put_signed(std::int64_t value) {
    out_.number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }

  void put(const std::string& value) { out_.text(value); }
  void put(bool value) { out_.number(value ? 1 : 0); }
  void put(int value) { put_signed(value); }
  void put(std::int64_t value) { put_signed(value); }
  void put(Millis value) { put_signed(value.count()); }
  void put(Time value) { put_signed(to_ms(value)); }
  // By name: an enumerator may move in the source.
  void put(core::KeyScope value) { out_.text(value == core::KeyScope::all ? "all" : "read_only"); }
  void put(core::ScalerType value) { out_.text(core::to_text(value)); }
  void put(core::FlashBoot value) { out_.text(core::to_text(value)); }
  void put(core::StartKind value) { out_.text(core::to_text(value)); }
  void put(core::JobStatus value) { out_.text(core::to_text(value)); }
  void put(core::Priority value) { out_.text(core::to_text(value)); }
  void put(core::DeliveryStatus value) { out_.text(core::to_text(value)); }
  void put(core::BatchStatus value) { out_.text(core::to_text(value)); }
  void put(core::BudgetUnit value) { out_.text(core::to_text(value)); }
  void put(core::BudgetAction value) { out_.text(core::to_text(value)); }
  void put(const core::SettingChange& value) {
    put(value.field);
    put(value.before);
    put(value.after);
  }
  void put(const core::Placement& value) {
    put(value.node);
    put(value.pool);
    put(value.gpu_type);
    put(value.gpus);
    put(value.uuids);
  }
  void put(const core::EnvVar& value) {
    put(value.key);
    put(value.value);
  }
  void put(const core::PortName& value) {
    put(value.port);
    put(value.name);
  }
  template <class Tag>
  void put(const Id<Tag>& value) {
    out_.text(value.str());
  }
  template <class Item>
  void put(const std::vector<Item>& items) {
    out_.number(items.size());
    for (const Item& item : items) put(item);
  }
  template <class Value>
  void put(const std::optional<Value>& value) {
    put(value.has_value());
    if (value) put(*value);
  }

  Out& out_;
};

template <class Value>
constexpr std::uint64_t count_fields() {
  std::uint64_t count = 0;
  const Value value{};
  each_field(value, [&](const char*, const auto&) { ++count; });
  return count;
}

// ---------------------------------------------------------------- reading

class Reader {
  static constexpr std::size_t kNumberBytesMax = 10;

 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  const char* at() const { return rest_.data(); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    std::size_t size = 0;
    for (const char each : rest_.substr(0, kNumberBytesMax)) {
      value |= static_cast<std::uint64_t>(each & 0x7f) << (7 * size++);
      if ((each & 0x80) != 0) continue;
      rest_.remove_prefix(size);
      return value;
    }
    throw DamagedTurn(size < kNumberBytesMax ? "it ends too early" : "a number has no end");
  }

  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }

  std::uint8_t byte() {
    if (rest_.empty()) throw DamagedTurn("it ends too early");
    const auto next = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return next;
  }

  std::string_view text() {
    const std::uint64_t size = number();
    if (size > rest_.size()) throw DamagedTurn("it ends too early");
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }

  std::optional<std::string_view> payload() {
    if (byte() == 0) return std::nullopt;
    return text();
  }

 private:
  std::string_view rest_;
};

class FieldReader {
 public:
  /// Fields from `count` on were unknown to the version that wrote; they keep the value that they have.
  FieldReader(Reader& in, std::uint64_t count) : in_(in), left_(count) {}

  template <class Member>
  void operator()(const char*, Member& member) {
    if (left_ == 0) return;
    --left_;
    get(member);
  }

  std::uint64_t left() const { return left_; }

 private:
  void get(std::string& value) { value = in_.text(); }
  void get(bool& value) { value = in_.number() != 0; }
  void get(std::int64_t& value) { value = in_.signed_number(); }
  void get(Millis& value) { value = Millis{in_.signed_number()}; }
  void get(Time& value) { value = from_ms(in_.signed_number()); }
  void get(int& value) {
    const std::int64_t read = in_.signed_number();
    if (!std::in_range<int>(read)) throw DamagedTurn("a number is out of range");
    value = static_cast<int>(read);
  }
  void get(core::KeyScope& value) { value = in_.text() == "all" ? core::KeyScope::all : core::KeyScope::read_only; }
  void get(core::ScalerType& value) { take(value, core::parse_scaler_type(in_.text())); }
  void get(core::FlashBoot& value) { take(value, core::parse_flash_boot(in_.text())); }
  void get(core::StartKind& value) { take(value, core::parse_start_kind(in_.text())); }
  void get(core::JobStatus& value) { take(value, core::parse_job_status(in_.text())); }
  void get(core::Priority& value) { take(value, core::parse_priority(in_.text())); }
  void get(core::DeliveryStatus& value) { take(value, core::parse_delivery_status(in_.text())); }
  void get(core::BatchStatus& value) { take(value, core::parse_batch_status(in_.text())); }
  void get(core::BudgetUnit& value) { take(value, core::parse_budget_unit(in_.text())); }
  void get(core::BudgetAction& value) { take(value, core::parse_budget_action(in_.text())); }
  void get(core::SettingChange& value) {
    get(value.field);
    get(value.before);
    get(value.after);
  }
  void get(core::Placement& value) {
    get(value.node);
    get(value.pool);
    get(value.gpu_type);
    get(value.gpus);
    get(value.uuids);
  }
  void get(core::EnvVar& value) {
    get(value.key);
    get(value.value);
  }
  void get(core::PortName& value) {
    get(value.port);
    get(value.name);
  }
  template <class Tag>
  void get(Id<Tag>& value) {
    const std::string_view text = in_.text();
    value = {};
    if (text.empty()) return;
    auto id = Id<Tag>::parse(text);
    if (!id) throw DamagedTurn(id.error().message);
    value = std::move(*id);
  }
  template <class Item>
  void get(std::vector<Item>& items) {
    items.clear();
    for (std::uint64_t left = in_.number(); left > 0; --left) get(items.emplace_back());
  }
  template <class Value>
  void get(std::optional<Value>& value) {
    value.reset();
    if (in_.number() != 0) get(value.emplace());
  }

  template <class Value>
  static void take(Value& value, std::optional<Value> parsed) {
    if (!parsed) throw DamagedTurn("a name is not known to this version");
    value = std::move(*parsed);
  }

  Reader& in_;
  std::uint64_t left_;
};

/// Into what may have been used before.
template <class Value>
void get_fields(Reader& in, Value& value) {
  static const std::uint64_t known = count_fields<Value>();
  const std::uint64_t count = in.number();
  if (count < known) value = {};
  FieldReader fields(in, count);
  each_field(value, fields);
  if (fields.left() > 0) throw DamagedTurn("it has fields that only a newer version knows");
}

/// Goes over the fields that a job has.
class FieldSkipper {
 public:
  FieldSkipper(Reader& in, std::uint64_t count) : in_(in), left_(count) {}

  template <class Member>
  void operator()(const char*, const Member& member) {
    if (left_ == 0) return;
    --left_;
    skip(member);
  }

  std::uint64_t left() const { return left_; }

 private:
  void skip(const std::string&) { in_.text(); }
  void skip(core::JobStatus) { in_.text(); }
  void skip(core::Priority) { in_.text(); }
  template <class Tag>
  void skip(const Id<Tag>&) {
    in_.text();
  }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void skip(Number) {
    in_.number();
  }
  void skip(Millis) { in_.number(); }
  void skip(Time) { in_.number(); }
  template <class Value>
  void skip(const std::optional<Value>&) {
    if (in_.number() != 0) skip(Value{});
  }

  Reader& in_;
  std::uint64_t left_;
};

template <class Value>
std::string_view skip_fields(Reader& in) {
  static const Value any{};
  const char* const begin = in.at();
  FieldSkipper fields(in, in.number());
  each_field(any, fields);
  if (fields.left() > 0) throw DamagedTurn("it has fields that only a newer version knows");
  return {begin, in.at()};
}

/// The first of the fields.
std::string_view id_of(std::string_view request) {
  Reader in(request);
  if (in.number() == 0) throw DamagedTurn("a job has no id");
  return in.text();
}

// ---------------------------------------------------------------- each kind, both ways

// What a kind of record consists of: fields of one value, or single values. `io` is a Writer or a Reader below.
template <class Io, class Record>
void each_part(Io& io, Record& record) {
  using Kind = std::remove_const_t<Record>;
  if constexpr (requires { record.account; }) {
    io.fields(record.account);
  } else if constexpr (requires { record.key; }) {
    io.fields(record.key);
  } else if constexpr (std::is_same_v<Kind, core::EndpointSaved>) {
    io.fields(record.endpoint);
  } else if constexpr (std::is_same_v<Kind, core::WorkerSaved>) {
    io.fields(record.worker);
  } else if constexpr (std::is_same_v<Kind, core::CountersSaved>) {
    io.fields(record);
  } else if constexpr (std::is_same_v<Kind, core::JobAdded>) {
    io.fields(record.request);
    io.payload(record.request.input);
    io.payload(record.request.s3_config);
    io.fields(record.state);
  } else if constexpr (std::is_same_v<Kind, core::JobChanged>) {
    io.value(record.id);
    io.fields(record.state);
    io.value(record.sets_output);
    io.payload(record.output);
  } else if constexpr (std::is_same_v<Kind, core::ChunkAdded>) {
    io.value(record.job);
    io.value(record.index);
    io.payload(record.chunk);
  } else if constexpr (std::is_same_v<Kind, core::ChunksCleared>) {
    io.value(record.job);
  } else if constexpr (std::is_same_v<Kind, core::JobsForgotten>) {
    io.value(record.expired_at);
  } else if constexpr (std::is_same_v<Kind, core::WebhookAdded>) {
    io.fields(record.delivery);
    io.payload(record.delivery.content.input);
    io.payload(record.delivery.content.output);
    io.fields(record.delivery.state);
  } else if constexpr (std::is_same_v<Kind, core::WebhookChanged>) {
    io.value(record.id);
    io.fields(record.state);
  } else if constexpr (requires { record.value; }) {
    io.fields(record.value);
  } else {
    io.value(record.id);  // the removals
  }
}

template <class Out>
struct Writer {
  Out& out;

  template <class Value>
  void fields(const Value& value) {
    static const std::uint64_t count = count_fields<Value>();
    out.number(count);
    each_field(value, FieldWriter<Out>(out));
  }
  template <class Value>
  void value(const Value& value) {
    FieldWriter<Out>{out}("", value);
  }
  void payload(const core::Bytes& bytes) {
    out.byte(bytes == nullptr ? 0 : 1);
    if (bytes != nullptr) out.text(*bytes);
  }
};

template <class Out>
void write(const core::Record& record, Out& out) {
  static_assert(std::variant_size_v<core::Record> < 0x80);
  out.byte(static_cast<std::uint8_t>(record.index()));
  std::visit(
      [&](const auto& value) {
        Writer<Out> writer{out};
        each_part(writer, value);
      },
      record);
}

struct Parts {
  Reader& in;

  template <class Value>
  void fields(Value& value) {
    get_fields(in, value);
  }
  template <class Value>
  void value(Value& value) {
    FieldReader{in, 1}("", value);
  }
  void payload(core::Bytes& bytes) {
    const auto payload = in.payload();
    bytes = payload ? core::bytes(std::string(*payload)) : nullptr;
  }
};

template <class Kind>
core::Record decode_as(Reader& in) {
  Kind record;
  Parts parts{in};
  each_part(parts, record);
  return record;
}

template <std::size_t... Kinds>
core::Record decode_kind(std::size_t kind, Reader& in, std::index_sequence<Kinds...>) {
  using Decode = core::Record (*)(Reader&);
  static constexpr Decode kDecode[] = {&decode_as<std::variant_alternative_t<Kinds, core::Record>>...};
  if (kind >= sizeof...(Kinds)) throw DamagedTurn("a kind of record is not known to this version");
  return kDecode[kind](in);
}

core::Record decode_record(std::size_t kind, Reader& in) {
  return decode_kind(kind, in, std::make_index_sequence<std::variant_size_v<core::Record>>());
}

// ---------------------------------------------------------------- a job in place: the same order as in each_part()

template <class Kind>
std::size_t kind_of() {
  static const std::size_t kind = core::Record(Kind{}).index();
  return kind;
}

EncodedJob read_added(Reader& in) {
  EncodedJob job;
  job.is_new = true;
  job.request = skip_fields<core::JobRequest>(in);
  job.id = id_of(job.request);
  job.input = in.payload();
  job.s3_config = in.payload();
  job.state = skip_fields<core::JobState>(in);
  return job;
}

EncodedJob read_changed(Reader& in) {
  EncodedJob job;
  job.id = in.text();
  job.state = skip_fields<core::JobState>(in);
  job.sets_output = in.number() != 0;
  job.output = in.payload();
  return job;
}

}  // namespace

SharedTurn encode(std::span<const core::Record> turn) {
  Measure measure;
  for (const core::Record& record : turn) write(record, measure);
  auto encoded = std::make_shared<EncodedTurn>(measure.bytes());
  Pen pen(encoded->data());
  for (const core::Record& record : turn) write(record, pen);
  ENSURE(pen.at() == encoded->data() + measure.bytes());
  return encoded;
}

Result<std::vector<core::Record>> decode_turn(std::string_view bytes) {
  std::vector<core::Record> records;
  Reader in(bytes);
  try {
    while (!in.at_end()) records.push_back(decode_record(in.byte(), in));
  } catch (const DamagedTurn& error) {
    return fail(Errc::unavailable, "record " + std::to_string(records.size() + 1) + " cannot be read: " + error.what());
  }
  return records;
}

void decode(std::string_view bytes, core::JobRequest& request) {
  Reader in(bytes);
  get_fields(in, request);
}

void decode(std::string_view bytes, core::JobState& state) {
  Reader in(bytes);
  get_fields(in, state);
}

void visit_turn(std::string_view turn, TurnVisitor& visitor) {
  Reader in(turn);
  while (!in.at_end()) {
    const char* const begin = in.at();
    const std::size_t kind = in.byte();
    if (kind == kind_of<core::JobAdded>() || kind == kind_of<core::JobChanged>()) {
      const EncodedJob job = kind == kind_of<core::JobAdded>() ? read_added(in) : read_changed(in);
      visitor.on_job(job, {begin, in.at()});
    } else {
      core::Record record = decode_record(kind, in);
      visitor.on_other(std::move(record), {begin, in.at()});
    }
  }
}

}  // namespace penstock::store
