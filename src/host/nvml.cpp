#include "host/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <map>

namespace penstock::host {
namespace {

// The few declarations of nvml.h that are used here; its binary interface is stable by NVIDIA's promise.
using Status = int;
using Device = void*;
using EventSet = void*;

constexpr Status kSuccess = 0;
constexpr Status kGpuIsLost = 15;
constexpr unsigned kTextSize = 96;
constexpr int kUncorrected = 1;  // nvmlMemoryErrorType_t
constexpr int kVolatile = 0;     // nvmlEccCounterType_t: since the last reset
constexpr int kGpuSensor = 0;
constexpr unsigned long long kXidEvent = 8;
constexpr int kEventsMax = 1'000;  // in one reading; a driver that floods is read again later

struct Memory {
  unsigned long long total, free, used;
};
struct Utilization {
  unsigned gpu, memory;
};
struct Event {
  Device device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
};

/// Xids that a program's own mistake causes; the GPU is well. The Kubernetes device plugin leaves the same ones out.
constexpr std::array<unsigned long long, 6> kXidsOfPrograms = {13, 31, 43, 45, 68, 109};

/// The functions; null: this version of the library has none.
struct Functions {
  Status (*init)() = nullptr;
  Status (*shutdown)() = nullptr;
  Status (*count)(unsigned*) = nullptr;
  Status (*handle)(unsigned, Device*) = nullptr;
  Status (*name)(Device, char*, unsigned) = nullptr;
  Status (*uuid)(Device, char*, unsigned) = nullptr;
  const char* (*error_text)(Status) = nullptr;
  Status (*driver_version)(char*, unsigned) = nullptr;
  Status (*cuda_version)(int*) = nullptr;
  Status (*memory)(Device, Memory*) = nullptr;
  Status (*utilization)(Device, Utilization*) = nullptr;
  Status (*temperature)(Device, int, unsigned*) = nullptr;
  Status (*ecc_errors)(Device, int, int, unsigned long long*) = nullptr;
  Status (*remapped_rows)(Device, unsigned*, unsigned*, unsigned*, unsigned*) = nullptr;
  Status (*make_events)(EventSet*) = nullptr;
  Status (*register_events)(Device, unsigned long long, EventSet) = nullptr;
  Status (*wait_event)(EventSet, Event*, unsigned) = nullptr;
  Status (*free_events)(EventSet) = nullptr;
};

class Library {
 public:
  explicit Library(void* handle) : handle_(handle) {}
  ~Library() { ::dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// The first of `names` that is there. A needed one that is not is remembered.
  template <class Function>
  void find(Function& into, std::initializer_list<const char*> names, bool needed = false) {
    for (const char* name : names) {
      if (void* found = ::dlsym(handle_, name)) {
        into = reinterpret_cast<Function>(found);
        return;
      }
    }
    if (needed && missing_.empty()) missing_ = *names.begin();
  }

  const std::string& missing() const { return missing_; }

 private:
  void* handle_;
  std::string missing_;
};

Functions find_functions(Library& library) {
  Functions all;
  library.find(all.init, {"nvmlInit_v2", "nvmlInit"}, true);
  library.find(all.shutdown, {"nvmlShutdown"}, true);
  library.find(all.count, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}, true);
  library.find(all.handle, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}, true);
  library.find(all.name, {"nvmlDeviceGetName"}, true);
  library.find(all.uuid, {"nvmlDeviceGetUUID"}, true);
  library.find(all.error_text, {"nvmlErrorString"});
  library.find(all.driver_version, {"nvmlSystemGetDriverVersion"});
  library.find(all.cuda_version, {"nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"});
  library.find(all.memory, {"nvmlDeviceGetMemoryInfo"});
  library.find(all.utilization, {"nvmlDeviceGetUtilizationRates"});
  library.find(all.temperature, {"nvmlDeviceGetTemperature"});
  library.find(all.ecc_errors, {"nvmlDeviceGetTotalEccErrors"});
  library.find(all.remapped_rows, {"nvmlDeviceGetRemappedRows"});
  library.find(all.make_events, {"nvmlEventSetCreate"});
  library.find(all.register_events, {"nvmlDeviceRegisterEvents"});
  library.find(all.wait_event, {"nvmlEventSetWait_v2", "nvmlEventSetWait"});
  library.find(all.free_events, {"nvmlEventSetFree"});
  return all;
}

std::string text_of(const Functions& functions, Status status) {
  const char* text = functions.error_text ? functions.error_text(status) : nullptr;
  return text ? text : "NVML error " + std::to_string(status);
}

int megabytes(unsigned long long bytes) {
  return static_cast<int>(bytes / (1024 * 1024));
}

class LoadedNvml final : public Nvml {
 public:
  LoadedNvml(std::unique_ptr<Library> library, const Functions& functions)
      : library_(std::move(library)), functions_(functions) {
    if (functions_.make_events && functions_.register_events && functions_.wait_event && functions_.free_events &&
        functions_.make_events(&events_) != kSuccess) {
      events_ = nullptr;
    }
  }
  ~LoadedNvml() override {
    if (events_) functions_.free_events(events_);
    functions_.shutdown();
  }

