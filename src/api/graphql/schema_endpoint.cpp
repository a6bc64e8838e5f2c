#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kEndpointSdl = R"graphql(
enum FlashBootType {
  OFF
  FLASHBOOT
  PRIORITY_FLASHBOOT
}

enum ComputeType {
  CPU
  GPU
}

enum Compliance {
  GDPR
  ISO_IEC_27001
  ISO_14001
  PCI_DSS
  HITRUST
  SOC_1_TYPE_2
  SOC_2_TYPE_2
  SOC_3_TYPE_2
  ITAR
  FISMA_HIGH
  HIPAA
  RENEWABLE
}

type Endpoint {
  id: String
  name: String
  templateId: String
  "GPU pools in order of preference, and -<GPU type> for types that are not wanted"
  gpuIds: String
  gpuCount: Int
  instanceIds: [String]
  computeType: ComputeType
  workersMin: Int
  workersMax: Int
  workersStandby: Int
  workersPFBTarget: Int
  "Seconds without a job after which a worker is stopped"
  idleTimeout: Int
  "Country codes or data centres, separated by commas; null means anywhere"
  locations: String
  dataCenterIds: [String]
  "QUEUE_DELAY or REQUEST_COUNT"
  scalerType: String
  scalerValue: Int
  networkVolumeId: String
  networkVolumeIds: [NetworkVolumeIds]
  networkVolume: NetworkVolume
  allowedCudaVersions: String
  minCudaVersion: String
  "Milliseconds; 0 means no limit, null the default of the server"
  executionTimeoutMs: Int
  "Milliseconds"
  requestTTL: Int
  "How long results are kept. Not in the hosted schema"
  retention: EndpointRetention
  flashBootType: FlashBootType
  flashEnvironmentId: String
  "QB: a queue in front of the workers"
  type: String
  modelReferences: [String]
  env: [EnvironmentVariable]
  compliance: [Compliance]
  "The workers"
  pods: [Pod]
  template: PodTemplate
  userId: String
  "Raised by every change that needs fresh workers"
  version: Int
  aiKey: String
  createdAt: DateTime
  hubReleaseId: String
  activeBuildid: String
  idePodId: String
  "Always null: no model is fetched ahead"
  modelStatus: JSON
  "LIVE (also when it is not given): how the workers are now. Other granularities are not implemented"
  workerState(input: WorkerStateInput!): [WorkerState]
  "Not implemented"
  webhookRequests(input: WebhookRequestsInput!): [WebhookRequestStatus]
}

"Of the results of /run jobs and of /runsync jobs"
type EndpointRetention {
  asyncSeconds: Int
  syncSeconds: Int
}

type WorkerState {
  time: DateTime
  initialized: Int
  ready: Int
  running: Int
  throttled: Int
}

type WebhookRequestStatus {
  time: DateTime
  responses: [Int]
}

input WorkerStateInput {
  granularity: EndpointStatisticGranularity
}

input WebhookRequestsInput {
  granularity: EndpointStatisticGranularity
}

enum EndpointStatisticGranularity {
  LIVE
  HOURLY
  DAILY
  WEEKLY
  MONTHLY
}

type NetworkVolumeIds {
  networkVolumeId: String
  dataCenterId: String
}

input EndpointInput {
  id: String
  name: String!
  templateId: String
  template: EndpointTemplateInput
  gpuIds: String
  gpuCount: Int = 1
  instanceIds: [String]
  workersMin: Int = 0
  workersMax: Int = 3
  workersStandby: Int
  workersPFBTarget: Int = 0
  idleTimeout: Int = 10
  scalerType: String
  scalerValue: Int = 4
  locations: String
  dataCenterIds: [String]
  networkVolumeId: String
  networkVolumeIds: [NetworkVolumeIdsInput]
  env: [EnvironmentVariableInput]
  allowedCudaVersions: String
  minCudaVersion: String
  executionTimeoutMs: Int
  requestTTL: Int
  "Not in the hosted schema. Null: as the server is set"
  retention: EndpointRetentionInput
  flashBootType: FlashBootType
  flashEnvironmentId: String
  bindEndpoint: Boolean = true
  repo: EndpointRepoInput
  hubReleaseId: String
  type: String
  modelName: String
  modelReferences: [String]
  cloudStorageConfig: CloudStorageConfigInput
  compliance: [Compliance]
}

"From a second to a year; null: as the server is set"
input EndpointRetentionInput {
  asyncSeconds: Int
  syncSeconds: Int
}

input NetworkVolumeIdsInput {
  networkVolumeId: String!
}

input EndpointTemplateInput {
  name: String!
  imageName: String
  containerDiskInGb: Int!
  dockerArgs: String
  env: [EnvironmentVariableInput]
  ports: String
  containerRegistryAuthId: String
  readme: String
  advancedStart: Boolean
  startJupyter: Boolean
  startSsh: Boolean
  startScript: String
  config: JSON
  volumeInGb: Int
  volumeMountPath: String
}

input EndpointRepoInput {
  repoName: String!
  branch: String
  dockerFilePath: String
  buildContext: String
  dockerArgs: String
  containerRegistryAuthId: String
}

input CloudStorageConfigInput {
  provider: String!
  region: String!
  bucketName: String!
  accessKey: String!
  secretKey: String!
}

input UpdateEndpointTemplateInput {
  endpointId: String!
  templateId: String!
}

type EnvironmentVariable {
  key: String
  value: String
}

input EnvironmentVariableInput {
  key: String!
  value: String!
}

enum TemplateCategory {
  CPU
  GPU
  NVIDIA
  AMD
}

type PodTemplate {
  id: String
  name: String
  imageName: String
  "The command: plain text, or {\"cmd\":[..],\"entrypoint\":[..]}"
  dockerArgs: String
  env: [EnvironmentVariable]
  ports: String
  containerDiskInGb: Int
  containerRegistryAuthId: String
  volumeInGb: Int
  volumeMountPath: String
  isServerless: Boolean
  isPublic: Boolean
  isRunpod: Boolean
  "The endpoint that uses it; null when it is free"
  boundEndpointId: String
  readme: String
  advancedStart: Boolean
  startJupyter: Boolean
  startSsh: Boolean
  startScript: String
  category: String
  "What was saved, as it was saved"
  config: JSON
  "Names of ports"
  portsConfig: [PortConfig]
  "Always 0: nothing is paid here"
  earned: Float
  runtimeInMin: Int
  allowedCudaVersions: [String]
  minVram: Int
  minRam: Int
  userId: String
}

type PortConfig {
  port: String
  name: String
}

input PortConfigInput {
  port: String!
  name: String!
}

input PodTemplateInput {
  isRunpod: Boolean
}

input SaveTemplateInput {
  id: String
  name: String!
  imageName: String
  containerDiskInGb: Int!
  volumeInGb: Int!
  dockerArgs: String
  env: [EnvironmentVariableInput]
  ports: String
  volumeMountPath: String
  containerRegistryAuthId: String
  isServerless: Boolean
  isPublic: Boolean
  readme: String
  advancedStart: Boolean
  startJupyter: Boolean
  startSsh: Boolean
  startScript: String
  config: JSON
  portsConfig: [PortConfigInput]
  category: TemplateCategory
}
)graphql";

}  // namespace penstock::api
