"""The client and the runs of the tests of the API of runs."""

from tests.runs.api.conftest import _fresh, api, api_of, failed, foreign, letter, root  # noqa: F401 (fixtures)
