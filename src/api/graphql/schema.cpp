#include "api/graphql/schema.h"

namespace penstock::api {
namespace {

constexpr std::string_view kRootSdl = R"graphql(
schema {
  query: Query
  mutation: Mutation
  subscription: Subscription
}

"An instant in UTC, such as 2024-07-12T19:14:40.144Z"
scalar DateTime

"Always null; the key is there all the same"
scalar Void

"A TCP port, 0 to 65535"
scalar Port

"Any JSON value"
scalar JSON

type Query {
  "The account of the key; null without a key"
  myself: User
  "Every type of GPU that a serverless pool names"
  gpuTypes(input: GpuTypeFilter): [GpuType]
  cpuFlavors(input: CpuFlavorInput): [CpuFlavor]
  "The CPUs of this server"
  cpuTypes: [CpuType]
  dataCenters: [DataCenter]
  "Countries in which this server has nodes"
  countryCodes: [String]
  "What gpuIds may name"
  serverlessGpuPools: [ServerlessGpuPool]
  "A worker; null when there is none of this id"
  pod(input: PodFilter): Pod
  "Templates that their owners made public; isRunpod true: official ones, of which there are none"
  podTemplates(input: PodTemplateInput): [PodTemplate]
  "An own or a public template; null when there is none of this id"
  podTemplate(id: String!): PodTemplate
  "Always empty: this server has no public models"
  allAiApiPublicConfigs: [AiApiPublicConfig]

  # Not implemented by this server: answered with an error.
  listings(input: ListingsInput!): [Listing]
  listing(id: String!): Listing
  listingFromRepo(repoOwner: String!, repoName: String!): Listing
  myModels: [Model]
  myModel(owner: String!, name: String!): Model
  flashApp(flashAppId: String!): FlashApp
  flashAppByName(flashAppName: String!): FlashApp
  flashEnvironment(flashEnvironmentId: String!): FlashEnvironment
  flashEnvironmentByName(input: FlashEnvironmentByNameInput!): FlashEnvironment
  flashBuild(flashBuildId: String!): FlashBuild
  flashAuthRequestStatus(flashAuthRequestId: String!): FlashAuthRequest
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
  createNetworkVolume(input: CreateNetworkVolumeInput!): NetworkVolume
  "Gives a network volume another name, or a larger size"
  updateNetworkVolume(input: UpdateNetworkVolumeInput!): NetworkVolume
  "Deletes a network volume that no endpoint names, with what it holds"
  deleteNetworkVolume(input: DeleteNetworkVolumeInput!): Void
  "Keeps user name and password of a container registry; they are never shown again"
  saveRegistryAuth(input: SaveRegistryAuthInput): ContainerRegistryAuth
  updateRegistryAuth(input: UpdateRegistryAuthInput): ContainerRegistryAuth
  "Templates that name it go on without"
  deleteRegistryAuth(registryAuthId: String): Void
  "Keeps a value that env may name as {{ RUNPOD_SECRET_<name> }}; it is never shown again"
  secretCreate(input: SecretCreateInput!): Secret
  secretValueUpdate(input: SecretValueUpdateInput!): Secret
  secretDescriptionUpdate(input: SecretDescriptionUpdateInput!): Secret
  secretDelete(id: ID!): Void
  updateUserSettings(input: UpdateUserSettingsInput): User

  # Not implemented by this server: answered with an error.
  podFindAndDeployOnDemand(input: PodFindAndDeployOnDemandInput): Pod
  podRentInterruptable(input: PodRentInterruptableInput!): Pod
  deployCpuPod(input: deployCpuPodInput!): Pod
  podStop(input: PodStopInput!): Pod
  podResume(input: PodResumeInput!): Pod
  podBidResume(input: PodBidResumeInput!): Pod
  podTerminate(input: PodTerminateInput!): Void
  podEditJob(input: PodEditJobInput!): Pod
  addModelToRepo(input: AddModelToRepoInput!): ModelRepoMutationResult
  removeModelFromRepo(input: RemoveModelFromRepoInput!): ModelRepoMutationResult
  createModelRepoUpload(input: CreateModelRepoUploadInput!): ModelRepoMutationResult
  completeModelRepoUpload(input: CompleteModelRepoUploadInput!): ModelRepoMutationResult
  updateModelVersionStatus(uuid: ID, hash: ID, status: ModelVersionStatus!): ModelRepoMutationResult
  createFlashApp(input: CreateFlashAppInput!): FlashApp
  deleteFlashApp(flashAppId: String!): Void
  createFlashEnvironment(input: CreateFlashEnvironmentInput!): FlashEnvironment
  deleteFlashEnvironment(flashEnvironmentId: String!): Void
  prepareFlashArtifactUpload(input: PrepareFlashArtifactUploadInput!): FlashArtifactUpload
  finalizeFlashArtifactUpload(input: FinalizeFlashArtifactUploadInput!): FlashBuild
  updateFlashBuildManifest(input: UpdateFlashBuildManifestInput!): FlashBuild
  deployBuildToEnvironment(input: DeployBuildToEnvironmentInput!): FlashEnvironment
  createFlashAuthRequest: FlashAuthRequest
}
)graphql";

}  // namespace

std::string schema_sdl() {
  std::string all;
  for (const auto part : {kRootSdl, kAccountSdl, kEndpointSdl, kWorkerSdl, kCatalogueSdl, kEventsSdl, kAbsentSdl})
    all += part;
  return all;
}

}  // namespace penstock::api
