#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kWorkerSdl = R"graphql(
input PodFilter {
  podId: String!
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
