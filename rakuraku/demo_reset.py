"""``make demo-reset``: forget the demo's data. Touches only what the demo itself made."""

import shutil
import sys

from rakuraku.demo import VAR
from rakuraku.engines import EngineError, Engines, engine_home


def main() -> int:
    """Stops with a sentence while the demo runs."""
    VAR.mkdir(exist_ok=True)
    engines = Engines(VAR, "demo")
    try:
        engines.lock()
    except EngineError as error:
        print(f"デモが動いています。先に Ctrl-C で止めてください（{error}）", file=sys.stderr)
        return 1
    for folder in (engine_home(VAR, "demo"), VAR / "demo", VAR / "log"):
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in ("sandbox.sqlite3*", "celerybeat-schedule*"):
        for state in VAR.glob(pattern):
            state.unlink()
    print("デモのデータを消しました。make demo で最初から始まります。")
    return 0


if __name__ == "__main__":
    sys.exit(main())
