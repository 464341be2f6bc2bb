"""The command `metaart` with the toy art: python -m tests.verse.command train verse ..."""

from __future__ import annotations

import sys

from metaart.cli import main
from tests.verse.registries import register

if __name__ == "__main__":
    register()
    sys.exit(main())
