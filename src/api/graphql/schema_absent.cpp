#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kAbsentSdl = R"graphql(
enum CloudTypeEnum {
  SECURE
  COMMUNITY
  ALL
}

input SavingsPlanInput {
  planLength: String
  upfrontCost: Float
}

input PodFindAndDeployOnDemandInput {
  aiApiId: String
  cloudType: CloudTypeEnum
  containerDiskInGb: Int
  containerRegistryAuthId: String
  countryCode: String
  deployCost: Float
  dockerArgs: String
  env: [EnvironmentVariableInput]
  gpuCount: Int
  gpuTypeId: String
  gpuTypeIdList: [String]
  imageName: String
  minDisk: Int
  minDownload: Int
  minMemoryInGb: Int
  minUpload: Int
  minVcpuCount: Int
  name: String
  networkVolumeId: String
  port: Port
  ports: String
  startJupyter: Boolean
  startSsh: Boolean
  stopAfter: DateTime
  supportPublicIp: Boolean
  templateId: String
  terminateAfter: DateTime
  volumeInGb: Int
  volumeKey: String
  volumeMountPath: String
  dataCenterId: String
  savingsPlan: SavingsPlanInput
  cudaVersion: String
  allowedCudaVersions: [String]
  minCudaVersion: String
  instanceIds: [String]
  computeType: ComputeType
  globalNetwork: Boolean
  ideAiApiId: String
  modelReferences: [String]
  compliance: [Compliance]
}

input PodRentInterruptableInput {
  bidPerGpu: Float
  cloudType: CloudTypeEnum
  containerDiskInGb: Int
  countryCode: String
  dockerArgs: String
  env: [EnvironmentVariableInput]
  gpuCount: Int
  gpuTypeId: String
  imageName: String
  minDisk: Int
  minDownload: Int
  minMemoryInGb: Int
  minUpload: Int
  minVcpuCount: Int
  name: String
  networkVolumeId: String
  port: Port
  ports: String
  startJupyter: Boolean
  startSsh: Boolean
  stopAfter: DateTime
  supportPublicIp: Boolean
  templateId: String
  terminateAfter: DateTime
  volumeInGb: Int
  volumeKey: String
  volumeMountPath: String
  dataCenterId: String
  cudaVersion: String
  allowedCudaVersions: [String]
}

input deployCpuPodInput {
  instanceId: String!
  containerDiskInGb: Int = 10
  containerRegistryAuthId: String
  cloudType: CloudTypeEnum
  countryCode: String
  deployCost: Float
  dockerArgs: String
  env: [EnvironmentVariableInput]
  imageName: String
  minDisk: Int
  minDownload: Int
  minUpload: Int
  name: String
  networkVolumeId: String
  ports: String
  startJupyter: Boolean
  startSsh: Boolean
  stopAfter: DateTime
  supportPublicIp: Boolean
  templateId: String
  terminateAfter: DateTime
  volumeKey: String
  volumeMountPath: String
  dataCenterId: String
}

input PodEditJobInput {
  podId: String!
  dockerArgs: String
  imageName: String!
  env: [EnvironmentVariableInput]
  port: Port
  ports: String
  containerDiskInGb: Int!
  volumeInGb: Int
  volumeMountPath: String
  containerRegistryAuthId: String
}

input PodStopInput {
  podId: String!
  incrementVersion: Boolean
}

input PodResumeInput {
  podId: String!
  gpuCount: Int
  syncMachine: Boolean
  computeType: ComputeType
  allowedCudaVersions: [String]
}

input PodBidResumeInput {
  podId: String!
  gpuCount: Int!
  bidPerGpu: Float!
}

input PodTerminateInput {
  podId: String!
}

input ListingsInput {
  searchQuery: String
  category: String
  limit: Int
  offset: Int
  orderBy: String
  orderDirection: String
  owner: String
}

type Listing {
  id: String
  repoId: String
  title: String
  repoName: String
  repoOwner: String
  repoOwnerAvatarUrl: String
  description: String
  category: String
  type: String
  tags: [String]
  stars: Int
  views: Int
  deploys: Int
  openIssues: Int
  watchers: Int
  language: String
  createdAt: DateTime
  updatedAt: DateTime
  listedRelease: HubRelease
}

type HubRelease {
  id: String
  name: String
  tagName: String
  body: String
  readme: String
  branch: String
  license: String
  config: String
  deploys: Int
  iconUrl: String
  authorName: String
  createdAt: DateTime
  releasedAt: DateTime
  updatedAt: DateTime
  build: GitBuild
  tests: String
}

type GitBuild {
  id: String
  imageName: String
}

type Model {
  id: ID
  owner: String
  name: String
  provider: String
  status: String
  createdAt: DateTime
  updatedAt: DateTime
  users: [ModelUser]
  versions: [ModelVersion]
}

type ModelUser {
  userId: String
  credentialType: String
  credentialReference: String
  status: String
  updatedAt: DateTime
}

type ModelVersion {
  uuid: ID
  hash: ID
  status: String
  metadata: JSON
  createdAt: DateTime
  updatedAt: DateTime
}

enum ModelVersionStatus {
  PENDING
  UPLOADING
  READY
  FAILED
  DELETED
}

