#include <algorithm>

#include "api/graphql/resolvers.h"
#include "api/graphql/values.h"
#include "core/control/catalogue.h"

// The catalogue (contract/control-plane 2.10): every GPU type that a pool names, and what of it this server has.

namespace penstock::api {
namespace {

using graphql::Args;
using graphql::Binder;
using graphql::Input;
using graphql::ListValue;
using graphql::make_object;
using graphql::Schema;
using graphql::Value;
namespace model = ::penstock::core;

constexpr int kGpusPerWorkerMax = 64;  // as gpuCount accepts

struct GpuTypeView {
  const Core* core;
  const model::GpuType* type;
  model::GpuOffer offer;
};
struct LowestPriceView {
  const Core* core;
  const model::GpuType* type;
  model::GpuOffer offer;
  int count;
  std::string country;
};
struct PlaceOfType {
  std::string data_center;
  bool free;
};
struct FlavourView {
  const Core* core;
  const model::CpuFlavour* flavour;
};
struct SpecificsView {};
struct DataCenterView {
  const Core* core;
  model::DataCenter place;
};
struct AvailabilityView {
  const Core* core;
  const model::GpuType* type;
  model::GpuOffer offer;
  std::string id;
  int count;
};

/// A key of an argument that is an input object, as text; empty when it is absent.
std::string key_text(const Input* input, std::string_view key) {
  const auto* found = input ? input->find(key) : nullptr;
  return found && found->value.as_string() ? *found->value.as_string() : std::string();
}

int key_count(const Input* input) {
  const auto* found = input ? input->find("gpuCount") : nullptr;
  const auto* count = found ? found->value.as_int() : nullptr;
  return count ? static_cast<int>(std::clamp<std::int64_t>(*count, 1, 1'000'000)) : 1;
}

Value zero_if(bool condition) {
  return condition ? Value(0.0) : Value();
}

Value lowest_price(const Schema& schema, const GpuTypeView& v, const Args& args) {
  const Input* input = args.find("input");
  const std::string place = key_text(input, "dataCenterId");
  std::string country = key_text(input, "countryCode");
  const auto offer = gpu_offer(v.core->engine().fleet(), v.type->id, {place, country});
  if (offer.total == 0) return {};
  return make_object(schema, "LowestPrice",
                     LowestPriceView{v.core, v.type, offer, key_count(input), std::move(country)});
}

void bind_gpu_type(Schema& schema) {
  const auto nothing = [](const GpuTypeView&) { return Value(); };
  const auto price = [](const GpuTypeView& v) { return zero_if(v.offer.total > 0); };
  const auto most = [](const GpuTypeView& v) { return Value(v.offer.most); };
  Binder<GpuTypeView>(schema, "GpuType")
      .field("id", [](const GpuTypeView& v) { return Value(v.type->id); })
      .field("displayName", [](const GpuTypeView& v) { return Value(v.type->display_name); })
      .field("manufacturer", [](const GpuTypeView&) { return Value("Nvidia"); })
      .field("memoryInGb", [](const GpuTypeView& v) { return Value(v.type->memory_gb); })
      .field("secureCloud", [](const GpuTypeView& v) { return Value(v.offer.total > 0); })
      .field("communityCloud", [](const GpuTypeView&) { return Value(false); })
      .field("securePrice", price)
      .field("secureSpotPrice", price)
      .field("maxGpuCount", most)
      .field("maxGpuCountSecureCloud", most)
      .field("maxGpuCountCommunityCloud", [](const GpuTypeView&) { return Value(0); })
      .field("minPodGpuCount", [](const GpuTypeView&) { return Value(1); })
      .field("nodeGroupGpuSizes", [](const GpuTypeView&) { return Value(ListValue{}); })
      .field("nodeGroupDatacenters", [](const GpuTypeView&) { return Value(ListValue{}); })
      .field("lowestPrice", [&schema](const GpuTypeView& v, const Args& args) { return lowest_price(schema, v, args); })
      // No clusters, no community, no savings plans; nothing here counts cores.
      .field("cudaCores", nothing)
      .field("throughput", nothing)
      .field("clusterPrice", nothing)
      .field("communityPrice", nothing)
      .field("communitySpotPrice", nothing)
      .field("oneWeekPrice", nothing)
      .field("oneMonthPrice", nothing)
      .field("threeMonthPrice", nothing)
      .field("sixMonthPrice", nothing)
      .field("oneYearPrice", nothing);
}

Value places_of_type(const Schema& schema, const LowestPriceView& v) {
  const auto& fleet = v.core->engine().fleet();
  ListValue out;
  for (const auto& place : data_centers(fleet)) {
    const auto offer = gpu_offer(fleet, v.type->id, {place.id, v.country});
    if (offer.total == 0) continue;
    out.push_back(
        make_object(schema, "GpuTypeDataCenterAvailability", PlaceOfType{place.id, !offer.stock(v.count).empty()}));
  }
  return Value(std::move(out));
}

Value counts_up_to(int most) {
  ListValue out;
  for (int count = 1; count <= std::min(most, kGpusPerWorkerMax); ++count) out.emplace_back(count);
  return Value(std::move(out));
}

void bind_lowest_price(Schema& schema) {
  const auto nothing = [](const LowestPriceView&) { return Value(); };
  const auto price = [](const LowestPriceView& v) { return zero_if(!v.offer.stock(v.count).empty()); };
  Binder<LowestPriceView>(schema, "LowestPrice")
      .field("gpuName", [](const LowestPriceView& v) { return Value(v.type->display_name); })
      .field("gpuTypeId", [](const LowestPriceView& v) { return Value(v.type->id); })
      .field("minimumBidPrice", price)
      .field("uninterruptablePrice", price)
      .field("stockStatus", [](const LowestPriceView& v) { return text_or_null(v.offer.stock(v.count)); })
      .field("totalCount", [](const LowestPriceView& v) { return Value(v.offer.total); })
      .field("rentedCount", [](const LowestPriceView& v) { return Value(v.offer.total - v.offer.free); })
      .field("rentalPercentage",
             [](const LowestPriceView& v) {
               return Value(static_cast<double>(v.offer.total - v.offer.free) / v.offer.total);
             })
      .field("countryCode", [](const LowestPriceView& v) { return text_or_null(v.country); })
      .field("maxGpuCount", [](const LowestPriceView& v) { return Value(v.offer.most); })
      .field("maxUnreservedGpuCount", [](const LowestPriceView& v) { return Value(v.offer.most_free); })
      .field("availableGpuCounts", [](const LowestPriceView& v) { return counts_up_to(v.offer.most_free); })
      .field("gpuTypeDatacenters", [&schema](const LowestPriceView& v) { return places_of_type(schema, v); })
      .field("gpuTypeCudaVersions", [](const LowestPriceView&) { return Value(ListValue{}); })
      // Not limited, or not known, by this server.
      .field("clusterPrice", nothing)
      .field("minMemory", nothing)
      .field("minVcpu", nothing)
      .field("minDownload", nothing)
      .field("minDisk", nothing)
      .field("minUpload", nothing)
      .field("supportPublicIp", nothing)
      .field("compliance", nothing);
  Binder<PlaceOfType>(schema, "GpuTypeDataCenterAvailability")
      .field("dataCenterId", [](const PlaceOfType& v) { return Value(v.data_center); })
      .field("supportNetworkVolumes", [](const PlaceOfType&) { return Value(true); })
      .field("availability", [](const PlaceOfType& v) { return Value(v.free ? "AVAILABLE" : "UNAVAILABLE"); });
}

Value specifics(const Schema& schema, const FlavourView& v, const Args& args) {
  const Input* input = args.find("input");
  const std::string place = key_text(input, "dataCenterId");
  if (!place.empty() && !find_data_center(v.core->engine().fleet(), place)) return {};
  const std::string instance = key_text(input, "instanceId");
  if (!instance.empty()) {
    const auto parsed = model::parse_instance_id(instance);
    if (!parsed || parsed->flavour != v.flavour) return {};
  }
  return make_object(schema, "Specifics", SpecificsView{});
}

void bind_cpu(Schema& schema) {
  Binder<FlavourView>(schema, "CpuFlavor")
      .field("id", [](const FlavourView& v) { return Value(v.flavour->id); })
      .field("groupId", [](const FlavourView& v) { return Value(v.flavour->id); })
      .field("groupName", [](const FlavourView& v) { return Value(v.flavour->group); })
      .field("displayName", [](const FlavourView& v) { return Value(v.flavour->group); })
      .field("minVcpu", [](const FlavourView&) { return Value(1.0); })
      .field("maxVcpu", [](const FlavourView&) { return Value(); })
      .field("vcpuBurstable", [](const FlavourView&) { return Value(true); })
      .field("ramMultiplier", [](const FlavourView& v) { return Value(double(v.flavour->ram_gb_per_vcpu)); })
      .field("diskLimitPerVcpu", [](const FlavourView& v) { return Value(v.flavour->disk_gb_per_vcpu); })
      .field("specifics", [&schema](const FlavourView& v, const Args& args) { return specifics(schema, v, args); });
  // CPU workers share the node: one more always finds a place.
  Binder<SpecificsView>(schema, "Specifics")
      .field("stockStatus", [](const SpecificsView&) { return Value("High"); })
      .field("securePrice", [](const SpecificsView&) { return Value(0.0); })
      .field("slsPrice", [](const SpecificsView&) { return Value(0.0); });
  Binder<CpuModel>(schema, "CpuType")
      .field("id", [](const CpuModel& v) { return Value(v.name); })
      .field("displayName", [](const CpuModel& v) { return Value(v.name); })
      .field("manufacturer", [](const CpuModel& v) { return text_or_null(v.manufacturer); })
      .field("cores", [](const CpuModel& v) { return Value(v.cores); })
      .field("threadsPerCore", [](const CpuModel& v) { return Value(v.threads_per_core); })
      .field("groupId", [](const CpuModel&) { return Value(); });
}

Value gpu_availability(const Schema& schema, const DataCenterView& v, const Args& args) {
  const int count = key_count(args.find("input"));
  const auto& fleet = v.core->engine().fleet();
  ListValue out;
  for (const auto& id : v.place.gpu_types) {
    out.push_back(make_object(
        schema, "GpuAvailability",
        AvailabilityView{v.core, model::find_gpu_type(id), gpu_offer(fleet, id, {v.place.id, {}}), id, count}));
  }
  return Value(std::move(out));
}

void bind_availability(Schema& schema) {
  const auto id = [](const AvailabilityView& v) { return Value(v.id); };
  const auto name = [](const AvailabilityView& v) { return Value(v.type ? v.type->display_name : v.id); };
  Binder<AvailabilityView>(schema, "GpuAvailability")
      .field("available", [](const AvailabilityView& v) { return Value(!v.offer.stock(v.count).empty()); })
      .field("stockStatus", [](const AvailabilityView& v) { return text_or_null(v.offer.stock(v.count)); })
      .field("gpuTypeId", id)
      .field("id", id)
      .field("gpuTypeDisplayName", name)
      .field("displayName", name)
      .field("gpuType", [&schema](const AvailabilityView& v) {
        return v.type ? gpu_type_value(schema, *v.core, *v.type) : Value();
      });
}

void bind_data_center(Schema& schema) {
  Binder<DataCenterView>(schema, "DataCenter")
      .field("id", [](const DataCenterView& v) { return Value(v.place.id); })
      .field("name", [](const DataCenterView& v) { return Value(v.place.id); })
      .field("location", [](const DataCenterView& v) { return text_or_null(v.place.country); })
      .field("region", [](const DataCenterView& v) { return Value(v.place.region); })
      .field("listed", [](const DataCenterView&) { return Value(true); })
      .field("storageSupport", [](const DataCenterView&) { return Value(true); })
      .field("globalNetwork", [](const DataCenterView&) { return Value(false); })
      .field("compliance", [](const DataCenterView&) { return Value(ListValue{}); })
      .field("gpuAvailability",
             [&schema](const DataCenterView& v, const Args& args) { return gpu_availability(schema, v, args); })
      .field("cpuAvailability",
             [&schema](const DataCenterView&) { return objects(schema, "CpuAvailability", model::cpu_flavours()); });
  Binder<model::CpuFlavour>(schema, "CpuAvailability")
      .field("id", [](const model::CpuFlavour& v) { return Value(v.id); })
      .field("displayName", [](const model::CpuFlavour& v) { return Value(v.group); })
      .field("stockStatus", [](const model::CpuFlavour&) { return Value("High"); })
      .field("available", [](const model::CpuFlavour&) { return Value(true); });
}

bool wanted(const model::GpuType& type, const Input* filter) {
  const std::string id = key_text(filter, "id");
  if (!id.empty() && type.id != id) return false;
  const auto* cluster = filter ? filter->find("cluster") : nullptr;
  if (cluster && cluster->value.as_bool() && *cluster->value.as_bool()) return false;
  const auto* ids = filter ? filter->find("ids") : nullptr;
  if (!ids || !ids->value.as_list()) return true;
  return std::ranges::any_of(*ids->value.as_list(), [&](const Input& one) { return *one.as_string() == type.id; });
}

}  // namespace

void bind_catalogue(Schema& schema) {
  bind_gpu_type(schema);
  bind_lowest_price(schema);
  bind_cpu(schema);
  bind_availability(schema);
  bind_data_center(schema);
  Binder<model::GpuPool>(schema, "ServerlessGpuPool")
      .field("id", [](const model::GpuPool& v) { return Value(v.id); })
      .field("gpuTypeIds",
             [](const model::GpuPool& v) { return Value(ListValue(v.gpu_types.begin(), v.gpu_types.end())); });
}

Value gpu_type_value(const Schema& schema, const Core& core, const model::GpuType& type) {
  return make_object(schema, "GpuType", GpuTypeView{&core, &type, gpu_offer(core.engine().fleet(), type.id, {})});
}

Value cpu_flavour_value(const Schema& schema, const Core& core, const model::CpuFlavour& flavour) {
  return make_object(schema, "CpuFlavor", FlavourView{&core, &flavour});
}

Value gpu_types_value(const Schema& schema, const Core& core, const Args& args) {
  ListValue out;
  for (const auto& type : model::gpu_types()) {
    if (wanted(type, args.find("input"))) out.push_back(gpu_type_value(schema, core, type));
  }
  return Value(std::move(out));
}

Value gpu_pools_value(const Schema& schema) {
  return objects(schema, "ServerlessGpuPool", model::gpu_pools());
}

Value cpu_flavours_value(const Schema& schema, const Core& core, const Args& args) {
  const std::string id = key_text(args.find("input"), "id");
  ListValue out;
  for (const auto& flavour : model::cpu_flavours()) {
    if (!id.empty() && flavour.id != id) continue;
    out.push_back(cpu_flavour_value(schema, core, flavour));
  }
  return Value(std::move(out));
}

Value cpu_types_value(const Schema& schema, const std::vector<CpuModel>& cpus) {
  return objects(schema, "CpuType", cpus);
}

Value data_centers_value(const Schema& schema, const Core& core) {
  ListValue out;
  for (auto& place : data_centers(core.engine().fleet())) {
    out.push_back(make_object(schema, "DataCenter", DataCenterView{&core, std::move(place)}));
  }
  return Value(std::move(out));
}

Value data_center_value(const Schema& schema, const Core& core, std::string_view id) {
  auto place = find_data_center(core.engine().fleet(), id);
  return place ? make_object(schema, "DataCenter", DataCenterView{&core, std::move(*place)}) : Value();
}

}  // namespace penstock::api
