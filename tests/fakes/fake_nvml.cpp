// A stand-in for NVIDIA's management library. What it says stands in the file that PENSTOCK_TEST_NVML names, read anew
// whenever the GPUs are counted, so that a test can change it under a running server:
//
//   driver 550.54.14
//   cuda 12040
//   init 9                 what nvmlInit answers
//   count 999              what counting the GPUs answers
//   hang                   counting never ends, after a file with ".hangs" at the end of its name was made
//   gpu uuid=GPU-1 type=NVIDIA_A40 memory=46068 used=100 load=37 celsius=40 ecc=2 pending=1 failed=1 xid=79 error=15
//
// Each gpu line is a GPU; an underscore in its type stands for a space; `error` is what every call about it answers,
// `handle_error` what asking for it answers. With FAKE_NVML_MINIMAL the optional functions are missing, with
// FAKE_NVML_BROKEN one that is needed.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Gpu {
  std::map<std::string, std::string> facts;

  std::string text(const std::string& key) const {
    const auto found = facts.find(key);
    return found == facts.end() ? "" : found->second;
  }
  long number(const std::string& key) const { return std::atol(text(key).c_str()); }
};

struct World {
  std::map<std::string, std::string> facts;
  std::vector<std::unique_ptr<Gpu>> gpus;
};

// None of these is ever destroyed and the library is never unloaded: a thread that hangs here outlives main().
World& world = *new World;
auto& gone = *new std::vector<std::unique_ptr<Gpu>>;  // handles that callers may still hold
auto& told = *new std::set<std::string>;              // Xids of which the event was given

void read_world() {
  for (auto& gpu : world.gpus) gone.push_back(std::move(gpu));
  world = World{};
  const char* path = std::getenv("PENSTOCK_TEST_NVML");
  std::ifstream file(path ? path : "");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first != "gpu") {
      words >> world.facts[first];
      continue;
    }
    auto gpu = std::make_unique<Gpu>();
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      std::string value = word.substr(equals + 1);
      for (char& c : value) c = c == '_' ? ' ' : c;
      gpu->facts[word.substr(0, equals)] = value;
    }
    world.gpus.push_back(std::move(gpu));
  }
}

int put(const std::string& text, char* out, unsigned size) {
  std::snprintf(out, size, "%s", text.c_str());
  return 0;
}

const Gpu& of(void* device) {
  return *static_cast<Gpu*>(device);
}

int error_of(void* device) {
  return static_cast<int>(of(device).number("error"));
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
  told.clear();
  read_world();
  return std::atoi(world.facts["init"].c_str());
}
int nvmlShutdown() {
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  read_world();
  if (world.facts.contains("hang")) {
    std::ofstream(std::string(std::getenv("PENSTOCK_TEST_NVML")) + ".hangs") << "yes";
    while (true) ::pause();
  }
  *count = static_cast<unsigned>(world.gpus.size());
  return std::atoi(world.facts["count"].c_str());
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= world.gpus.size()) return 2;
  *device = world.gpus[index].get();
  return static_cast<int>(of(*device).number("handle_error"));
}
int nvmlDeviceGetName(void* device, char* out, unsigned size) {
  const int error = error_of(device);
  return error != 0 ? error : put(of(device).text("type"), out, size);
}
#ifndef FAKE_NVML_BROKEN
int nvmlDeviceGetUUID(void* device, char* out, unsigned size) {
  return put(of(device).text("uuid"), out, size);
}
#endif

#ifndef FAKE_NVML_MINIMAL
const char* nvmlErrorString(int status) {
  return status == 15 ? "GPU is lost" : status == 9 ? "Driver Not Loaded" : "Unknown Error";
}
int nvmlSystemGetDriverVersion(char* out, unsigned size) {
  return put(world.facts["driver"], out, size);
}
int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  *version = std::atoi(world.facts["cuda"].c_str());
  return 0;
}
int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* memory) {
  constexpr unsigned long long kMegabyte = 1024 * 1024;
  memory[0] = static_cast<unsigned long long>(of(device).number("memory")) * kMegabyte;
  memory[2] = static_cast<unsigned long long>(of(device).number("used")) * kMegabyte;
  memory[1] = memory[0] - memory[2];
  return 0;
}
int nvmlDeviceGetUtilizationRates(void* device, unsigned* rates) {
  if (of(device).text("load").empty()) return 3;
  rates[0] = static_cast<unsigned>(of(device).number("load"));
  rates[1] = 0;
  return 0;
}
int nvmlDeviceGetTemperature(void* device, int, unsigned* celsius) {
  *celsius = static_cast<unsigned>(of(device).number("celsius"));
  return of(device).text("celsius").empty() ? 3 : 0;
}
int nvmlDeviceGetTotalEccErrors(void* device, int, int, unsigned long long* count) {
  *count = static_cast<unsigned long long>(of(device).number("ecc"));
  return of(device).text("ecc").empty() ? 3 : 0;
}
int nvmlDeviceGetRemappedRows(void* device, unsigned* corrected, unsigned* uncorrected, unsigned* pending,
                              unsigned* failed) {
  *corrected = *uncorrected = 0;
  *pending = static_cast<unsigned>(of(device).number("pending"));
  *failed = static_cast<unsigned>(of(device).number("failed"));
  return 0;
}
int nvmlEventSetCreate(void** set) {
  *set = &told;
  return 0;
}
int nvmlEventSetFree(void*) {
  return 0;
}
int nvmlDeviceRegisterEvents(void*, unsigned long long, void*) {
  return 0;
}
struct FakeEvent {
  void* device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
};
int nvmlEventSetWait_v2(void*, FakeEvent* event, unsigned) {
  for (auto& gpu : world.gpus) {
    if (gpu->text("xid").empty() || !told.insert(gpu->text("uuid") + " " + gpu->text("xid")).second) continue;
    *event = {gpu.get(), 8, static_cast<unsigned long long>(gpu->number("xid")), 0, 0};
    return 0;
  }
  return 10;
}
#endif

}  // extern "C"
