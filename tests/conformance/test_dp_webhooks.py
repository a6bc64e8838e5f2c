"""Webhooks: contract/data-plane 1.9 and 8.4, cases 45 to 48 and 66, and what Penstock promises beyond (docs/webhooks.md)."""

import re
import subprocess
import threading
import time

import pytest
import requests

from endpoints import Endpoints
from penstock import ROOT, wait_for
from receiver import Receiver

QUICK = {"webhooks.first_retry_ms": 100, "webhooks.retry_for_s": 0}


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def make_receiver():
    made = []

    def make(*args, **options) -> Receiver:
        made.append(Receiver(*args, **options))
        return made[-1].start()

    yield make
    for one in made:
        one.stop()


class Site:
    """A server of the test's own with one endpoint and a worker that the test drives."""

    def __init__(self, server):
        self.server = server
        self.client = server.client()
        self.endpoints = Endpoints(self.client)
        self.ep = self.endpoints.make()
        self.worker = self.endpoints.worker(self.ep)

    def complete(self, webhook: str, output=None, **envelope) -> str:
        job = self.client.run(self.ep, {"x": 1}, webhook=webhook, **envelope)
        assert self.worker.take_job()["id"] == job
        self.worker.finish(job, {"echo": {"x": 1}} if output is None else output)
        return job

    def api(self, method: str, path: str, **options) -> requests.Response:
        return requests.request(method, f"{self.server.url}/penstock/v1/{path}", timeout=30,
                                headers={"Authorization": f"Bearer {self.server.key}"}, **options)

    def deliveries(self, **query) -> list[dict]:
        answer = self.api("GET", "webhook-deliveries", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["deliveries"]

    def wait_delivery(self, job: str, status: str, timeout: float = 30) -> dict:
        def look():
            rows = self.deliveries(job=job)
            return rows[0] if rows and rows[0]["status"] == status else None

        return wait_for(look, timeout, f"the delivery of {job} to be {status}")

    def secret(self) -> str:
        answer = self.api("GET", "webhook-secret")
        assert answer.status_code == 200, answer.text
        return answer.json()["secret"]


@pytest.fixture
def site(fresh_server):
    def make(settings: dict | None = None, **options) -> Site:
        return Site(fresh_server({**QUICK, **(settings or {})}, **options))

    return make


def documented(language: str) -> str:
    """The verifying function as docs/webhooks.md gives it."""
    return re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.S).group(1)


def verify(secret: str, request, **options) -> bool:
    scope: dict = {}
    exec(documented("python"), scope)
    return scope["verify"](secret, request.headers["X-Penstock-Signature"], request.raw, **options)


# ---------------------------------------------------------------- the contract


def test_dp_046_one_post_with_the_job_its_input_and_its_webhook(site, receiver):
    here = site()
    job = here.complete(receiver.url("/hook?token=a%20b"))
    received = receiver.wait()
    here.wait_delivery(job, "DELIVERED")
    assert len(received) == 1
    post = received[0]
    assert (post.method, post.path) == ("POST", "/hook?token=a%20b")
    assert post.headers["Content-Type"] == "application/json"
    assert set(post.json) == {"delayTime", "executionTime", "id", "input", "output", "status", "webhook"}
    assert post.json["id"] == job and post.json["status"] == "COMPLETED"
    assert post.json["input"] == {"x": 1} and post.json["output"] == {"echo": {"x": 1}}
    assert post.json["webhook"] == receiver.url("/hook?token=a%20b")
    assert isinstance(post.json["delayTime"], int) and isinstance(post.json["executionTime"], int)


def test_dp_046_runsync_has_its_end_told_too(site, receiver):
    here = site()
    take = here.worker.start_take()
    answered: list = []
    asking = threading.Thread(target=lambda: answered.append(
        here.client.ok("POST", f"{here.ep}/runsync", {"input": {"y": 2}, "webhook": receiver.url()})))
    asking.start()
    job = take.result().json()
    assert job["webhook"] == receiver.url()
    here.worker.finish(job["id"], 5)
    asking.join(30)
    assert answered[0]["output"] == 5 and "webhook" not in answered[0] and "input" not in answered[0]
    assert receiver.wait()[0].json["output"] == 5


