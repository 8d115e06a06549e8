"""`python -m bridge` is `coze-bridge`."""

from bridge.cli import main

if __name__ == "__main__":
    main()
