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
  activeDiscountFactor: Float
  activeWorkers: Int
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
  "Oldest first"
  containerRegistryCreds: [ContainerRegistryAuth]
  "Oldest first, without their values"
  secrets: [Secret!]!
  "Always empty: workers are listed with their endpoints"
  pods: [Pod!]!
  "The sum of workersMax that the endpoints may have together"
  maxServerlessConcurrency: Int
  "Text of an authorized_keys file, as updateUserSettings saved it"
  pubKey: String
  "Without the keys themselves, which are not kept"
  apiKeys: [ApiKey!]
  datacenters: [DataCenter]

  # Money: nothing is paid here, so it is 0, or null where 0 would mislead.
  clientBalance: Float
  currentSpendPerHr: Float
  clientLifetimeSpend: Float
  spendDetails: SpendDetails
  hostBalance: Float
  referralEarned: Float
  templateEarned: Float
  underBalance: Boolean
  savingsPlans: [SavingsPlan]
  spendLimit: Int
  minBalance: Float
  creditAlertThreshold: Float

  # This server sends no mail and has no teams, hosts and contracts.
  notifyPodsStale: Boolean
  notifyPodsGeneral: Boolean
  notifyLowBalance: Boolean
  notifyOther: Boolean
  isTeam: Boolean
  multiFactorEnabled: Boolean
  signedTermsOfService: Boolean
  authId: String
  machineQuota: Int
  referralId: String
  information: UserInformation

  # Not implemented by this server: answered with an error.
  dailyCharges: [ClientCreditCharge]
  billing(input: UserBillingInput!): UserBilling
  flashApps: [FlashApp]
}

input UpdateUserSettingsInput {
  pubKey: String
}

type ApiKey {
  id: String
  permissions: String!
  createdAt: DateTime!
  lastUsed: DateTime
  name: String
}

type SpendDetails {
  localStoragePerHour: Float
  networkStoragePerHour: Float
  gpuComputePerHour: Float
}

type UserInformation {
  firstName: String
  lastName: String
  addressLine1: String
  addressLine2: String
  countryCode: String
  companyName: String
  companyIdentification: String
  taxIdentification: String
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

type ContainerRegistryAuth {
  id: String
  name: String
  userId: String
  "Always null: what was saved is not shown"
  registryAuth: String
}

input SaveRegistryAuthInput {
  name: String!
  username: String!
  password: String!
}

input UpdateRegistryAuthInput {
  id: String!
  username: String!
  password: String!
}

"What environments name as {{ RUNPOD_SECRET_<name> }}"
type Secret {
  id: ID!
  name: String!
  description: String
  createdAt: DateTime!
  updatedAt: DateTime
  "Always null: it is not kept"
  lastRetrievedAt: DateTime
  lastUpdatedAt: DateTime
}

input SecretCreateInput {
  name: String!
  value: String!
  description: String
}

input SecretValueUpdateInput {
  id: ID!
  value: String!
}

input SecretDescriptionUpdateInput {
  id: ID!
  description: String!
}
)graphql";

}  // namespace penstock::api
