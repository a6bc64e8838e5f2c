#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kSchemaSdl = R"graphql(
schema {
  query: Query
  mutation: Mutation
}

"An instant in UTC, such as 2024-07-12T19:14:40.144Z"
scalar DateTime

"Always null; the key is there all the same"
scalar Void

"Always null"
scalar Port

type Query {
  "The account of the key; null without a key"
  myself: User
  "A template of the account; null when there is none of this id"
  podTemplate(id: String!): PodTemplate
}

type Mutation {
  "Creates an endpoint, or modifies the one that `id` names"
  saveEndpoint(input: EndpointInput!): Endpoint!
  "Deletes an endpoint whose workersMin and workersMax are 0"
  deleteEndpoint(id: String!): Void
  "Gives an endpoint another template"
  updateEndpointTemplate(input: UpdateEndpointTemplateInput): Endpoint
  "Creates a template, or modifies the one that `id` names"
  saveTemplate(input: SaveTemplateInput): PodTemplate
  "Deletes a template that no endpoint uses, by its name"
  deleteTemplate(templateName: String): Void
}

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
}

type NetworkVolumeIds {
  networkVolumeId: String
  dataCenterId: String
}

"There are none on this server"
type NetworkVolume {
  id: String
  name: String
  size: Int
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
  userId: String
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
  category: TemplateCategory
}

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

enum PodStatus {
  CREATED
  RUNNING
  RESTARTING
  EXITED
  PAUSED
  DEAD
  TERMINATED
}

enum PodType {
  INTERRUPTABLE
  RESERVED
  BID
  BACKGROUND
}

"A worker"
type Pod {
  id: String!
  name: String!
  "The node that it runs on"
  machineId: String!
  imageName: String
  desiredStatus: PodStatus!
  podType: PodType
  dockerArgs: String
  dockerId: String
  "What template and endpoint set, as NAME=value"
  env: [String]
  port: Port
  ports: String
  gpuCount: Int!
  "0: not limited by this server"
  vcpuCount: Float!
  "0: not limited by this server"
  memoryInGb: Float!
  containerDiskInGb: Int
  volumeInGb: Float
  volumeMountPath: String
  "Always 0: the GPUs are yours"
  costPerHr: Float!
  templateId: String
  networkVolumeId: String
  lastStatusChange: String
  machine: PodMachineInfo
  "Always null: this server measures no use inside workers"
  runtime: PodRuntime
  uptimeSeconds: Int
  lastStartedAt: DateTime
  createdAt: DateTime
  endpoint: Endpoint
  "The version of the endpoint that it was started for"
  slsVersion: Int
}

"The node of a worker"
type PodMachineInfo {
  id: String
  podHostId: String
  gpuDisplayName: String
  gpuTypeId: String
  location: String
  dataCenterId: String
}

type PodRuntime {
  uptimeInSeconds: Int
  ports: [PodRuntimePorts]
  gpus: [PodRuntimeGpus]
  container: PodRuntimeContainer
}

type PodRuntimePorts {
  ip: String
  isIpPublic: Boolean
  privatePort: Int
  publicPort: Int
  type: String
}

type PodRuntimeGpus {
  id: String
  gpuUtilPercent: Int
  memoryUtilPercent: Int
}

type PodRuntimeContainer {
  cpuPercent: Int
  memoryPercent: Int
}
)graphql";

}  // namespace penstock::api
