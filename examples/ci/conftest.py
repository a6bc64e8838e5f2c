"""A Penstock server on a virtual clock for a test module. `penstock` is taken from PATH, or from PENSTOCK_TEST_BINARY."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests

HERE = Path(__file__).parent


class VirtualServer:
    def __init__(self, script: Path):
        command = [os.environ.get("PENSTOCK_TEST_BINARY", "penstock"), "serve", "--ephemeral", "--clock", "virtual",
                   "--script", str(script), "--fake-gpus", "8xADA_24", "--listen", "127.0.0.1:0", "--json",
                   "--log-level", "error"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.key = ready["url"], ready["apiKey"]

    def post(self, path: str, body: dict) -> dict:
        answer = requests.post(self.url + path, json=body, headers={"Authorization": f"Bearer {self.key}"}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def get(self, path: str) -> dict:
        answer = requests.get(self.url + path, headers={"Authorization": f"Bearer {self.key}"}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def advance(self, seconds: float) -> None:
        """Everything that is due within that time has happened when this returns."""
        self.post("/penstock/v1/clock/advance", {"ms": round(seconds * 1000)})

    def make_endpoint(self, name: str, **fields) -> str:
        template = {"name": f"{name} template", "imageName": "example/worker:1", "dockerArgs": "", "containerDiskInGb": 5,
                    "volumeInGb": 0, "env": []}
        endpoint = {"name": name, "gpuIds": "ADA_24", "workersMax": 3, "idleTimeout": 5, "template": template, **fields}
        query = "mutation($input: EndpointInput!) { saveEndpoint(input: $input) { id } }"
        return self.post("/graphql", {"query": query, "variables": {"input": endpoint}})["data"]["saveEndpoint"]["id"]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def penstock():
    server = VirtualServer(HERE / "faults.yaml")
    yield server
    server.close()