  Result<core::GpuReadings> read() override {
    core::GpuReadings out;
    unsigned count = 0;
    if (const Status status = functions_.count(&count); status != kSuccess) {
      return fail(Errc::unavailable, "the NVIDIA driver does not list its GPUs: " + text_of(functions_, status));
    }
    std::array<char, kTextSize> text{};
    if (functions_.driver_version && functions_.driver_version(text.data(), kTextSize) == kSuccess) {
      out.driver_version = text.data();
    }
    int cuda = 0;
    if (functions_.cuda_version && functions_.cuda_version(&cuda) == kSuccess && cuda > 0) {
      out.cuda_version = std::to_string(cuda / 1000) + "." + std::to_string(cuda % 1000 / 10);
    }
    std::map<Device, std::string> uuids;
    for (unsigned index = 0; index < count; ++index) out.gpus.push_back(read_gpu(index, uuids));
    read_events(uuids);
    for (auto& gpu : out.gpus) {
      const auto xid = xids_.find(gpu.uuid);
      if (gpu.problem.empty() && xid != xids_.end())
        gpu.problem = "the driver reported Xid " + std::to_string(xid->second);
    }
    return out;
  }

 private:
  core::GpuReading read_gpu(unsigned index, std::map<Device, std::string>& uuids) {
    core::GpuReading out;
    out.index = static_cast<int>(index);
    Device device = nullptr;
    std::array<char, kTextSize> text{};
    Status status = functions_.handle(index, &device);
    if (status == kSuccess) status = functions_.uuid(device, text.data(), kTextSize);
    if (status == kSuccess) out.uuid = text.data();
    if (status == kSuccess) status = functions_.name(device, text.data(), kTextSize);
    if (status == kSuccess) out.type = text.data();
    if (status == kSuccess) status = read_use(device, out);
    if (!out.uuid.empty()) {
      watch(device, out.uuid);
      uuids[device] = out.uuid;
    }
    if (status != kSuccess) {
      out.problem = "the driver says of it: " + text_of(functions_, status);
      return out;
    }
    out.problem = memory_problem(device);
    return out;
  }

  /// What a GPU does not support is left open; only a lost one is an error.
  Status read_use(Device device, core::GpuReading& out) {
    const auto lost = [](Status status) { return status == kGpuIsLost; };
    Memory memory{};
    Status status = functions_.memory ? functions_.memory(device, &memory) : kSuccess;
    if (lost(status)) return status;
    if (functions_.memory && status == kSuccess) {
      out.memory_mb = megabytes(memory.total);
      out.memory_used_mb = megabytes(memory.used);
    }
    Utilization use{};
    status = functions_.utilization ? functions_.utilization(device, &use) : kSuccess;
    if (lost(status)) return status;
    if (functions_.utilization && status == kSuccess) out.utilization_percent = static_cast<int>(use.gpu);
    unsigned degrees = 0;
    if (functions_.temperature && functions_.temperature(device, kGpuSensor, &degrees) == kSuccess) {
      out.temperature_c = static_cast<int>(degrees);
    }
    return kSuccess;
  }

  std::string memory_problem(Device device) const {
    unsigned long long errors = 0;
    if (functions_.ecc_errors && functions_.ecc_errors(device, kUncorrected, kVolatile, &errors) == kSuccess &&
        errors > 0) {
      return std::to_string(errors) + " uncorrected memory errors (ECC) since its last reset";
    }
    unsigned corrected = 0;
    unsigned uncorrected = 0;
    unsigned pending = 0;
    unsigned failed = 0;
    if (!functions_.remapped_rows ||
        functions_.remapped_rows(device, &corrected, &uncorrected, &pending, &failed) != kSuccess) {
      return "";
    }
    if (failed != 0) return "a faulty row of its memory could not be replaced";
    if (pending != 0) return "a faulty row of its memory is replaced only by a reset of the GPU";
    return "";
  }

  void watch(Device device, const std::string& uuid) {
    if (!events_ || watched_.contains(uuid)) return;
    watched_[uuid] = true;  // also when it is refused: a GPU without events stays one
    functions_.register_events(device, kXidEvent, events_);
  }

  void read_events(const std::map<Device, std::string>& uuids) {
    Event event{};
    for (int i = 0; events_ && i < kEventsMax && functions_.wait_event(events_, &event, 0) == kSuccess; ++i) {
      const auto gpu = uuids.find(event.device);
      const bool of_program = std::ranges::find(kXidsOfPrograms, event.data) != kXidsOfPrograms.end();
      if (event.type == kXidEvent && gpu != uuids.end() && !of_program) xids_[gpu->second] = event.data;
    }
  }

  std::unique_ptr<Library> library_;
  Functions functions_;
  EventSet events_ = nullptr;
  std::map<std::string, bool> watched_;             // by UUID
  std::map<std::string, unsigned long long> xids_;  // the last one of each GPU
};

}  // namespace

Result<std::unique_ptr<Nvml>> open_nvml(const std::string& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* why = ::dlerror();
    return fail(Errc::not_found, why ? why : library + " cannot be loaded");
  }
  auto loaded = std::make_unique<Library>(handle);
  const Functions functions = find_functions(*loaded);
  if (!loaded->missing().empty()) {
    return fail(Errc::unavailable, library + " has no function " + loaded->missing());
  }
  if (const Status status = functions.init(); status != kSuccess) {
    return fail(Errc::unavailable, "the NVIDIA driver does not answer: " + text_of(functions, status));
  }
  return std::make_unique<LoadedNvml>(std::move(loaded), functions);
}

}  // namespace penstock::host
