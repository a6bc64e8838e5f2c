#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kCatalogueSdl = R"graphql(
input GpuTypeFilter {
  id: String
  ids: [String!]
  cluster: Boolean
}

"A type of GPU that serverless pools name; whether this server has it, prices and counts say"
type GpuType {
  id: String
  displayName: String
  manufacturer: String
  memoryInGb: Int
  cudaCores: Int
  secureCloud: Boolean
  communityCloud: Boolean
  "0 when this server has the type, else null"
  securePrice: Float
  communityPrice: Float
  clusterPrice: Float
  oneWeekPrice: Float
  oneMonthPrice: Float
  threeMonthPrice: Float
  sixMonthPrice: Float
  oneYearPrice: Float
  communitySpotPrice: Float
  secureSpotPrice: Float
  "The most on one node"
  maxGpuCount: Int
  maxGpuCountCommunityCloud: Int
  maxGpuCountSecureCloud: Int
  minPodGpuCount: Int
  nodeGroupGpuSizes: [Int]
  nodeGroupDatacenters: [DataCenter]
  throughput: Int
  "Null when this server has no GPU of the type"
  lowestPrice(input: GpuLowestPriceInput): LowestPrice
}

"gpuCount, dataCenterId and countryCode choose among the GPUs of this server; the other keys are accepted"
input GpuLowestPriceInput {
  gpuCount: Int!
  countryCode: String
  dataCenterId: String
  includeAiApi: Boolean
  minDisk: Int
  minDownload: Int
  minMemoryInGb: Int
  minUpload: Int
  minVcpuCount: Int
  secureCloud: Boolean
  supportPublicIp: Boolean
  totalDisk: Int
  cudaVersion: String
  allowedCudaVersions: [String]
  minCudaVersion: String
  compliance: [Compliance]
  isCluster: Boolean
  podCount: Int
  throughput: Int
  globalNetwork: Boolean
  machineProducts: [MachineProduct]
}

"What this server has of a GPU type. Prices are 0, because the GPUs are yours, and null when none is free"
type LowestPrice {
  gpuName: String
  gpuTypeId: String
  minimumBidPrice: Float
  uninterruptablePrice: Float
  clusterPrice: Float
  minMemory: Int
  minVcpu: Int
  rentalPercentage: Float
  rentedCount: Int
  totalCount: Int
  "High, Medium or Low; null when none is free"
  stockStatus: String
  minDownload: Int
  minDisk: Int
  minUpload: Int
  countryCode: String
  supportPublicIp: Boolean
  compliance: [Compliance]
  maxGpuCount: Int
  maxUnreservedGpuCount: Int
  availableGpuCounts: [Int]
  gpuTypeDatacenters: [GpuTypeDataCenterAvailability]
  gpuTypeCudaVersions: [GpuTypeCudaVersion]
}

type GpuTypeCudaVersion {
  cudaVersion: String
  availability: String
}

type GpuTypeDataCenterAvailability {
  dataCenterId: String
  supportNetworkVolumes: Boolean
  availability: Availability
}

enum Availability {
  AVAILABLE
  UNAVAILABLE
}

enum MachineProduct {
  PODCLOUD
  CLUSTER
  SERVERLESS
}

type ServerlessGpuPool {
  id: String
  gpuTypeIds: [String]
}

input CpuFlavorInput {
  id: String
  slsOnly: Boolean
  isSls: Boolean
}

type CpuFlavor {
  id: String
  groupId: String
  groupName: String
  displayName: String
  minVcpu: Float
  maxVcpu: Int
  vcpuBurstable: Boolean
  ramMultiplier: Float
  diskLimitPerVcpu: Int
  specifics(input: SpecificsInput): Specifics
}

input SpecificsInput {
  instanceId: String
  dataCenterId: String
}

type Specifics {
  stockStatus: String
  securePrice: Float
  slsPrice: Float
}

"A CPU of this server"
type CpuType {
  id: String
  displayName: String
  manufacturer: String
  cores: Int
  threadsPerCore: Int
  groupId: String
}

enum DataCenterRegion {
  NORTH_AMERICA
  ASIA
  EUROPE
  MIDDLE_EAST
  AFRICA
  SOUTH_AMERICA
  OCEANIA
  ANTARCTICA
  UNKNOWN
}

"Where nodes of this server are; a node without a configured data centre is in one of its own name"
type DataCenter {
  id: String
  name: String
  location: String
  listed: Boolean
  storageSupport: Boolean
  globalNetwork: Boolean
  region: DataCenterRegion
  compliance: [Compliance]
  gpuAvailability(input: GpuAvailabilityInput): [GpuAvailability]
  cpuAvailability: [CpuAvailability]
}

type CpuAvailability {
  id: String
  displayName: String
  stockStatus: String
  available: Boolean
}

input GpuAvailabilityInput {
  gpuCount: Int
  minDisk: Int
  minMemoryInGb: Int
  minVcpuCount: Int
  secureCloud: Boolean
  allowedCudaVersions: [String]
  minCudaVersion: String
  includeAiApi: Boolean
  machineProducts: [MachineProduct]
}

type GpuAvailability {
  available: Boolean
  stockStatus: String
  gpuTypeId: String
  gpuType: GpuType
  gpuTypeDisplayName: String
  displayName: String
  id: String
}
)graphql";

}  // namespace penstock::api