def test_the_trace_of_the_job_goes_along(site, receiver):
    here = site()
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = here.client.call("POST", f"{here.ep}/run", {"input": {}, "webhook": receiver.url()},
                              headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    here.client.ok("POST", f"{here.ep}/cancel/{answer.json()['id']}")
    assert receiver.wait()[0].headers["traceparent"].startswith(f"00-{trace}-")


def test_dp_047_three_attempts_in_all_and_the_job_stays_completed(site, make_receiver):
    here = site()
    receiver = make_receiver([500])
    job = here.complete(receiver.url())
    delivery = here.wait_delivery(job, "FAILED")
    assert delivery["attempts"] == 3 and delivery["lastStatusCode"] == 500
    received = receiver.received
    assert len(received) == 3
    assert len({one.delivery for one in received}) == 1 and received[0].delivery == delivery["id"]
    assert [one.headers["X-Penstock-Attempt"] for one in received] == ["1", "2", "3"]
    assert received[1].at - received[0].at >= 0.1 and received[2].at - received[1].at >= 0.3
    assert len({one.raw for one in received}) == 1
    assert here.client.status(here.ep, job)["status"] == "COMPLETED"


def test_dp_048_204_is_success(site, make_receiver):
    here = site()
    receiver = make_receiver([204])
    job = here.complete(receiver.url())
    delivery = here.wait_delivery(job, "DELIVERED")
    assert delivery["attempts"] == 1 and delivery["lastStatusCode"] == 204
    assert len(receiver.received) == 1


def test_dp_045_s3_config_is_never_told(site, receiver):
    here = site()
    here.complete(receiver.url(), s3Config={"accessId": "a", "accessSecret": "VERYSECRET"})
    assert b"VERYSECRET" not in receiver.wait()[0].raw


def test_dp_066_progress_is_not_told(site, receiver):
    here = site()
    job = here.client.run(here.ep, {}, webhook=receiver.url())
    here.worker.take_job()
    assert here.worker.progress(job, "half").status_code == 200
    here.worker.finish(job, "all")
    receiver.wait()
    here.wait_delivery(job, "DELIVERED")
    assert [one.json["output"] for one in receiver.received] == ["all"]


def test_every_other_end_is_told(site, receiver):
    here = site()
    failed = here.client.run(here.ep, {}, webhook=receiver.url())
    here.worker.take_job()
    here.worker.done(failed, {"error": "bad"})
    cancelled = here.client.run(here.ep, {}, webhook=receiver.url())
    here.client.ok("POST", f"{here.ep}/cancel/{cancelled}")
    purged = here.client.run(here.ep, {}, webhook=receiver.url())
    here.client.ok("POST", f"{here.ep}/purge-queue")
    expired = here.client.run(here.ep, {}, webhook=receiver.url())
    here.client.ok("GET", f"{here.ep}/status/{expired}?ttl=50")
    told = {one.json["id"]: one.json for one in receiver.wait(4)}
    assert told[failed]["status"] == "FAILED" and told[failed]["error"] == "bad"
    assert told[cancelled]["status"] == told[purged]["status"] == "CANCELLED"
    assert told[expired]["status"] == "TIMED_OUT"


def test_a_retried_job_has_its_second_end_told(site, receiver):
    here = site()
    job = here.client.run(here.ep, {}, webhook=receiver.url())
    here.worker.take_job()
    here.worker.done(job, {"error": "bad"})
    receiver.wait()
    here.client.ok("POST", f"{here.ep}/retry/{job}")
    here.worker.take_job()
    here.worker.finish(job, "good")
    first, second = receiver.wait(2)
    assert (first.json["status"], second.json["status"]) == ("FAILED", "COMPLETED")
    assert first.delivery != second.delivery


# ---------------------------------------------------------------- nothing is lost


def test_kill_9_while_the_receiver_is_down_delivers_later_with_the_same_id(site, make_receiver):
    here = site({"webhooks.first_retry_ms": 300, "webhooks.retry_for_s": 3600})
    receiver = make_receiver()
    receiver.stop()
    job = here.complete(receiver.url())
    before = wait_for(lambda: [row for row in here.deliveries(job=job) if row["attempts"] > 0], 30, "a failed attempt")[0]
    assert "Connection refused" in before["lastError"] and before["status"] == "PENDING"
    assert before["nextAttemptAt"]
    here.server.kill()
    receiver.start()
    here.server.start()
    post = receiver.wait()[0]
    assert post.delivery == before["id"]
    assert post.json["id"] == job and post.json["output"] == {"echo": {"x": 1}} and post.json["input"] == {"x": 1}
    assert verify(here.secret(), post)
    after = here.wait_delivery(job, "DELIVERED")
    assert after["id"] == before["id"] and after["attempts"] > before["attempts"]
    assert len(receiver.received) == 1


def test_kill_9_in_the_middle_of_a_post_sends_it_again(site, make_receiver):
    here = site()
    receiver = make_receiver([None, 200])
    job = here.complete(receiver.url())
    receiver.wait()
    here.server.kill()
    here.server.start()
    first, second = receiver.wait(2)
    assert first.delivery == second.delivery and first.raw == second.raw
    here.wait_delivery(job, "DELIVERED")


def test_sigterm_lets_a_post_end_and_forgets_none(site, make_receiver):
    here = site()
    receiver = make_receiver([None, 200])
    job = here.complete(receiver.url())
    receiver.wait()
    began = time.monotonic()
    assert here.server.terminate() == 0
    assert time.monotonic() - began < 10
    here.server.start()
    assert receiver.wait(2)[1].json["id"] == job


def test_a_busy_receiver_gets_each_of_many(site, receiver):
    here = site({"webhooks.in_flight": 4, "webhooks.in_flight_per_host": 2})
    jobs = [here.client.run(here.ep, {"n": n}, webhook=receiver.url()) for n in range(40)]
    for _ in range(10):
        for job in here.worker.take(batch=4).json():
            here.worker.finish(job["id"], job["input"])
    received = receiver.wait(40)
    assert sorted(one.json["id"] for one in received) == sorted(jobs)
    assert len({one.delivery for one in received}) == 40


# ---------------------------------------------------------------- signatures


def test_each_post_is_signed_as_documented(site, receiver, tmp_path):
    here = site()
    secret = here.secret()
    assert secret.startswith("whsec_") and len(secret) >= 40
    here.complete(receiver.url())
    post = receiver.wait()[0]
    assert verify(secret, post)
    assert not verify(secret + "x", post)
    assert not verify(secret, post, tolerance=-1)
    at = int(re.match(r"t=(\d+),v1=[0-9a-f]{64}$", post.headers["X-Penstock-Signature"]).group(1))
    assert abs(at - time.time()) < 60

    script = tmp_path / "verify.mjs"
    script.write_text(documented("js") + "\nconst [secret, header, body] = process.argv.slice(2);\n"
                      "console.log(verify(secret, header, body), verify(secret + 'x', header, body), "
                      "verify(secret, header, body + ' '));\n")
    told = subprocess.run(["node", script, secret, post.headers["X-Penstock-Signature"], post.raw.decode()],
                          capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split() == ["true", "false", "false"]


def test_a_new_secret_signs_beside_the_old_one_and_both_outlive_a_restart(site, receiver):
    here = site()
    old = here.secret()
    answer = here.api("POST", "webhook-secret/rotate")
    assert answer.status_code == 200
    new = answer.json()["secret"]
    assert new != old
    here.server.kill()
    here.server.start()
    assert here.secret() == new
    here.complete(receiver.url())
    post = receiver.wait()[0]
    assert verify(new, post) and verify(old, post)
    assert post.headers["X-Penstock-Signature"].count("v1=") == 2
    assert old.encode() not in (here.server.data / "penstock.db").read_bytes(), "secrets lie sealed"


# ---------------------------------------------------------------- deliveries


def test_deliveries_are_listed_in_pages_and_by_what_they_are(site, make_receiver):
    here = site()
    good, bad = make_receiver(), make_receiver([503])
    jobs = [here.complete(good.url()) for _ in range(5)]
    lost = here.complete(bad.url("/lost"))
    here.wait_delivery(lost, "FAILED")
    for job in jobs:
        here.wait_delivery(job, "DELIVERED")
    assert [row["jobId"] for row in here.deliveries()] == [lost, *reversed(jobs)]
    assert [row["jobId"] for row in here.deliveries(status="FAILED")] == [lost]
    assert [row["jobId"] for row in here.deliveries(job=jobs[2])] == [jobs[2]]
    assert len(here.deliveries(endpoint=here.ep)) == 6
    assert here.deliveries(endpoint="other") == []

    seen, cursor = [], None
    for _ in range(3):
        page = here.api("GET", "webhook-deliveries", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["jobId"] for row in page["deliveries"]]
        cursor = page["cursor"]
    assert seen == [lost, *reversed(jobs)] and cursor is None

    row = here.deliveries(status="FAILED")[0]
    assert row == {"id": row["id"], "endpointId": here.ep, "jobId": lost, "jobStatus": "COMPLETED", "url": bad.url("/lost"),
                   "status": "FAILED", "attempts": 3, "createdAt": row["createdAt"], "lastAttemptAt": row["lastAttemptAt"],
                   "lastStatusCode": 503, "lastError": "answered with HTTP status 503", "nextAttemptAt": None,
                   "settledAt": row["settledAt"]}
    assert here.api("GET", f"webhook-deliveries/{row['id']}").json() == row


def test_one_can_be_sent_again_with_its_id(site, make_receiver):
    here = site()
    receiver = make_receiver([500, 500, 500, 200])
    job = here.complete(receiver.url())
    delivery = here.wait_delivery(job, "FAILED")
    here.server.terminate()
    here.server.start()
    answer = here.api("POST", f"webhook-deliveries/{delivery['id']}/redeliver")
    assert answer.status_code == 200 and answer.json()["status"] == "PENDING", answer.text
    assert here.wait_delivery(job, "DELIVERED")["attempts"] == 4
    assert {one.delivery for one in receiver.received} == {delivery["id"]}
    assert receiver.received[3].raw == receiver.received[0].raw
    assert here.api("POST", f"webhook-deliveries/{delivery['id']}/redeliver").status_code == 200
    assert len(receiver.wait(5)) == 5


def test_one_that_is_being_sent_is_not_sent_twice(site, make_receiver):
    here = site()
    receiver = make_receiver([None])
    job = here.complete(receiver.url())
    receiver.wait()
    delivery = here.wait_delivery(job, "PENDING")
    answer = here.api("POST", f"webhook-deliveries/{delivery['id']}/redeliver")
    assert answer.status_code == 409 and "right now" in answer.json()["error"]


def test_a_delivery_outlives_its_endpoint(site, make_receiver):
    here = site({"webhooks.first_retry_ms": 300, "webhooks.retry_for_s": 3600})
    receiver = make_receiver()
    receiver.stop()
    job = here.client.run(here.ep, {}, webhook=receiver.url())
    here.worker.close()
    here.endpoints.close()
    receiver.start()
    assert receiver.wait()[0].json["status"] == "CANCELLED"
    assert here.wait_delivery(job, "DELIVERED")["endpointId"] == here.ep


@pytest.mark.parametrize("method,path,status,says", [
    ("GET", "webhook-deliveries?status=LOST", 400, "PENDING, DELIVERED and FAILED are accepted"),
    ("GET", "webhook-deliveries?limit=0", 400, "a number from 1 to 1000 is accepted"),
    ("GET", "webhook-deliveries?limit=many", 400, "a number from 1 to 1000 is accepted"),
    ("GET", "webhook-deliveries?endpoint=a/b", 400, "endpoint"),
    ("GET", "webhook-deliveries?cursor=a%20b", 400, "cursor"),
    ("GET", "webhook-deliveries/whd_none", 404, "not found"),
    ("GET", "webhook-deliveries/a%20b", 404, "is not an id"),
    ("POST", "webhook-deliveries/whd_none/redeliver", 404, "not found"),
    ("GET", "webhook-deliveries/whd_none/redeliver", 405, "use POST"),
    ("POST", "webhook-deliveries", 405, "use GET"),
    ("GET", "webhook-deliveries/whd_none/other", 404, "no such route"),
    ("POST", "webhook-secret", 405, "use GET"),
    ("GET", "webhook-secret/rotate", 405, "use POST"),
    ("GET", "webhook-secret/other", 404, "no such route"),
])
def test_wrong_requests_are_refused(server, method, path, status, says):
    url = f"{server.url}/penstock/v1/{path}"
    answer = requests.request(method, url, headers={"Authorization": f"Bearer {server.key}"}, timeout=30)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]
    assert requests.request(method, url, timeout=30).status_code == 401


# ---------------------------------------------------------------- where it may go

BAD_URLS = [
    (5, "webhook is 5; a URL in a string is accepted"),
    (["https://example.org"], "a URL in a string is accepted"),
    ("example.org/hook", "is not a URL"),
    ("ftp://example.org/", "is not http or https"),
    ("file:///etc/passwd", "is not"),
    ("https://user:word@example.org/", "has a user name or password"),
    ("https://example.org:0/", "has a port"),
    ("https://example.org:70000/", "has a port"),
    ("https://example.org/" + "x" * 2048, "at most 2048 are accepted"),
    ("http://169.254.169.254/latest/meta-data/", "metadata address"),
    ("http://[fe80::1]/", "link-local"),
    ("http://0.0.0.0:8420/", "unspecified"),
    ("http://224.0.0.1/", "multicast"),
]


@pytest.mark.parametrize("url,says", BAD_URLS)
def test_a_url_that_cannot_be_right_is_refused_when_submitted(client, ep, url, says):
    answer = client.call("POST", f"{ep}/run", {"input": {}, "webhook": url})
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"] and answer.json()["error"].startswith("webhook")
    assert client.health(ep)["jobs"]["inQueue"] == 0


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_url_is_no_webhook(client, ep, nothing):
    assert client.call("POST", f"{ep}/run", {"input": {}, "webhook": nothing}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:127.0.0.1]", "10.1.2.3", "192.168.1.1",
                                  "172.20.0.1", "[fd00::1]", "100.64.0.1"])
