#include "core/control/secret_rules.h"
#include "core/tests/rig.h"

// Secrets and registry credentials (contract/control-plane 2.8, B22). The core sees sealed values only.

namespace penstock::core {
namespace {

Result<std::string> named(std::string_view name) {
  return "<" + std::string(name) + ">";
}

TEST(SecretReferences, AreReplacedWhereverTheyStand) {
  EXPECT_EQ(*with_secrets("{{ RUNPOD_SECRET_a }}", named), "<a>");
  EXPECT_EQ(*with_secrets("x={{RUNPOD_SECRET_a}};y={{  RUNPOD_SECRET_b-1.c_D }}!", named), "x=<a>;y=<b-1.c_D>!");
  EXPECT_EQ(*with_secrets("{{{{ RUNPOD_SECRET_a }}}}", named), "{{<a>}}");
  EXPECT_EQ(*with_secrets("{{ {{ RUNPOD_SECRET_a }}", named), "{{ <a>");
}

TEST(SecretReferences, OtherTextStaysAsItIs) {
  for (const char* text :
       {"", "plain", "{{", "}}", "{{ }}", "{{ RUNPOD_SECRET_ }}", "{{ RUNPOD_SECRET_a", "{ RUNPOD_SECRET_a }",
        "{{ RUNPOD_SECRET_a b }}", "{{ OTHER_a }}", "{{ runpod_secret_a }}"}) {
    EXPECT_EQ(*with_secrets(text, named), text);
  }
}

TEST(SecretReferences, AreListedOnceEach) {
  const std::vector<EnvVar> env = {{"A", "{{ RUNPOD_SECRET_one }}{{ RUNPOD_SECRET_two }}"},
                                   {"B", "{{ RUNPOD_SECRET_one }}"},
                                   {"{{ RUNPOD_SECRET_key }}", "plain"}};
  EXPECT_EQ(named_secrets(env), (std::vector<std::string>{"one", "two"}));
}

TEST(SecretReferences, AValueThatCannotBeGivenStopsThem) {
  const auto none = [](std::string_view) -> Result<std::string> { return fail(Errc::not_found, "no"); };
  EXPECT_EQ(with_secrets("{{ RUNPOD_SECRET_a }}", none).error().message, "no");
}

TEST(SecretValues, AreBounded) {
  EXPECT_TRUE(check_secret_value("value", std::string(kSecretBytesMax, 'x')));
  for (const std::string& bad : {std::string(), std::string(kSecretBytesMax + 1, 'x'), std::string("a\0b", 3)}) {
    const auto refused = check_secret_value("value", bad);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.starts_with("value ")) << refused.error().message;
  }
}

struct Secrets : testing::Test {
  Token save(const std::function<void(SecretInput&)>& edit) {
    SecretInput in;
    in.name = "token";
    in.sealed = std::string("sealed-1");
    edit(in);
    return rig.send(SaveSecret{0, rig.owner, in});
  }
  SecretId make(const std::string& name = "token", const std::string& sealed = "sealed-1") {
    return rig
        .reply<SecretReply>(save([&](auto& in) {
          in.name = name;
          in.sealed = sealed;
        }))
        .id;
  }
  Token keep_credential(const std::string& name, const std::string& id = "") {
    CredentialInput in;
    if (!id.empty()) in.id = id;
    in.name = name;
    in.sealed = "sealed";
    return rig.send(SaveCredential{0, rig.owner, in});
  }
  TemplateInput with_credential(const std::string& id) {
    TemplateInput in;
    in.name = "private image";
    in.image = std::string("example/image:1");
    in.registry_auth_id = id;
    in.is_serverless = true;
    return in;
  }

  Rig rig;
  AccountId stranger = *AccountId::parse("user_2");
};

TEST_F(Secrets, AreKeptAndComeBackAfterARestart) {
  const SecretId id = rig.reply<SecretReply>(save([](auto& in) { in.description = std::string("what for"); })).id;
  rig.restart();
  const Secret* found = rig.engine->find_secret(id);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "token");
  EXPECT_EQ(found->description, "what for");
  EXPECT_EQ(found->sealed, "sealed-1");
  EXPECT_EQ(rig.engine->secrets_of(rig.owner).size(), 1u);
  EXPECT_TRUE(rig.engine->secrets_of(stranger).empty());
}

