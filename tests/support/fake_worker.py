"""A worker that speaks the protocol step by step, so that a test decides what happens when (contract/data-plane 2)."""

import json
import threading
import time

import requests


class FakeWorker:
    """An external worker. A thread pings for the jobs it holds until close(), unless `pings` is false."""

    def __init__(self, client, endpoint_id: str, pings: bool = True):
        attached = client.attach_worker(endpoint_id)
        self.client = client
        self.endpoint_id = endpoint_id
        self.id = attached["workerId"]
        self.environment = attached["environment"]
        self.key = self.environment["RUNPOD_AI_API_KEY"]
        self.take_url = self.environment["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", self.id)
        self.held: list[str] = []
        self.http = requests.Session()
        self.http.headers["Authorization"] = self.key
        self._stop = threading.Event()
        self._pinger = threading.Thread(target=self._ping_loop, daemon=True) if pings else None
        if self._pinger:
            self._pinger.start()

    # ---- asking for work

    def take(self, timeout: float = 60, batch: int = 1, headers: dict | None = None, extra: str = "",
             url: str | None = None) -> requests.Response:
        """One poll, as the SDK would send it."""
        url = url or self.take_url
        if batch > 1:
            url = url.replace("/job-take/", "/job-take-batch/") + f"&batch_size={batch}"
        url += f"&job_in_progress={1 if self.held else 0}{extra}"
        answer = self.http.get(url, timeout=timeout, headers=headers)
        if answer.status_code == 200:
            jobs = answer.json()
            self.held += [job["id"] for job in (jobs if isinstance(jobs, list) else [jobs])]
        return answer

    def take_job(self, timeout: float = 30) -> dict:
        """Polls until there is a job."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            answer = self.take()
            if answer.status_code == 200:
                return answer.json()
            assert answer.status_code == 204, (answer.status_code, answer.text)
        raise AssertionError(f"worker {self.id} got no job in {timeout:g} s")

    def start_take(self) -> "PendingTake":
        """A poll that is held by the server while the test goes on."""
        return PendingTake(self)

    def stop_list(self, timeout: float = 60) -> list[str]:
        """One job-stop poll."""
        answer = self.http.get(self.take_url.replace("/job-take/", "/job-stop/"), timeout=timeout)
        assert answer.status_code in (200, 204), (answer.status_code, answer.text)
        return answer.json()["jobsToStop"] if answer.status_code == 200 else []

    # ---- telling what came of it

    def post(self, which: str, job_id: str, body, stream: bool = False, headers: dict | None = None,
             key: str | None = None) -> requests.Response:
        url = self.environment[which].replace("$RUNPOD_POD_ID", self.id).replace("$ID", job_id)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        send = {"charset": "utf-8", "Content-Type": "application/x-www-form-urlencoded", "X-Request-ID": job_id,
                **(headers or {})}
        if key:
            send["Authorization"] = key
        return self.http.post(f"{url}&isStream={'true' if stream else 'false'}", data=data, headers=send, timeout=30)

    def done(self, job_id: str, body, **options) -> requests.Response:
        """Posts a result, and holds the job no longer."""
        answer = self.post("RUNPOD_WEBHOOK_POST_OUTPUT", job_id, body, **options)
        if job_id in self.held:
            self.held.remove(job_id)
        return answer

    def finish(self, job_id: str, output=None) -> None:
        answer = self.done(job_id, {"output": output})
        assert answer.status_code == 200, (answer.status_code, answer.text)

    def progress(self, job_id: str, value) -> requests.Response:
        return self.post("RUNPOD_WEBHOOK_POST_OUTPUT", job_id, {"status": "IN_PROGRESS", "output": value})

    def chunk(self, job_id: str, value) -> None:
        answer = self.post("RUNPOD_WEBHOOK_POST_STREAM", job_id, {"output": value})
        assert answer.status_code == 200, (answer.status_code, answer.text)

    def ping(self, job_ids: list[str] | None = None, **parameters) -> requests.Response:
        ids = self.held if job_ids is None else job_ids
        query = {"runpod_version": "1.12.0", **parameters}
        if ids:
            query["job_id"] = ",".join(ids)
        url = self.environment["RUNPOD_WEBHOOK_PING"].replace("$RUNPOD_POD_ID", self.id)
        return requests.get(url, params=query, headers={"Authorization": self.key}, timeout=30)

    def _ping_loop(self) -> None:
        interval = int(self.environment["RUNPOD_PING_INTERVAL"]) / 1000
        while not self._stop.wait(min(interval, 0.5)):
            try:
                self.ping()
            except requests.RequestException:
                continue  # the server may be down on purpose: the next ping tells

    # ---- end

    def vanish(self) -> None:
        """Falls silent, like a machine that lost its power."""
        self._stop.set()
        if self._pinger:
            self._pinger.join()
        self.http.close()

    def close(self) -> None:
        self.vanish()
        self.client.detach_worker(self.endpoint_id, self.id)

    def __enter__(self) -> "FakeWorker":
        return self

    def __exit__(self, *_) -> None:
        self.close()


class PendingTake:
    """A job-take in flight on a thread of its own."""

    def __init__(self, worker: FakeWorker):
        self.answer: requests.Response | None = None
        self.error: Exception | None = None
        self.answered_at = 0.0
        self._thread = threading.Thread(target=self._run, args=(worker,), daemon=True)
        self._thread.start()

    def _run(self, worker: FakeWorker) -> None:
        try:
            self.answer = worker.take()
        except requests.RequestException as error:
            self.error = error
        self.answered_at = time.monotonic()

    def result(self, timeout: float = 30) -> requests.Response:
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"a held job-take was not answered in {timeout:g} s"
        if self.error:
            raise self.error
        return self.answer
