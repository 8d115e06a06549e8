"""Where an account is reached on the built-in server. Pure."""


def events_path(account: str) -> str:
    """Events, presses and commands."""
    return f"/slack/{account}/events"


def install_path(account: str) -> str:
    """Where somebody begins to install the app."""
    return f"/slack/{account}/install"


def redirect_path(account: str) -> str:
    """Where Slack sends them back to."""
    return f"/slack/{account}/oauth_redirect"
