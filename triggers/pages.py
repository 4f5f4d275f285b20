"""The pages that a customer's administrator sees: plain HTML, no script, nothing of the request.

Whatever an answer carried, none of it is shown: all words are ours.
"""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from curfew.model.onboarding import MEANINGS, RefusalCode
from curfew.onboarding.answering import Outcome
from triggers.edge import Reply

HTML_TYPE = "text/html"

_STYLE = """
:root { color-scheme: light dark }
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto;
  padding: 0 1.2rem }
h1 { font-size: 1.5rem; line-height: 1.3 }
footer { margin-top: 2.5rem; font-size: .9rem; opacity: .7 }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class _Page:
    """A page in words. Each line of the text is a paragraph."""

    status: HTTPStatus
    title: str
    text: str


_ASK_AGAIN = "Ask whoever sent you the address for a new one."
_UNDO = "in the Microsoft Entra admin center, under Enterprise applications."
_PAGES = {
    Outcome.CONSENTED: _Page(
        HTTPStatus.OK,
        "Thank you. Your consent is recorded.",
        "Curfew can now be set up for your organization. It cannot yet do what it is for: besides "
        "consent it needs a directory role. Whoever sent you the address will send you one command "
        "for that, and the reason for it.\n"
        f"You can take both back at any time: {_UNDO}\n"
        "You can close this page.",
    ),
    Outcome.REFUSED: _Page(
        HTTPStatus.OK,
        "Your organization has not given consent.",
        "Curfew was not let in.\n"
        f"If that is not what you wanted: the address is used up. {_ASK_AGAIN}",
    ),
    Outcome.INCOMPLETE: _Page(
        HTTPStatus.BAD_REQUEST,
        "This answer is not complete.",
        "It says neither that consent was given nor that it was refused. Nothing was recorded.\n"
        "Open the address that you were sent once more.",
    ),
    Outcome.FORGED: _Page(
        HTTPStatus.BAD_REQUEST,
        "This address is not one of ours.",
        "Nothing was recorded. Perhaps the address was cut off or changed on its way: open the one "
        "that you were sent once more.\n"
        "If you have just given consent to something that you do not know, take it back: " + _UNDO,
    ),
    Outcome.LAPSED: _Page(
        HTTPStatus.GONE,
        "This address is no longer good.",
        f"It was good for one hour. Nothing was recorded.\n{_ASK_AGAIN}",
    ),
    Outcome.OTHER_TENANT: _Page(
        HTTPStatus.BAD_REQUEST,
        "This address was made for another organization.",
        "Nothing was recorded. Open the address once more and sign in with an account of the "
        "organization that it was made for.\n"
        f"If you have given consent in another one by mistake, take it back there: {_UNDO}",
    ),
    Outcome.USED: _Page(
        HTTPStatus.CONFLICT,
        "This address has been used already.",
        "It was answered before, and that answer stands. Nothing was changed.\n"
        "If you only reloaded the page, there is nothing left to do.",
    ),
    Outcome.UNKNOWN: _Page(
        HTTPStatus.GONE,
        "This address is no longer good.",
        f"What it was made for has been withdrawn. Nothing was recorded.\n{_ASK_AGAIN}",
    ),
}
_UNAVAILABLE = _Page(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Your answer could not be recorded just now.",
    "Reload this page in a minute: nothing is lost by that.",
)


def consent_page(outcome: Outcome, refusal: RefusalCode | None) -> Reply:
    """What an answer came to, and what is to be done now."""
    page = _PAGES[outcome]
    why = (MEANINGS[refusal],) if refusal and outcome is Outcome.REFUSED else ()
    return _reply(page, why)


def unavailable_page() -> Reply:
    """A failure of ours: to be tried again by the same address."""
    return _reply(_UNAVAILABLE, (), {"Retry-After": "60"})


def _reply(page: _Page, why: tuple[str, ...], headers: dict[str, str] | None = None) -> Reply:
    said = (*why, *page.text.splitlines())
    paragraphs = "".join(f"<p>{escape(each)}</p>\n" for each in said)
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(page.title)}</h1>\n{paragraphs}"
        "<footer>Curfew, time-bound administrator access</footer>\n</body>\n</html>\n"
    )
    return Reply(text, page.status, {**_HEADERS, **(headers or {})}, HTML_TYPE)
