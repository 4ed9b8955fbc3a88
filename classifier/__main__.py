"""`illsort`, and `python -m classifier` where the console script is not on the PATH."""

import os

try:
    from classifier.cli import interrupt
except KeyboardInterrupt:  # nothing has begun, so there is nothing to say
    os._exit(130)


def main() -> None:
    """Run the command line; Ctrl-C is heard from here on, also while the rest is imported."""
    with interrupt.handle_sigint():
        from classifier.cli.main import run  # noqa: PLC0415 - it takes a while

        run()


if __name__ == "__main__":
    main()
