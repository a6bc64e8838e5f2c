#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kAccountSdl = R"graphql(
enum DiscountType {
  SERVERLESS
}

type Discount {
  userId: String!
  type: DiscountType!
  discountFactor: Float!
  expirationDate: DateTime!
}

type User {
  id: String
  email: String
  "Oldest first"
  endpoints: [Endpoint]!
  "Null when there is none of this id"
  endpoint(id: String!): Endpoint
  serverlessDiscount: Discount
  "Oldest first"
  podTemplates: [PodTemplate]
  "Always empty: workers are listed with their endpoints"
  pods: [Pod!]!
  "The sum of workersMax that the endpoints may have together"
  maxServerlessConcurrency: Int
}
)graphql";

}  // namespace penstock::api