TEST_F(Secrets, ChangeOneThingAtATime) {
  const SecretId id = make();
  const Time before = rig.now;
  rig.advance(Millis{5'000});
  save([&](auto& in) {
    in = SecretInput{};
    in.id = id.str();
    in.description = std::string("new");
  });
  EXPECT_EQ(rig.engine->find_secret(id)->sealed, "sealed-1");
  save([&](auto& in) {
    in = SecretInput{};
    in.id = id.str();
    in.sealed = std::string("sealed-2");
  });
  const Secret& after = *rig.engine->find_secret(id);
  EXPECT_EQ(after.sealed, "sealed-2");
  EXPECT_EQ(after.description, "new");
  EXPECT_EQ(after.name, "token");
  EXPECT_EQ(after.created, before);
  EXPECT_EQ(after.updated, rig.now);
}

TEST_F(Secrets, WhatIsRefusedChangesNothing) {
  make();
  EXPECT_EQ(rig.error(save([](auto&) {})), "secret names must be unique");
  for (const char* bad : {"", "with space", "{{", "a}}", "ä"}) {
    EXPECT_NE(rig.error(save([&](auto& in) { in.name = bad; })).find("letters, digits"), std::string::npos) << bad;
  }
  EXPECT_NE(rig.error(save([](auto& in) {
                 in.name = "other";
                 in.description = std::string(1'001, 'x');
               }))
                .find("description"),
            std::string::npos);
  EXPECT_EQ(rig.error(save([](auto& in) { in.id = std::string("nosuch"); })), "Secret not found");
  EXPECT_EQ(rig.engine->secrets_of(rig.owner).size(), 1u);
  EXPECT_EQ(rig.records<SecretSaved>().size(), 1u);
}

TEST_F(Secrets, OfSomebodyElseAreNotThere) {
  const SecretId id = make();
  EXPECT_EQ(rig.error(rig.send(DeleteSecret{0, stranger, id.str()})), "Secret not found");
  SecretInput in;
  in.id = id.str();
  in.sealed = std::string("stolen");
  EXPECT_EQ(rig.error(rig.send(SaveSecret{0, stranger, in})), "Secret not found");
  in.id = Field<std::string>();
  in.name = "token";
  EXPECT_FALSE(rig.reply<SecretReply>(rig.send(SaveSecret{0, stranger, in})).id.empty())
      << "names are an account's own";
}

TEST_F(Secrets, GoToTheWorkersThatNameThem) {
  make("one", "sealed-one");
  make("two", "sealed-two");
  const EndpointId id = rig.endpoint([](EndpointInput& in) {
    in.workers_min = std::int64_t{1};
    in.env = std::vector<EnvVar>{{"A", "{{ RUNPOD_SECRET_two }}{{ RUNPOD_SECRET_missing }}"}};
  });
  rig.advance(Millis{1'000});
  const StartWorker* start = nullptr;
  for (const auto& order : rig.all.orders) {
    if (const auto* one = std::get_if<StartWorker>(&order)) start = one;
  }
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(start->endpoint, id);
  ASSERT_EQ(start->secrets.size(), 1u);
  EXPECT_EQ(start->secrets[0].name, "two");
  EXPECT_EQ(start->secrets[0].sealed, "sealed-two");
}

TEST_F(Secrets, AreGoneWhenDeleted) {
  const SecretId id = make();
  rig.reply<Done>(rig.send(DeleteSecret{0, rig.owner, id.str()}));
  EXPECT_EQ(rig.error(rig.send(DeleteSecret{0, rig.owner, id.str()})), "Secret not found");
  rig.restart();
  EXPECT_TRUE(rig.engine->secrets_of(rig.owner).empty());
  EXPECT_FALSE(make().empty()) << "the name is free again";
}

TEST_F(Secrets, CredentialsAreKeptUnderUniqueNames) {
  const CredentialId id = rig.reply<CredentialReply>(keep_credential("hub")).id;
  EXPECT_EQ(id.str().size(), 25u);
  EXPECT_EQ(id.str()[0], 'c');
  EXPECT_EQ(rig.error(keep_credential("hub")), "registry credential names must be unique");
  EXPECT_NE(rig.error(keep_credential(" ")).find("name must not be empty"), std::string::npos);
  EXPECT_EQ(rig.error(keep_credential("", "nosuch")), "Registry credential not found");
  EXPECT_EQ(rig.reply<CredentialReply>(keep_credential("", id.str())).id, id);
  rig.restart();
  ASSERT_NE(rig.engine->find_credential(id), nullptr);
  EXPECT_EQ(rig.engine->find_credential(id)->name, "hub") << "an update keeps the name";
}

TEST_F(Secrets, TemplatesNameCredentialsThatExist) {
  const CredentialId id = rig.reply<CredentialReply>(keep_credential("hub")).id;
  EXPECT_EQ(rig.error(rig.send(SaveTemplate{0, rig.owner, with_credential("nosuch")})),
            "Container registry credential \"nosuch\" not found");
  EXPECT_EQ(rig.error(rig.send(SaveTemplate{0, stranger, with_credential(id.str())})),
            "Container registry credential \"" + id.str() + "\" not found");
  const TemplateId saved = rig.reply<TemplateReply>(rig.send(SaveTemplate{0, rig.owner, with_credential(id.str())})).id;
  const EndpointId endpoint = rig.endpoint([&](EndpointInput& in) {
    in.new_template.reset();
    in.template_id = saved.str();
  });
  rig.reply<Done>(rig.send(DeleteCredential{0, rig.owner, id.str()}));
  EXPECT_EQ(rig.engine->find_template(saved)->registry_auth_id, "") << "templates go on without";
  EXPECT_EQ(rig.engine->find_endpoint(endpoint)->version, 0) << "workers have their image already";
  rig.restart();
  EXPECT_EQ(rig.engine->find_template(saved)->registry_auth_id, "");
  EXPECT_EQ(rig.engine->find_credential(id), nullptr);
}

TEST_F(Secrets, ThereAreBounds) {
  rig.settings.secrets_max = 1;
  rig.settings.credentials_max = 1;
  rig.restart();
  make();
  keep_credential("hub");
  EXPECT_EQ(rig.error(save([](auto& in) { in.name = "other"; })), "this server keeps at most 1 secrets");
  EXPECT_EQ(rig.error(keep_credential("other")), "this server keeps at most 1 registry credentials");
}

}  // namespace
}  // namespace penstock::core
