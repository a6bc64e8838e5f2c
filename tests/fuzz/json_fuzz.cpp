#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "json/json.h"

using namespace penstock;

// What is read, written and read again is the same value; reading, which Boost does, and checking, which we do, agree;
// the pieces of a split object are JSON themselves and lie inside the text in order.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<void> checked = json::check(text);
  const Result<json::Value> value = json::parse(text);
  if (value) {
    ENSURE(checked.has_value());
    const std::string written = json::write(*value);
    const Result<json::Value> again = json::parse(written);
    ENSURE(again.has_value());
    ENSURE(*again == *value);
  } else if (checked) {
    ENSURE(value.error().message.find("does not fit a double") != std::string::npos);
  }
  if (const auto elements = json::split_array(text)) {
    ENSURE(checked.has_value());
    for (const std::string_view element : *elements) ENSURE(json::check(element).has_value());
    if (value) ENSURE(value->as_array()->size() == elements->size());
  }
  const auto members = json::split_object(text);
  if (!members) return 0;
  ENSURE(checked.has_value());
  const char* last_end = text.data();
  for (const json::RawMember& member : *members) {
    ENSURE(member.value.data() > last_end && member.value.data() + member.value.size() < text.data() + text.size());
    last_end = member.value.data() + member.value.size();
    ENSURE(json::check(member.value).has_value());
    if (value) {
      ENSURE(value->find(member.key) != nullptr);
    }
  }
  return 0;
}
