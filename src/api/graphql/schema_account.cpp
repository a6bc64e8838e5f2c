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
  "Oldest first"
  networkVolumes: [NetworkVolume]
  "Always empty: workers are listed with their endpoints"
  pods: [Pod!]!
  "The sum of workersMax that the endpoints may have together"
  maxServerlessConcurrency: Int
}

enum StorageType {
  CEPH_FS
  DDN
  MOOSE_FS
  ONE_FS
  PURE
  VAST
}

"A directory in one data centre that workers share"
type NetworkVolume {
  id: String
  name: String
  "GB, as asked for; it is not enforced"
  size: Int
  dataCenterId: String
  dataCenter: DataCenter
  storageClusterId: String
  storageType: StorageType
}

input CreateNetworkVolumeInput {
  name: String
  size: Int
  dataCenterId: String!
  userId: String
  isNextGenStorage: Boolean
}

input UpdateNetworkVolumeInput {
  id: String!
  name: String
  size: Int
}

input DeleteNetworkVolumeInput {
  id: String!
}
)graphql";

}  // namespace penstock::api