def test_private_addresses_are_refused_when_submitted_unless_allowed(site, host):
    here = site({"webhooks.allow_private": False})
    answer = here.client.call("POST", f"{here.ep}/run", {"input": {}, "webhook": f"http://{host}:8080/"})
    assert answer.status_code == 400
    assert "webhooks.allow_private" in answer.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1"])
def test_a_name_that_comes_to_a_private_address_is_not_connected_to(site, receiver, host):
    here = site({"webhooks.allow_private": False})
    job = here.complete(receiver.url(host=host))
    delivery = here.wait_delivery(job, "FAILED")
    assert "is a loopback address" in delivery["lastError"] and delivery["lastStatusCode"] is None
    assert receiver.received == []


def test_a_listed_network_is_allowed(site, receiver):
    here = site({"webhooks.allow_private": False, "webhooks.allowed_networks": "10.0.0.0/8,127.0.0.1"})
    here.complete(receiver.url())
    receiver.wait()


def test_without_process_images_the_own_machine_is_closed_by_default(site):
    here = site({"workers.process_images": False})
    answer = here.client.call("POST", f"{here.ep}/run", {"input": {}, "webhook": "http://127.0.0.1:1/"})
    assert answer.status_code == 400


def test_redirects_are_not_followed(site, make_receiver):
    here = site()
    aim = make_receiver()
    receiver = make_receiver([302], headers={"Location": aim.url()})
    delivery = here.wait_delivery(here.complete(receiver.url()), "FAILED")
    assert delivery["lastStatusCode"] == 302
    assert aim.received == []


