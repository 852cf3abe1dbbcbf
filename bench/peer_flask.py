"""The other side of web.py: Flask's development server with one answer, in an environment of its own.

Reads the answer from the file that is named, prints its port, and serves until it is ended.
"""

import logging
import socket
import sys
from pathlib import Path

from flask import Flask, Response  # type: ignore[import-not-found]  # installed in bench/.peer-flask only

BODY = Path(sys.argv[1]).read_bytes()
app = Flask(__name__)


@app.get("/api/state")  # type: ignore[untyped-decorator]
def state() -> Response:
    """Answer what was read: nothing is made, nobody is asked who he is, nothing is compressed."""
    return Response(BODY, mimetype="application/json")


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    print(port, flush=True)
    app.run("127.0.0.1", port, threaded=True)