type ModelRepoMutationResult {
  success: Boolean
  message: String
  model: Model
  version: ModelVersion
  modelVersion: ModelVersion
  upload: ModelRepoUpload
  sessionId: String
  status: String
}

type ModelRepoUpload {
  sessionId: String
  status: String
  uploadId: String
  bucket: String
  key: String
  keyPrefix: String
  partSizeBytes: Float
  partCount: Int
  expiresInSeconds: Int
  parts: [ModelRepoUploadPart]
  completeUrl: String
  abortUrl: String
}

type ModelRepoUploadPart {
  partNumber: Int
  url: String
  expiresAt: DateTime
}

input AddModelToRepoInput {
  name: String!
  owner: String
  provider: String
  credentialType: String
  credentialReference: String
  modelStatus: String
  versionHash: String
  versionStatus: String
  metadata: JSON
}

input RemoveModelFromRepoInput {
  owner: String
  name: String
}

input CreateModelRepoUploadInput {
  name: String!
  fileName: String!
  fileSizeBytes: String!
  owner: String
  partSizeBytes: String
  contentType: String
  credentialType: String
  credentialReference: String
  modelVersionUuid: String
  metadata: JSON
}

input CompleteModelRepoUploadInput {
  sessionId: String!
}

type AiApiPublicConfig {
  id: String
  aiApiId: String
  modelName: String
  displayName: String
  description: String
  metadata: String
  isLive: Boolean
  createdAt: DateTime
  updatedAt: DateTime
}

type FlashApp {
  id: String
  name: String
  flashEnvironments: [FlashEnvironment]
  flashBuilds: [FlashBuild]
}

type FlashEnvironment {
  id: String
  name: String
  state: String
  createdAt: DateTime
  activeBuildId: String
  activeArtifact: FlashArtifact
  endpoints: [Endpoint]
  networkVolumes: [NetworkVolume]
}

type FlashBuild {
  id: String
  objectKey: String
  createdAt: DateTime
  manifest: JSON
}

type FlashArtifact {
  objectKey: String
  downloadUrl: String
  expiresAt: DateTime
}

type FlashArtifactUpload {
  uploadUrl: String
  objectKey: String
  expiresAt: DateTime
}

type FlashAuthRequest {
  id: String
  status: String
  expiresAt: DateTime
  apiKey: String
}

input FlashEnvironmentByNameInput {
  flashAppId: String
  name: String
}

input CreateFlashAppInput {
  name: String!
}

input CreateFlashEnvironmentInput {
  flashAppId: String!
  name: String!
}

input PrepareFlashArtifactUploadInput {
  flashAppId: String!
  tarballSize: Int
}

input FinalizeFlashArtifactUploadInput {
  flashAppId: String!
  objectKey: String!
  manifest: JSON
}

input UpdateFlashBuildManifestInput {
  flashBuildId: String!
  manifest: JSON
}

input DeployBuildToEnvironmentInput {
  flashEnvironmentId: String!
  flashBuildId: String!
}

enum ClientCreditChargeType {
  CHARGE_SERVERLESS
  CHARGE_POD
  CHARGE_API
  CHARGE_STORAGE
  CHARGE_SAVINGS_PLAN
}

type ClientCreditCharge {
  amount: Float
  updatedAt: DateTime
  diskCharges: Float
  podCharges: Float
  apiCharges: Float
  serverlessCharges: Float
  type: ClientCreditChargeType
}

enum BillingGranularity {
  HOURLY
  DAILY
  WEEKLY
  MONTHLY
}

input UserBillingInput {
  granularity: BillingGranularity
}

type UserBilling {
  gpuCloud: [UserGpuCloudBilling]
  cpuCloud: [UserCpuCloudBilling]
  serverless(input: UserServerlessBillingInput): [UserServerlessBilling]
  runpodEndpoint: [UserRunpodEndpointBilling]
  storage: [UserStorageBilling]
  summary: [UserSummaryBilling]
}

enum UserServerlessBillingGroupBy {
  GPU_TYPE
  ENDPOINT
  INSTANCE_ID
}

input UserServerlessBillingInput {
  groupBy: UserServerlessBillingGroupBy
}

type UserServerlessBilling {
  time: DateTime
  amount: Float
  timeBilledSeconds: Int
  endpointId: String
  gpuTypeId: String
  instanceId: String
}

type UserGpuCloudBilling {
  gpuTypeId: String
  time: DateTime
  timeBilledSeconds: Int
  amount: Float
}

type UserCpuCloudBilling {
  cpuFlavorId: String
  time: DateTime
  timeBilledSeconds: Int
  amount: Float
}

type UserRunpodEndpointBilling {
  time: DateTime
  amount: Float
}

type UserStorageBilling {
  time: DateTime
  amount: Float
  diskSpaceBilledGB: Int
  networkStorageDiskSpaceBilledGB: Int
  networkStorageAmount: Float
  gpuDiskSpaceBilledGB: Int
  gpuStorageAmount: Float
  cpuDiskSpaceBilledGB: Int
  cpuStorageAmount: Float
  slsDiskSpaceBilledGB: Int
  slsStorageAmount: Float
}

type UserSummaryBilling {
  time: DateTime
  gpuCloudAmount: Float
  cpuCloudAmount: Float
  serverlessAmount: Float
  storageAmount: Float
  runpodEndpointAmount: Float
}
)graphql";

}  // namespace penstock::api