def test_a_receiver_that_does_not_answer_is_left_after_the_time_limit(site, make_receiver):
    here = site({"webhooks.timeout_ms": 200})
    receiver = make_receiver([None])
    delivery = here.wait_delivery(here.complete(receiver.url()), "FAILED")
    assert "in time" in delivery["lastError"] and delivery["attempts"] == 3


def test_what_is_too_large_is_left_out_and_named(site, receiver):
    here = site({"webhooks.payload_mb": 1})
    job = here.complete(receiver.url(), output="x" * 1_100_000)
    told = receiver.wait()[0].json
    assert told["omitted"] == ["output"] and "output" not in told and told["input"] == {"x": 1}
    assert len(here.client.status(here.ep, job)["output"]) == 1_100_000


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def certificates(tmp_path):
    """(ca file, {name: (certificate, key)}) of an authority of our own."""
    ca, ca_key = str(tmp_path / "ca.pem"), str(tmp_path / "ca.key")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca_key, "-out", ca, "-days", "1", "-subj", "/CN=test ca")
    made = {}
    for name in ("localhost", "other.example"):
        key, request, certificate = (str(tmp_path / f"{name}.{end}") for end in ("key", "csr", "pem"))
        names = tmp_path / f"{name}.ext"
        names.write_text(f"subjectAltName=DNS:{name}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", certificate,
                "-days", "1", "-extfile", str(names))
        made[name] = (certificate, key)
    return ca, made


