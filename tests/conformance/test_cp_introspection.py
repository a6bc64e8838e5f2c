"""What introspection says is enough for code generators: npm graphql-codegen makes a typed client that TypeScript accepts."""

from pathlib import Path

import pytest

from javascript import cases_of, run_script

SCRIPT = Path(__file__).parent / "js" / "codegen.mjs"


@pytest.fixture(scope="module")
def results(server):
    return run_script(SCRIPT, server)


@pytest.mark.parametrize("name", cases_of(SCRIPT))
def test_graphql_codegen(results, name):
    assert results[name]["ok"], results[name]["detail"]
