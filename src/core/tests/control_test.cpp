#include "core/tests/rig.h"

// The control plane of the engine: what needs more than one object (contract/control-plane 1.3, 2.1 to 2.8).

namespace penstock::core {
namespace {

TemplateInput serverless(const std::string& name) {
  TemplateInput in;
  in.name = name;
  in.image = std::string("example/image:1");
  in.is_serverless = true;
  return in;
}

struct Control : testing::Test {
  TemplateId save_template(const TemplateInput& input) {
    return rig.reply<TemplateReply>(rig.send(SaveTemplate{0, rig.owner, input})).id;
  }
  Token create(const Rig::Edit& edit) {
    EndpointInput in;
    in.name = "created";
    in.gpu_ids = std::string("ADA_24");
    edit(in);
    return rig.send(SaveEndpoint{0, rig.owner, in});
  }
  const Endpoint& endpoint(const EndpointId& id) { return *rig.engine->find_endpoint(id); }
  std::size_t records_now() const { return rig.last.records.size(); }

  Rig rig;
};

// ---------------------------------------------------------------- create

TEST_F(Control, AnEndpointAndItsTemplateAreMade) {
  const EndpointId id = rig.endpoint();
  EXPECT_EQ(id.str().size(), 14u);
  EXPECT_EQ(id.str().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
  EXPECT_EQ(endpoint(id).version, 0);
  EXPECT_EQ(endpoint(id).created, rig.now);
  EXPECT_EQ(endpoint(id).owner, rig.owner);
  const Template& value = *rig.engine->find_template(endpoint(id).template_id);
  EXPECT_TRUE(value.is_serverless);
  EXPECT_EQ(value.bound_endpoint, id);
  EXPECT_EQ(value.id.str().size(), 10u);
}

TEST_F(Control, ListsAreOldestFirst) {
  const EndpointId a = rig.endpoint();
  const EndpointId b = rig.endpoint();
  const EndpointId c = rig.endpoint();
  std::vector<EndpointId> ids;
  for (const Endpoint* one : rig.engine->endpoints_of(rig.owner)) ids.push_back(one->id);
  EXPECT_EQ(ids, (std::vector<EndpointId>{a, b, c}));
  EXPECT_EQ(rig.engine->templates_of(rig.owner).size(), 3u);
  EXPECT_TRUE(rig.engine->endpoints_of(*AccountId::parse("user_2")).empty());
}

TEST_F(Control, TemplatesOfACreate) {
  EXPECT_EQ(rig.error(create([](auto&) {})), "templateId is required");
  EXPECT_EQ(rig.error(create([](auto& in) { in.template_id = std::string("unknown"); })), "Template not found");
  EXPECT_EQ(rig.error(create([](auto& in) { in.template_id = std::string("no/id"); })), "Template not found");
  const TemplateId pod = [&] {
    TemplateInput in = serverless("for pods");
    in.is_serverless = false;
    return save_template(in);
  }();
  EXPECT_EQ(rig.error(create([&](auto& in) { in.template_id = pod.str(); })), "Template is not a serverless template");
  const EndpointId other = rig.endpoint();
  EXPECT_EQ(rig.error(create([&](auto& in) { in.template_id = rig.template_of(other).str(); })),
            "Template is already bound to another endpoint");
  const TemplateId free = save_template(serverless("free"));
  EXPECT_EQ(rig.error(create([&](auto& in) {
    in.template_id = free.str();
    in.new_template = serverless("too");
  })),
            "Provide either templateId or template, not both");
  EXPECT_EQ(rig.error(create([&](auto& in) { in.new_template = serverless("free"); })),
            "endpoint template names must be unique");
  EXPECT_EQ(rig.engine->endpoints_of(rig.owner).size(), 1u) << "nothing was created by what was refused";
  EXPECT_TRUE(rig.answered(create([&](auto& in) { in.template_id = free.str(); })));
  EXPECT_TRUE(rig.engine->find_template(free)->bound_endpoint);
}

TEST_F(Control, ARefusalChangesNothing) {
  const EndpointId id = rig.endpoint();
  rig.save(id, [](EndpointInput& in) { in.scaler_value = 0; });
  EXPECT_EQ(records_now(), 0u);
  create([](auto& in) {
    in.new_template = serverless("unused");
    in.workers_max = 100'000;
  });
  EXPECT_EQ(records_now(), 0u) << "also not the inline template";
  EXPECT_EQ(rig.engine->templates_of(rig.owner).size(), 1u);
}

TEST_F(Control, AnothersTemplateIsNotFound) {
  const AccountId other = *AccountId::parse("user_2");
  rig.apply(SaveAccount{Account{other, "", rig.now}});
  const auto theirs = rig.reply<TemplateReply>(rig.send(SaveTemplate{0, other, serverless("theirs")})).id;
  EXPECT_EQ(rig.error(create([&](auto& in) { in.template_id = theirs.str(); })), "Template not found");
  TemplateInput open = serverless("theirs");
  open.id = theirs.str();
  open.is_public = true;
  rig.send(SaveTemplate{0, other, open});
  EXPECT_TRUE(rig.answered(create([&](auto& in) { in.template_id = theirs.str(); })));
  EXPECT_EQ(rig.engine->endpoints_of(rig.owner).size(), 1u) << "a public one may be used";
}

TEST_F(Control, SharingIsASetting) {
  rig.settings.template_sharing = true;
  rig.restart();
  const EndpointId first = rig.endpoint();
  const Token second = create([&](auto& in) { in.template_id = rig.template_of(first).str(); });
  EXPECT_FALSE(rig.reply<EndpointReply>(second).id.empty());
}

// ---------------------------------------------------------------- quota (B4)

TEST_F(Control, TheQuotaIsOverTheWholeAccount) {
  rig.settings.workers_quota = 5;
  rig.restart();
  const EndpointId first = rig.endpoint();
  const Token refused = create([](auto& in) { in.new_template = serverless("second"); });
  EXPECT_EQ(rig.error(refused),
            "Max workers across all endpoints must not exceed your workers quota (5). Reduce the max workers for other "
            "endpoints or lower the max worker count for this endpoint to at most 2.");
  EXPECT_EQ(rig.code(refused), Errc::busy);
  rig.endpoint([](EndpointInput& in) { in.workers_max = 2; });
  EXPECT_NE(rig.error(rig.save(first, [](EndpointInput& in) { in.workers_max = 4; })).find("at most 3."),
            std::string::npos);
}

TEST_F(Control, AnAccountOverItsQuotaCanStillGoDown) {
  const EndpointId first = rig.endpoint();
  rig.endpoint();
  rig.settings.workers_quota = 2;  // less than what is there
  rig.restart();
  EXPECT_NE(rig.error(rig.save(first, [](EndpointInput& in) { in.workers_max = 1; })).find("at most 0."),
            std::string::npos);
  EXPECT_EQ(rig.reply<EndpointReply>(rig.save(first, [](EndpointInput& in) { in.workers_max = 0; })).id, first);
}

// ---------------------------------------------------------------- modify

TEST_F(Control, UnknownOrForeignEndpointsAreNotFound) {
  const EndpointId id = rig.endpoint();
  EndpointInput in;
  in.id = std::string("nosuchendpoint");
  in.name = "name";
  EXPECT_EQ(rig.error(rig.send(SaveEndpoint{0, rig.owner, in})), "Endpoint not found");
  in.id = id.str();
  EXPECT_EQ(rig.error(rig.send(SaveEndpoint{0, *AccountId::parse("user_2"), in})), "Endpoint not found");
  EXPECT_EQ(rig.error(rig.send(UpdateEndpointTemplate{0, rig.owner, "nosuchendpoint", "t"})), "Endpoint not found");
  EXPECT_EQ(rig.error(rig.send(DeleteEndpoint{0, rig.owner, "nosuchendpoint"})), "Endpoint not found");
  in.id = std::string();
  in.gpu_ids = std::string("ADA_24");
  in.new_template = serverless("fresh");
  EXPECT_FALSE(rig.reply<EndpointReply>(rig.send(SaveEndpoint{0, rig.owner, in})).id.empty()) << "\"\" creates";
}

TEST_F(Control, VersionsFollowWhatNeedsFreshWorkers) {
  const EndpointId id = rig.endpoint();
  rig.save(id, [](EndpointInput& in) { in.workers_max = 5; });
  EXPECT_EQ(endpoint(id).version, 0);
  rig.save(id, [](EndpointInput& in) { in.gpu_count = 2; });
  EXPECT_EQ(endpoint(id).version, 1);
  TemplateInput edit = serverless("template 1");
  edit.id = rig.template_of(id).str();
  edit.readme = std::string("text");
  rig.send(SaveTemplate{0, rig.owner, edit});
  EXPECT_EQ(endpoint(id).version, 1);
  edit.image = std::string("example/image:2");
  rig.send(SaveTemplate{0, rig.owner, edit});
  EXPECT_EQ(endpoint(id).version, 2);
  rig.send(SaveTemplate{0, rig.owner, edit});
  EXPECT_EQ(endpoint(id).version, 2) << "the same again changes nothing";
}

TEST_F(Control, TemplatesAreSwapped) {
  const EndpointId id = rig.endpoint();
  const TemplateId before = rig.template_of(id);
  const TemplateId after = save_template(serverless("after"));
  rig.send(UpdateEndpointTemplate{0, rig.owner, id.str(), after.str()});
  EXPECT_EQ(rig.template_of(id), after);
  EXPECT_EQ(endpoint(id).version, 1);
  EXPECT_FALSE(rig.engine->find_template(before)->bound_endpoint);
  EXPECT_EQ(rig.engine->find_template(after)->bound_endpoint, id);
  rig.send(UpdateEndpointTemplate{0, rig.owner, id.str(), after.str()});
  EXPECT_EQ(endpoint(id).version, 1) << "the same template again";
  rig.save(id, [&](EndpointInput& in) { in.template_id = before.str(); });
  EXPECT_EQ(endpoint(id).version, 2);
  EXPECT_EQ(rig.engine->find_template(before)->bound_endpoint, id);
  rig.save(id, [&](EndpointInput& in) { in.new_template = serverless("inline"); });
  EXPECT_EQ(endpoint(id).version, 3);
  EXPECT_FALSE(rig.engine->find_template(before)->bound_endpoint);
}

TEST_F(Control, AnEndpointMayLeaveItsTemplateUnbound) {
  const TemplateId shared = save_template(serverless("shared"));
  create([&](auto& in) {
    in.template_id = shared.str();
    in.bind_template = false;
  });
  EXPECT_FALSE(rig.engine->find_template(shared)->bound_endpoint);
}

// ---------------------------------------------------------------- templates

TEST_F(Control, TemplateNamesAreUniqueInAnAccount) {
  const TemplateId first = save_template(serverless("one"));
  const TemplateId second = save_template(serverless("two"));
  EXPECT_EQ(rig.error(rig.send(SaveTemplate{0, rig.owner, serverless("one")})), "template names must be unique");
  TemplateInput rename = serverless("one");
  rename.id = second.str();
  EXPECT_EQ(rig.error(rig.send(SaveTemplate{0, rig.owner, rename})), "template names must be unique");
  rename.id = first.str();
  EXPECT_EQ(rig.reply<TemplateReply>(rig.send(SaveTemplate{0, rig.owner, rename})).id, first) << "its own name is free";
  EXPECT_FALSE(
      rig.reply<TemplateReply>(rig.send(SaveTemplate{0, *AccountId::parse("user_2"), serverless("one")})).id.empty());
  rename.id = std::string("unknown");
  EXPECT_EQ(rig.error(rig.send(SaveTemplate{0, rig.owner, rename})), "Template not found");
}

TEST_F(Control, TemplatesInUseAreKept) {
  const EndpointId id = rig.endpoint();
  EXPECT_EQ(rig.error(rig.send(DeleteTemplate{0, rig.owner, "template 1"})),
            "Template is in use by an endpoint or pod and cannot be deleted");
  EXPECT_EQ(rig.error(rig.send(DeleteTemplate{0, rig.owner, "no such name"})), "Template not found");
  EXPECT_EQ(rig.error(rig.send(DeleteTemplate{0, *AccountId::parse("user_2"), "template 1"})), "Template not found");
  rig.save(id, [](EndpointInput& in) { in.workers_max = 0; });
  rig.send(DeleteEndpoint{0, rig.owner, id.str()});
  rig.reply<Done>(rig.send(DeleteTemplate{0, rig.owner, "template 1"}));
  EXPECT_TRUE(rig.engine->templates_of(rig.owner).empty());
  EXPECT_EQ(rig.error(rig.send(DeleteTemplate{0, rig.owner, "template 1"})), "Template not found");
}

// ---------------------------------------------------------------- delete

TEST_F(Control, DeletingAsksForZeroWorkers) {
  const EndpointId id = rig.endpoint();
  const Token refused = rig.send(DeleteEndpoint{0, rig.owner, id.str()});
  EXPECT_EQ(rig.error(refused), "Endpoint min and max workers must both be 0 before it can be deleted");
  EXPECT_NE(rig.engine->find_endpoint(id), nullptr);
  rig.save(id, [](EndpointInput& in) { in.workers_max = 0; });
  rig.reply<Done>(rig.send(DeleteEndpoint{0, rig.owner, id.str()}));
  EXPECT_EQ(rig.engine->find_endpoint(id), nullptr);
  EXPECT_FALSE(rig.engine->health(id));
  EXPECT_EQ(rig.error(rig.send(DeleteEndpoint{0, rig.owner, id.str()})), "Endpoint not found");
}

TEST_F(Control, DeletingKeepsTheTemplateUnbound) {
  const EndpointId id = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const TemplateId value = rig.template_of(id);
  rig.send(DeleteEndpoint{0, rig.owner, id.str()});
  ASSERT_NE(rig.engine->find_template(value), nullptr);
  EXPECT_FALSE(rig.engine->find_template(value)->bound_endpoint);
}

TEST_F(Control, DeletingEndsJobsAnswersCallersAndStopsWorkers) {
  rig.settings.delete_requires_zero_workers = false;
  rig.restart();
  const auto at = rig.staffed();
  const JobId running = rig.submit(at.endpoint);
  const Token waiting = rig.run_sync(at.endpoint, Millis{60'000});
  const Token stops = rig.poll_stops(at.endpoint, at.worker);
  rig.reply<Done>(rig.send(DeleteEndpoint{0, rig.owner, at.endpoint.str()}));
  EXPECT_EQ(rig.reply<JobReply>(waiting).job.status, JobStatus::cancelled);
  EXPECT_TRUE(rig.answered(stops));
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].id, at.worker);
  EXPECT_EQ(rig.books.find(running), nullptr);
  EXPECT_EQ(rig.code(rig.send(CancelJob{0, at.endpoint, running})), Errc::not_found);
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 1) << "until it has ended";
  rig.apply(WorkerExited{at.worker, 0, "exit code 0"});
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 0);
  EXPECT_EQ(rig.engine->find_worker(at.worker), nullptr);
}

TEST_F(Control, DeletingAlsoStopsAWorkerThatDrains) {
  const auto at = rig.staffed();
  rig.submit(at.endpoint);
  rig.save(at.endpoint, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  EXPECT_TRUE(rig.stopped().empty()) << "it may end its job first";
  rig.reply<Done>(rig.send(DeleteEndpoint{0, rig.owner, at.endpoint.str()}));
  ASSERT_EQ(rig.stopped().size(), 1u) << "there is no job to wait for any more";
  EXPECT_EQ(rig.stopped()[0].id, at.worker);
}

// ---------------------------------------------------------------- accounts and keys

TEST_F(Control, SettingsAreKeptAndComeBackAfterARestart) {
  const auto update = [&](Field<std::string> text) { return rig.send(UpdateSettings{0, rig.owner, std::move(text)}); };
  rig.reply<Done>(update(std::string("ssh-ed25519 AAAA me")));
  rig.restart();
  EXPECT_EQ(rig.engine->find_account(rig.owner)->pub_key, "ssh-ed25519 AAAA me");
  const std::size_t saved = rig.records<AccountSaved>().size();
  for (const auto& nothing : {Field<std::string>(), Field<std::string>::null()}) {
    rig.reply<Done>(update(nothing));
    EXPECT_EQ(rig.records<AccountSaved>().size(), saved);
    EXPECT_EQ(rig.engine->find_account(rig.owner)->pub_key, "ssh-ed25519 AAAA me");
  }
  EXPECT_NE(rig.error(update(std::string(64 * 1024 + 1, 'x'))).find("pubKey has 65537 bytes"), std::string::npos);
  rig.reply<Done>(update(std::string()));
  EXPECT_EQ(rig.engine->find_account(rig.owner)->pub_key, "");
}

TEST_F(Control, KeysAreFoundByHash) {
  rig.apply(SaveApiKey{ApiKey{"k1", rig.owner, "first", "aa", KeyScope::all, rig.now}});
  rig.apply(SaveApiKey{ApiKey{"k2", rig.owner, "second", "bb", KeyScope::read_only, rig.now}});
  EXPECT_EQ(rig.engine->find_key("bb")->id, "k2");
  EXPECT_EQ(rig.engine->find_key("cc"), nullptr);
  rig.apply(SaveApiKey{ApiKey{"k1", rig.owner, "first", "dd", KeyScope::all, rig.now}});
  EXPECT_EQ(rig.engine->find_key("aa"), nullptr) << "a key that gets a new hash loses the old one";
  EXPECT_EQ(rig.engine->find_key("dd")->id, "k1");
  EXPECT_EQ(rig.engine->first_account()->id, rig.owner);
}

}  // namespace
}  // namespace penstock::core
