import sys


def main():
    """Run a command; returns the exit code. An interrupt is one line from the first import on."""
    try:
        from .cli import main

        return main()
    except KeyboardInterrupt:
        print("minivae: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
