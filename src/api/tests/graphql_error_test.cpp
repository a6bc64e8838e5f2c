#include <gtest/gtest.h>

#include "api/graphql/absent.h"
#include "api/graphql/mutations.h"

namespace penstock::api {
namespace {

// contract/control-plane 1.3, E14 and E15.

TEST(GraphqlErrors, a_refusal_keeps_its_words) {
  for (const Errc code : {Errc::invalid, Errc::not_found, Errc::conflict, Errc::busy, Errc::not_implemented}) {
    const auto error = field_error(Error{code, "Endpoint not found"});
    EXPECT_EQ(error.message, "Endpoint not found");
    EXPECT_EQ(error.code, "RUNPOD");
  }
}

TEST(GraphqlErrors, a_failure_of_our_own_hides_its_cause_and_may_be_tried_again) {
  const auto error = field_error(Error{Errc::internal, "row 7 of /srv/data"});
  EXPECT_EQ(error.message, "Something went wrong. Please try again later or contact support.");
  EXPECT_EQ(error.code, "INTERNAL_SERVER_ERROR");
}

TEST(GraphqlErrors, what_is_not_here_is_named) {
  EXPECT_TRUE(absent_message("podStop")->starts_with("podStop is not implemented by this server: "));
  EXPECT_EQ(absent_message("myModels"), "Model Repo feature is not enabled for this user");
  EXPECT_EQ(absent_message("saveEndpoint"), std::nullopt);
}

}  // namespace
}  // namespace penstock::api
