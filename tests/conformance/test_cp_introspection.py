"""What introspection says is enough for code generators: npm graphql-codegen makes a typed client that TypeScript accepts."""

import pytest

from javascript import cases_of, run_script


@pytest.fixture(scope="module")
def results(server):
    return run_script("codegen.mjs", server)


@pytest.mark.parametrize("name", cases_of("codegen.mjs"))
def test_graphql_codegen(results, name):
    assert results[name]["ok"], results[name]["detail"]
