#include "server/admission.h"

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

constexpr Millis kHold{2'000};

class AdmissionTest : public testing::Test {
 protected:
  void filter(bool is_open, std::uint64_t bytes_max = UINT64_MAX) {
    admission_.filter(
        now_, [&](std::uint64_t bytes) { return is_open && bytes <= bytes_max; },
        [&](const core::Submit& submit) { return submit.request.idempotency_key == known_key_; }, commands_, replies_);
  }

  core::SaveTemplate make_template(core::Token to) { return {to, {}, {}}; }
  core::SaveTemplate change_template(core::Token to) {
    core::SaveTemplate command{to, {}, {}};
    command.input.id = std::string("t-1");
    return command;
  }
  core::TakeJobs poll(core::Token to) {
    core::TakeJobs command;
    command.to = to;
    return command;
  }
  core::Submit submission(core::Token to) {
    core::Submit command;
    command.to = to;
    return command;
  }

  std::string known_key_ = "known";
  Admission admission_{kHold};
  Time now_ = from_ms(1'000'000);
  std::vector<core::Command> commands_;
  std::vector<core::Reply> replies_;
};

TEST_F(AdmissionTest, WithRoomEverythingPasses) {
  commands_ = {submission(1), core::RetryJob{2, {}, {}}, make_template(3), poll(4)};
  filter(true);
  EXPECT_EQ(commands_.size(), 4U);
  EXPECT_TRUE(replies_.empty());
  EXPECT_FALSE(admission_.next_wakeup(now_));
}

TEST_F(AdmissionTest, WithoutRoomWhatIsNewIsRefusedAndTheRestPasses) {
  commands_ = {submission(1),      core::RetryJob{2, {}, {}},  make_template(3),        core::AttachWorker{4, {}},
               change_template(5), core::CancelJob{6, {}, {}}, core::PurgeQueue{7, {}}, core::FinishJob{},
               core::SaveAccount{}};
  filter(false);
  EXPECT_EQ(commands_.size(), 5U);
  ASSERT_EQ(replies_.size(), 4U);
  for (core::Token to = 1; to <= 4; ++to) {
    EXPECT_EQ(replies_[to - 1].to, to);
    const auto* error = std::get_if<Error>(&replies_[to - 1].what);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::no_space);
    EXPECT_NE(error->message.find("Free space"), std::string::npos);
  }
}

TEST_F(AdmissionTest, WithoutRoomARepeatedSubmissionPasses) {
  core::Submit again = submission(1);
  again.request.idempotency_key = known_key_;
  core::Submit other = submission(2);
  other.request.idempotency_key = "new";
  commands_ = {again, other};
  filter(false);
  ASSERT_EQ(commands_.size(), 1U);
  EXPECT_EQ(std::get<core::Submit>(commands_[0]).to, 1U);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].to, 2U);
}

TEST_F(AdmissionTest, WithoutRoomNothingIsAddedToBatches) {
  core::CreateBatch create;
  create.to = 1;
  core::AddToBatch add;
  add.to = 2;
  core::FinalizeBatch finalize;
  finalize.to = 3;
  core::CancelBatch cancel;
  cancel.to = 4;
  commands_ = {create, add, finalize, cancel};
  filter(false);
  EXPECT_EQ(commands_.size(), 1U);
  EXPECT_EQ(replies_.size(), 3U);
}

TEST_F(AdmissionTest, WhatIsTooLargeForTheRoomIsRefusedAlone) {
  const auto large = [&](core::Token to, std::size_t bytes) {
    core::Submit command = submission(to);
    command.request.input = core::bytes(std::string(bytes, 'x'));
    return command;
  };
  commands_ = {large(1, 50'000), large(2, 80'000), large(3, 10'000), poll(4), make_template(5)};
  filter(true, 100'000);
  EXPECT_EQ(commands_.size(), 4U);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].to, 2U);
}

TEST_F(AdmissionTest, PollsWaitForRoomAndComeBeforeWhatCameLater) {
  commands_ = {poll(1), poll(2)};
  filter(false);
  EXPECT_TRUE(commands_.empty());
  EXPECT_TRUE(replies_.empty());
  EXPECT_TRUE(admission_.next_wakeup(now_));
  commands_ = {core::Tick{}};
  filter(true);
  ASSERT_EQ(commands_.size(), 3U);
  EXPECT_EQ(std::get<core::TakeJobs>(commands_[0]).to, 1U);
  EXPECT_EQ(std::get<core::TakeJobs>(commands_[1]).to, 2U);
  EXPECT_FALSE(admission_.next_wakeup(now_));
}

TEST_F(AdmissionTest, APollIsAnsweredWithNothingWhenItsTimeIsOver) {
  commands_ = {poll(1)};
  filter(false);
  now_ += kHold;
  commands_ = {core::Tick{}};
  filter(false);
  EXPECT_EQ(commands_.size(), 1U);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_TRUE(std::get<core::HandOuts>(replies_[0].what).jobs.empty());
}

TEST_F(AdmissionTest, APollWhoseCallerLeftIsForgotten) {
  commands_ = {poll(1), poll(2)};
  filter(false);
  commands_ = {core::Forget{1}};
  filter(false);
  commands_.clear();
  filter(true);
  ASSERT_EQ(commands_.size(), 1U);
  EXPECT_EQ(std::get<core::TakeJobs>(commands_[0]).to, 2U);
}

TEST_F(AdmissionTest, TheEndAnswersThoseWhoWait) {
  commands_ = {poll(1)};
  filter(false);
  commands_ = {core::Shutdown{}};
  filter(false);
  EXPECT_EQ(commands_.size(), 1U);
  EXPECT_EQ(replies_.size(), 1U);
}

TEST_F(AdmissionTest, LargeResultsWaitForRoomAndNothingOfTheirJobOvertakesThem) {
  const auto chunk = [](core::Token to, const char* job, std::size_t bytes) {
    core::AddChunk command;
    command.to = to;
    command.job = *JobId::parse(job);
    command.chunk = core::bytes(std::string(bytes, 'x'));
    return command;
  };
  const auto finish = [](core::Token to, const char* job) {
    core::FinishJob command;
    command.to = to;
    command.job = *JobId::parse(job);
    return command;
  };
  commands_ = {chunk(1, "a", 100'000), chunk(2, "a", 10), finish(3, "a"), finish(4, "b")};
  filter(false);
  ASSERT_EQ(commands_.size(), 1U);
  EXPECT_EQ(std::get<core::FinishJob>(commands_[0]).to, 4U);
  EXPECT_TRUE(replies_.empty());
  EXPECT_TRUE(admission_.next_wakeup(now_));
  commands_ = {finish(5, "c")};
  filter(true);
  ASSERT_EQ(commands_.size(), 4U);
  EXPECT_EQ(std::get<core::AddChunk>(commands_[0]).to, 1U);
  EXPECT_EQ(std::get<core::AddChunk>(commands_[1]).to, 2U);
  EXPECT_EQ(std::get<core::FinishJob>(commands_[2]).to, 3U);
  EXPECT_FALSE(admission_.next_wakeup(now_));
}

TEST_F(AdmissionTest, AtTheEndLargeResultsThatWaitAreRefused) {
  core::FinishJob command;
  command.to = 1;
  command.output = core::bytes(std::string(100'000, 'x'));
  commands_ = {command};
  filter(false);
  EXPECT_TRUE(commands_.empty());
  commands_ = {core::Shutdown{}};
  filter(false);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].to, 1U);
  EXPECT_EQ(std::get<Error>(replies_[0].what).code, Errc::no_space);
}

}  // namespace
}  // namespace penstock::server
