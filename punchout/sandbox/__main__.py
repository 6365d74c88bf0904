"""`python -m punchout.sandbox`: serve the shop for a person, without gunicorn."""

import argparse
import sys

from werkzeug.serving import run_simple

from punchout.sandbox.app import create_app
from punchout.sandbox.config import VARIABLES, Config, ConfigError


def main() -> int:
    """Serve until Ctrl-C; 2 when a required environment variable is missing."""
    listing = "\n".join(f"  {name:26} {meaning}" for name, meaning in VARIABLES.items())
    parser = argparse.ArgumentParser(
        prog="python -m punchout.sandbox",
        description=f"The sandbox supplier. Environment variables:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8802)
    options = parser.parse_args()
    try:
        application = create_app(Config.from_environment())
    except ConfigError as error:
        print(f"{error}\n", file=sys.stderr)
        parser.print_help(sys.stderr)
        return 2
    run_simple(options.host, options.port, application, threaded=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