def test_https_with_an_authority_of_ones_own(site, make_receiver, certificates):
    ca, made = certificates
    here = site({"webhooks.ca_file": ca})
    receiver = make_receiver(certificate=made["localhost"])
    job = here.complete(receiver.url(host="localhost"))
    assert receiver.wait()[0].json["id"] == job
    elsewhere = make_receiver(certificate=made["other.example"])
    delivery = here.wait_delivery(here.complete(elsewhere.url(host="localhost")), "FAILED")
    assert "its certificate is for another host" in delivery["lastError"]
    assert elsewhere.received == []


def test_https_of_an_authority_that_nobody_knows_is_refused(site, make_receiver, certificates):
    here = site()
    receiver = make_receiver(certificate=certificates[1]["localhost"])
    delivery = here.wait_delivery(here.complete(receiver.url(host="localhost")), "FAILED")
    assert "its certificate is not trusted" in delivery["lastError"]
    assert receiver.received == []


def test_more_open_webhooks_than_allowed_are_refused(site, make_receiver):
    here = site({"webhooks.open": 2})
    receiver = make_receiver()
    for _ in range(2):
        here.client.run(here.ep, {}, webhook=receiver.url())
    answer = here.client.call("POST", f"{here.ep}/run", {"input": {}, "webhook": receiver.url()})
    assert answer.status_code == 429 and "Retry-After" in answer.headers
    assert "2 jobs with a webhook" in answer.json()["error"]
    here.client.run(here.ep, {})
    here.worker.finish(here.worker.take_job()["id"])
    receiver.wait()
    wait_for(lambda: here.client.call("POST", f"{here.ep}/run", {"input": {}, "webhook": receiver.url()}).status_code == 200,
             30, "room for one more")


@pytest.mark.parametrize("settings,says", [
    ({"webhooks.allowed_networks": "10.0.0.0/40"}, '"10.0.0.0/40" is not a network'),
    ({"webhooks.ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
    ({"webhooks.retry_for_s": "soon"}, "webhooks.retry_for_s"),
])
def test_wrong_settings_stop_the_start(fresh_server, settings, says):
    with pytest.raises(AssertionError, match=re.escape(says)):
        fresh_server(settings)
