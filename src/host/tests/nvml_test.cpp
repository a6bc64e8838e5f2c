#include "host/nvml.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "host/gpu_watch.h"
#include "host/gpus.h"

namespace penstock::host {
namespace {

using namespace std::chrono_literals;

const std::string kWhole = FAKES "/libnvidia-ml.so.1";

/// What the stand-in of the driver says (tests/fakes/fake_nvml.cpp).
class NvmlTest : public ::testing::Test {
 protected:
  NvmlTest() { ::setenv("PENSTOCK_TEST_NVML", file_.c_str(), 1); }
  ~NvmlTest() override { ::unlink(file_.c_str()); }

  void says(const std::string& text) {
    const std::string next = file_ + ".next";
    std::ofstream(next) << text;
    ::rename(next.c_str(), file_.c_str());
  }

  core::GpuReadings read(Nvml& nvml) {
    auto readings = nvml.read();
    EXPECT_TRUE(readings) << readings.error().message;
    return readings ? *readings : core::GpuReadings{};
  }

  std::string file_ = ::testing::TempDir() + "penstock_nvml_" + std::to_string(::getpid());
};

constexpr const char* kTwo =
    "driver 550.54.14\ncuda 12040\n"
    "gpu uuid=GPU-1 type=NVIDIA_A40 memory=46068 used=100 load=37 celsius=41 ecc=0\n"
    "gpu uuid=GPU-2 type=NVIDIA_GeForce_RTX_4090 memory=24564\n";

TEST_F(NvmlTest, reads_what_the_driver_says) {
  says(kTwo);
  auto nvml = open_nvml(kWhole);
  ASSERT_TRUE(nvml) << nvml.error().message;
  const auto readings = read(**nvml);
  EXPECT_EQ(readings.driver_version, "550.54.14");
  EXPECT_EQ(readings.cuda_version, "12.4");
  ASSERT_EQ(readings.gpus.size(), 2u);
  EXPECT_EQ(readings.gpus[0], (core::GpuReading{0, "GPU-1", "NVIDIA A40", 46'068, 100, 37, 41, ""}));
  EXPECT_EQ(readings.gpus[1],
            (core::GpuReading{1, "GPU-2", "NVIDIA GeForce RTX 4090", 24'564, 0, std::nullopt, std::nullopt, ""}))
      << "what it does not support is left open";
}

TEST_F(NvmlTest, a_library_with_the_needed_functions_only) {
  says(kTwo);
  auto nvml = open_nvml(FAKES "/fake_nvml_minimal.so");
  ASSERT_TRUE(nvml) << nvml.error().message;
  const auto readings = read(**nvml);
  EXPECT_EQ(readings.driver_version, "");
  ASSERT_EQ(readings.gpus.size(), 2u);
  EXPECT_EQ(readings.gpus[0], (core::GpuReading{0, "GPU-1", "NVIDIA A40", 0, {}, {}, {}, ""}));
}

TEST_F(NvmlTest, what_cannot_be_opened_says_why) {
  EXPECT_EQ(open_nvml("/nowhere/libnvidia-ml.so.1").error().code, Errc::not_found);
  EXPECT_EQ(open_nvml(FAKES "/fake_nvml_broken.so").error().message,
            FAKES "/fake_nvml_broken.so has no function nvmlDeviceGetUUID");
  says("init 9\n");
  const auto closed = open_nvml(kWhole);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, Errc::unavailable);
  EXPECT_EQ(closed.error().message, "the NVIDIA driver does not answer: Driver Not Loaded");
}

TEST_F(NvmlTest, problems_of_gpus_in_words) {
  says(
      "gpu uuid=GPU-1 type=NVIDIA_A40 memory=1 ecc=3\n"
      "gpu uuid=GPU-2 type=NVIDIA_A40 memory=1 error=15\n"
      "gpu uuid=GPU-3 type=NVIDIA_A40 memory=1 handle_error=15\n"
      "gpu uuid=GPU-4 type=NVIDIA_A40 memory=1 pending=1\n"
      "gpu uuid=GPU-5 type=NVIDIA_A40 memory=1 failed=1\n"
      "gpu uuid=GPU-6 type=NVIDIA_A40 memory=1 xid=79\n"
      "gpu uuid=GPU-7 type=NVIDIA_A40 memory=1 xid=31\n");
  auto nvml = open_nvml(kWhole);
  ASSERT_TRUE(nvml);
  const auto readings = read(**nvml);
  ASSERT_EQ(readings.gpus.size(), 7u);
  EXPECT_EQ(readings.gpus[0].problem, "3 uncorrected memory errors (ECC) since its last reset");
  EXPECT_EQ(readings.gpus[1].problem, "the driver says of it: GPU is lost");
  EXPECT_EQ(readings.gpus[1].uuid, "GPU-2");
  EXPECT_EQ(readings.gpus[2].problem, "the driver says of it: GPU is lost");
  EXPECT_EQ(readings.gpus[2].uuid, "");
  EXPECT_EQ(readings.gpus[3].problem, "a faulty row of its memory is replaced only by a reset of the GPU");
  EXPECT_EQ(readings.gpus[4].problem, "a faulty row of its memory could not be replaced");
  EXPECT_EQ(readings.gpus[5].problem, "the driver reported Xid 79");
  EXPECT_EQ(readings.gpus[6].problem, "") << "a program's own mistake";
  EXPECT_EQ(read(**nvml).gpus[5].problem, "the driver reported Xid 79") << "an event is told once; the GPU stays bad";
}

TEST_F(NvmlTest, gpus_that_vanish_and_a_driver_that_goes_away) {
  says(kTwo);
  auto nvml = open_nvml(kWhole);
  ASSERT_TRUE(nvml);
  EXPECT_EQ(read(**nvml).gpus.size(), 2u);
  says("gpu uuid=GPU-2 type=NVIDIA_A40 memory=1\n");
  const auto left = read(**nvml);
  ASSERT_EQ(left.gpus.size(), 1u);
  EXPECT_EQ(left.gpus[0].uuid, "GPU-2");
  EXPECT_EQ(left.gpus[0].index, 0) << "the driver counts anew";
  says("count 999\n");
  const auto gone = (*nvml)->read();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::unavailable);
}

TEST_F(NvmlTest, nodes_come_from_the_library) {
  says(kTwo);
  HostOptions options;
  options.nvml = kWhole;
  const auto nodes = find_nodes(options);
  ASSERT_TRUE(nodes);
  EXPECT_EQ(describe(*nodes), "node local, CUDA 12.4, GPUs: 1xADA_24, 1xAMPERE_48");
  EXPECT_EQ(nodes->front().gpus[0].uuid, "GPU-1");
  EXPECT_EQ(nodes->front().gpus[0].memory_mb, 46'068);
  options.fake_gpus = "1xADA_24";
  EXPECT_TRUE(find_nodes(options)->front().emulated) << "exactly what was said, whatever there is";
  options.fake_gpus.clear();
  options.nvml = "off";
  EXPECT_TRUE(find_nodes(options)->front().emulated);
}

/// Collects readings from the watch's thread.
class Readings {
 public:
  GpuWatch::Sink sink() {
    return [this](core::GpuReadings readings) {
      const std::lock_guard lock(mutex_);
      last_ = std::move(readings);
      changed_.notify_all();
    };
  }
  bool wait(const std::function<bool(const core::GpuReadings&)>& good) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return last_ && good(*last_); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<core::GpuReadings> last_;
};

TEST_F(NvmlTest, the_watch_sees_changes_and_survives_a_driver_that_is_away) {
  says("init 9\n");
  Readings readings;
  const GpuWatch watch(kWhole, 5ms, readings.sink());
  says(kTwo);
  EXPECT_TRUE(readings.wait([](const auto& r) { return r.gpus.size() == 2; }));
  says("count 999\n");
  says("gpu uuid=GPU-1 type=NVIDIA_A40 memory=1 ecc=1\n");
  EXPECT_TRUE(readings.wait([](const auto& r) { return r.gpus.size() == 1 && !r.gpus[0].problem.empty(); }));
}

TEST_F(NvmlTest, the_watch_ends_although_the_driver_hangs) {
  says(kTwo);
  Readings readings;
  auto watch = std::make_unique<GpuWatch>(kWhole, 5ms, readings.sink());
  EXPECT_TRUE(readings.wait([](const auto& r) { return r.gpus.size() == 2; }));
  says("hang\n");
  const std::string hangs = file_ + ".hangs";
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (::access(hangs.c_str(), F_OK) != 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(::unlink(hangs.c_str()), 0);
  watch.reset();
}

}  // namespace
}  // namespace penstock::host
