#include <gtest/gtest.h>

#include "api/webhooks/signing.h"
#include "api/webhooks/webhook_text.h"

namespace penstock::api {
namespace {

TEST(WebhookSignature, is_what_others_compute) {
  // echo -n '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
  const std::string secrets[] = {"whsec_test", "whsec_old"};
  const std::string one = webhook_signature(std::span(secrets, 1), 1'700'000'000, R"({"a":1})");
  EXPECT_EQ(one, "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789");
  EXPECT_EQ(webhook_signature(secrets, 1'700'000'000, R"({"a":1})"),
            one + ",v1=b9d801502bb535e960ee9aeee7a294b082bda5089d79c7db610b85116ce6faa6");
}

TEST(WebhookSecret, is_long_and_never_the_same) {
  SystemRandom random;
  const std::string secret = make_webhook_secret(random);
  EXPECT_TRUE(secret.starts_with("whsec_"));
  EXPECT_EQ(secret.size(), 49u);
  EXPECT_NE(secret, make_webhook_secret(random));
}

core::WebhookDelivery delivery() {
  core::WebhookDelivery made;
  made.id = *DeliveryId::parse("whd_1");
  made.job = *JobId::parse("j-1");
  made.endpoint = *EndpointId::parse("e1");
  made.url = "https://example.org/\"x\"";
  made.created = from_ms(1'700'000'000'000);
  made.content.delay_ms = 9'533;
  made.content.execution_ms = 88;
  made.content.input = core::bytes("{\"x\": 1.0}");
  made.content.output = core::bytes("[ 1e400 ]");
  return made;
}

TEST(WebhookBody, is_the_job_object_with_input_and_webhook) {
  core::WebhookDelivery made = delivery();
  EXPECT_EQ(webhook_text(made),
            R"({"delayTime":9533,"executionTime":88,"id":"j-1","input":{"x": 1.0},"output":[ 1e400 ],)"
            R"("status":"COMPLETED","webhook":"https://example.org/\"x\""})");
  made.content.status = core::JobStatus::failed;
  made.content.error = "a\nb";
  made.content.retries = 1;
  made.content.output = nullptr;
  EXPECT_EQ(webhook_text(made),
            R"({"delayTime":9533,"error":"a\nb","executionTime":88,"id":"j-1","input":{"x": 1.0},"retries":1,)"
            R"("status":"FAILED","webhook":"https://example.org/\"x\""})");
}

TEST(WebhookBody, names_what_is_left_out) {
  core::WebhookDelivery made = delivery();
  made.content.input = nullptr;
  made.content.input_omitted = true;
  EXPECT_NE(webhook_text(made).find(R"("omitted":["input"],"output")"), std::string::npos);
  made.content.output = nullptr;
  made.content.output_omitted = true;
  EXPECT_NE(webhook_text(made).find(R"("omitted":["input","output"],"status")"), std::string::npos);
}

TEST(WebhookUrl, is_checked_as_far_as_can_be_without_a_look_up) {
  const auto strict = *net::AddressRules::make(false, "");
  const auto open = *net::AddressRules::make(true, "");
  for (const char* url :
       {"https://example.org/hook", "http://localhost:1/", "http://8.8.8.8/", "http://[2a00::1]/x?y"}) {
    EXPECT_TRUE(check_webhook_url(url, strict)) << url;
  }
  for (const char* url :
       {"http://127.0.0.1:9000/", "http://10.1.2.3/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"}) {
    const auto refused = check_webhook_url(url, strict);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find("webhooks.allow_private"), std::string::npos) << refused.error().message;
    EXPECT_TRUE(check_webhook_url(url, open)) << url;
  }
  for (const char* url :
       {"", "example.org", "ftp://example.org/", "https://me:word@example.org/", "https://example.org:0/",
        "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/", "http://[fe80::1]/"}) {
    EXPECT_FALSE(check_webhook_url(url, open)) << url;
  }
  const std::string base = "https://example.org/";
  EXPECT_TRUE(check_webhook_url(base + std::string(2'048 - base.size(), 'x'), open));
  const auto long_one = check_webhook_url(base + std::string(2'049 - base.size(), 'x'), open);
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().message, "webhook is a URL of 2049 bytes; at most 2048 are accepted");
}

}  // namespace
}  // namespace penstock::api
