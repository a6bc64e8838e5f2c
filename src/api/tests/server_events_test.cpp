#include "api/server_events.h"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

TEST(ServerEvents, an_event_is_written_line_by_line) {
  EXPECT_EQ(event_text("", "7", "{\"a\":1}"), "id: 7\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(event_text("next", "", "a\nb\r\nc\rd"), "event: next\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(event_text("end", "", ""), "event: end\ndata: \n\n");
  EXPECT_EQ(event_text("", "", "\n"), "data: \ndata: \n\n");
}

TEST(ServerEvents, events_are_sent_to_those_who_ask_for_them) {
  const auto asks = [](std::string accept) {
    net::Request request;
    request.headers.add("accept", accept);
    return wants_events(request);
  };
  EXPECT_TRUE(asks("text/event-stream"));
  EXPECT_TRUE(asks("TEXT/Event-Stream; q=0.9, */*"));
  EXPECT_TRUE(asks("text/event-stream, application/json"));
  EXPECT_FALSE(asks("application/json, text/event-stream"));
  EXPECT_FALSE(asks("*/*"));
  EXPECT_FALSE(asks(""));
}

}  // namespace
}  // namespace penstock::api
