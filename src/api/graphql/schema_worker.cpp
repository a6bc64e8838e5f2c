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
  "What a CPU worker was asked to have; 0 on a GPU worker, which is not limited"
  vcpuCount: Float!
  "As vcpuCount"
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
  version: Int
  networkVolume: NetworkVolume
  containerRegistryAuthId: String
  "Always 0, like every price here: the machine is yours"
  adjustedCostPerHr: Float
  costMultiplier: Float
  cpuFlavorId: String
  cpuFlavor: CpuFlavor
  "CPU or GPU"
  machineType: String
  gpus: [Gpu]
  locked: Boolean
  volumeEncrypted: Boolean
  savingsPlans: [SavingsPlan]

  # Always null: this server has no such thing, or does not measure it.
  latestTelemetry: PodTelemetry
  aiApiId: String
  apiKey: String
  consumerUserId: String
  gpuPowerLimitPercent: Int
  lowestBidPriceToResume: Float
  volumeKey: String
}

"A GPU of the node, by its index there"
type Gpu {
  id: String!
  podId: String
}

type PodTelemetry {
  state: String
  time: DateTime
  cpuUtilization: Float
  memoryUtilization: Float
  averageGpuMetrics: GpuTelemetry
  individualGpuMetrics: [GpuTelemetry]
  lastStateTransitionTimestamp: Int
}

type GpuTelemetry {
  id: String
  percentUtilization: Float
  temperatureCelcius: Float
  memoryUtilization: Float
  powerWatts: Float
}

type MachineSystem {
  os: String
  cudaVersion: String
  diskTotal: Float
  diskFree: Float
  dockerVersion: String
  kernelVersion: String
}

type SavingsPlan {
  startTime: DateTime
  endTime: DateTime
  gpuType: GpuType
  gpuTypeId: String
  podId: String
  pod: Pod
  savingsPlanType: String
  costPerHr: Float
  upfrontCost: Float
  planLength: String
}

"The node of a worker"
type PodMachineInfo {
  id: String
  podHostId: String
  gpuDisplayName: String
  gpuTypeId: String
  gpuType: GpuType
  "Free ones of that type on the node"
  gpuAvailable: Int
  location: String
  dataCenterId: String
  machineType: String
  secureCloud: Boolean
  costPerHr: Float
  currentPricePerGpu: Float
  listed: Boolean
  minPodGpuCount: Int

  # Always null: not known here.
  supportPublicIp: Boolean
  note: String
  runpodIp: String
  machineSystem: MachineSystem
  diskMBps: Int
  maxDownloadSpeedMbps: Int
  maxUploadSpeedMbps: Int
  maintenanceStart: DateTime
  maintenanceEnd: DateTime
  maintenanceNote: String
  cpuTypeId: String
  cpuType: CpuType
  cpuCount: Int
  vcpuTotal: Int
  vcpuReserved: Float
  memoryTotal: Int
  memoryReserved: Float
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
