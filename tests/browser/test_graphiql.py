"""GraphiQL at /graphql, in a browser that can reach nothing but the server."""

import json
import re
from pathlib import Path

import pytest
import requests

import seed
from javascript import cases_of, run_script
from penstock import ROOT, Server

SCRIPT = Path(__file__).parent / "graphiql.mjs"
REPORTS = ROOT / "build" / "reports"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("penstock") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def visit(server):
    REPORTS.mkdir(parents=True, exist_ok=True)
    return run_script(SCRIPT, server, CREATE=seed.CREATE_WITH_COMMENTS, CREATED=json.dumps(seed.CREATED),
                      REPORTS=str(REPORTS))


@pytest.mark.parametrize("step", cases_of(SCRIPT))
def test_visit(visit, step):
    assert visit[step]["ok"], visit[step]["detail"]


def test_a_browser_that_names_an_operation_gets_its_answer(server):
    answer = requests.get(f"{server.url}/graphql", params={"query": "{ __typename }"}, timeout=10,
                          headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


def test_every_package_of_the_page_is_in_the_documentation(server):
    answer = requests.get(f"{server.url}/graphql/licenses.txt", timeout=10)
    embedded = set(re.findall(r"^==== (\S+) (\S+) \((\S+)\)$", answer.text, re.MULTILINE))
    documented = set(re.findall(r"^\| `(\S+)` \| (\S+) \| (\S+) \|$", (ROOT / "docs" / "third-party.md").read_text(),
                                re.MULTILINE))
    assert embedded and embedded == documented
