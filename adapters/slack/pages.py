"""What a person who installs the app sees in the browser. Pure.

Nothing is loaded from anywhere, and nothing of the request is shown unescaped.
"""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from adapters.slack.tokens import Installation

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address has the code in it
    "Cache-Control": "no-store",
}

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
<p><a href="{link}">{label}</a></p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page, before it is HTML. link: where it goes on; label: the link's words."""

    status: int
    title: str
    text: str
    link: str = "install"  # beside the page itself
    label: str = "Install the app"

    @property
    def html(self) -> str:
        return _FRAME.format(
            title=escape(self.title),
            text=escape(self.text),
            link=escape(self.link),
            label=escape(self.label),
        )


def done(given: Installation) -> Sheet:
    """It worked."""
    where = {"app": given.app} | ({"team": given.team} if given.team else {})
    return Sheet(
        200,
        "Installed",
        f"The app is now in {given.name or given.place}. In Slack, write to it, or invite it to a"
        " channel and mention it. You can close this page.",
        f"https://slack.com/app_redirect?{urlencode(where)}",
        "Open Slack",
    )


def declined(word: str) -> Sheet:
    """The person, or their administrator, did not agree. word: Slack's for it."""
    if word == "access_denied":
        return Sheet(403, "Not installed", "The request was declined, so nothing was installed.")
    return Sheet(400, "Not installed", f"Slack did not install the app: {word}.")


STALE = Sheet(
    400,
    "Please start again",
    "This installation was not begun in this browser, was finished already, or took longer than"
    " ten minutes. Nothing was installed.",
)
REFUSED = Sheet(
    400, "Please start again", "Slack did not accept the installation. Nothing was installed."
)
OPERATOR = Sheet(
    500,
    "Not installed",
    "Slack does not accept this app's own credentials. Whoever runs the app has to correct its"
    " client secret.",
)
BUSY = Sheet(
    429, "Please try again in a minute", "Too many people are installing the app at this moment."
)
UNWANTED = Sheet(
    403,
    "Not installed",
    "This app is not offered to your workspace. Whoever runs it decides about that.",
)
LATER = Sheet(
    503, "Please try again in a minute", "Something could not be reached. Nothing was installed."
)
