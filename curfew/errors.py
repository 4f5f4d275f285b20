"""Every error that Curfew raises on purpose, in one tree.

    CurfewError
    ├── SettingsError          the app cannot start; names the setting
    ├── RequestError           the caller's doing; `status` is the HTTP answer
    │   ├── InvalidRequest     400, 413, 415: not well-formed; `fields` says where
    │   ├── NotSignedIn        401
    │   ├── Forbidden          403
    │   ├── CrossSite          403: a browser's request that a foreign page may have made
    │   ├── NotFound           404: also what the caller may not see
    │   ├── Conflict           409: somebody or something was first
    │   │   └── UsedUp         409: shown or renewed as often as it may be
    │   ├── PreconditionFailed 412, 428: written over an older reading
    │   ├── Refused            422: policy said no; `reasons` has all of them
    │   └── TooManyRequests    429; `retry_after` says when
    ├── ServiceError           a cloud service answered no, or not at all
    │   ├── Unavailable        no answer or 5xx: a write MAY have been applied
    │   ├── Unreadable         a row of the ledger that nobody can make sense of
    │   ├── Throttled          429; `retry_after` says when
    │   │   └── Busy           not sent: this app spares a tenant that is busy or asked for silence
    │   ├── TooSoon            PIM removes nothing in the first five minutes
    │   ├── Unlicensed         the tenant has not bought what the call needs
    │   ├── Missing            404
    │   ├── AlreadyExists      409 and its dialects
    │   ├── Changed            412: somebody wrote in between
    │   ├── Denied             401, 403
    │   └── Rejected           any other 4xx: the same call will fail again
    ├── NotYet                 true soon: replication, a read that lags behind its write
    │   └── NameTaken          an account has the name, and the directory does not show it
    ├── ForeignAccount         an account that is not ours to touch (rule 8)
    ├── NoLicence              the profile asks for what the tenant has not bought
    ├── Unusable               Entra made a credential with which nobody can sign in
    ├── Withdrawn              the lease went away while its account was being made
    ├── Begun                  giving may have begun: to be taken back, not closed as if nothing was
    ├── UntrustedState         the state of a consent answer is none that Curfew has signed
    │   └── LapsedState        it is one, and its time is over
    └── NoOpenLease            no lease that is open for giving, so nothing may be given (rule 1)

The text of a CurfewError is written here or by its raiser and never copied from a service's
answer: it may be stored in a durable history, where no secret may ever be (rule 7).
"""

from dataclasses import dataclass
from datetime import timedelta


class CurfewError(Exception):
    """The root. `code` is stable and machine-readable; the text is for people, without secrets."""

    code = "internal"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SettingsError(CurfewError):
    """An app setting is missing or cannot be used. The app refuses to start."""

    code = "settings"


# --- what a caller did -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with a request: `field` is a JSON path such as `ticket.number`."""

    field: str
    detail: str


class RequestError(CurfewError):
    """The request cannot be served, and the caller can do something about it."""

    status = 400
    code = "request"


class InvalidRequest(RequestError):
    """The request is not well-formed; every field that is wrong is named."""

    code = "invalid-request"

    def __init__(
        self, detail: str, fields: tuple[FieldProblem, ...] = (), *, status: int = 400
    ) -> None:
        super().__init__(detail)
        self.fields = fields
        self.status = status


class NotSignedIn(RequestError):
    """The platform vouches for nobody on this request."""

    status = 401
    code = "not-signed-in"


class Forbidden(RequestError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class CrossSite(RequestError):
    """A browser's request that would change something, without proof that our own page made it."""

    status = 403
    code = "cross-site"


class NotFound(RequestError):
    """It does not exist, or the caller may not know that it does."""

    status = 404
    code = "not-found"


class Conflict(RequestError):
    """Another grant, another writer or an earlier decision was first.

    `link` is the address of what stands in the way, when the caller may see it.
    """

    status = 409
    code = "conflict"

    def __init__(self, detail: str, *, link: str | None = None) -> None:
        super().__init__(detail)
        self.link = link


class UsedUp(Conflict):
    """Something may be done so and so often, and was; the text says what may be done instead."""

    code = "used-up"


class PreconditionFailed(RequestError):
    """The ETag is not that of the stored settings (412), or one was needed (428)."""

    status = 412
    code = "precondition-failed"

    def __init__(self, detail: str, *, status: int = 412) -> None:
        super().__init__(detail)
        self.status = status


class Refused(RequestError):
    """Policy refuses. All reasons at once, so that nobody has to ask five times."""

    status = 422
    code = "refused"

    def __init__(self, reasons: tuple[FieldProblem, ...]) -> None:
        super().__init__("The request is refused: " + " ".join(r.detail for r in reasons))
        self.reasons = reasons


class TooManyRequests(RequestError):
    """The caller has used up what he may ask of this deployment for now."""

    status = 429
    code = "too-many-requests"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("You have asked for this too often within an hour.")
        self.retry_after = retry_after


# --- what a cloud service did ----------------------------------------------------------------


class ServiceError(CurfewError):
    """A call to a cloud service failed.

    `service` is directory, vault, ledger, identity or engine; `operation` is the adapter's own
    name for the call; `status` and `service_code` are what the service said (0 and "" when it
    said nothing); `request_id` is Microsoft's, for a support case.
    """

    code = "service"
    retryable = False

    def __init__(
        self,
        service: str,
        operation: str,
        *,
        status: int = 0,
        service_code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"The {service} {self._said(status, service_code)} ({operation}).")
        self.service = service
        self.operation = operation
        self.status = status
        self.service_code = service_code
        self.request_id = request_id
        self.retry_after = retry_after

    def _said(self, status: int, service_code: str) -> str:
        return f"answered {status} {service_code}".rstrip() if status else "gave no answer"


class Unavailable(ServiceError):
    """No answer, or 5xx. A write may have been applied: look before concluding anything."""

    code = "unavailable"
    retryable = True


class Unreadable(ServiceError):
    """Rows of the ledger that say nothing: a hand wrote them. `rows` are their keys.

    Where many rows are read, this comes after all that could be.
    """

    code = "unreadable"

    def __init__(self, table: str, *rows: tuple[str, str]) -> None:
        super().__init__("ledger", f"read {table}")
        self.table = table
        self.rows = rows

    def _said(self, status: int, service_code: str) -> str:  # noqa: ARG002 - nothing was said
        return "holds what cannot be read"


class Throttled(ServiceError):
    """429. `retry_after` is in seconds, None when the service did not say."""

    code = "throttled"
    retryable = True


class Busy(Throttled):
    """Not sent at all: this app already does much in the tenant, or was told 429 there.

    Nothing was read or written. `retry_after` says when there is likely to be a turn.
    """

    code = "busy"

    def _said(self, status: int, service_code: str) -> str:  # noqa: ARG002 - nothing was said
        return "is left in peace for a moment"


class TooSoon(ServiceError):
    """PIM takes no role away in the first five minutes of its assignment (`retry_after` is set)."""

    code = "too-soon"
    retryable = True


class Unlicensed(ServiceError):
    """The tenant has not bought the licence for this call; the credential is as good as before."""

    code = "unlicensed"


class Missing(ServiceError):
    """404: not there, or not there yet on the replica that answered."""

    code = "missing"


class AlreadyExists(ServiceError):
    """What was to be made is there already; whether it is ours is for the caller to read."""

    code = "already-exists"


class Changed(ServiceError):
    """Somebody else wrote between our read and our write."""

    code = "changed"
    retryable = True


class Denied(ServiceError):
    """401 or 403: consent, a permission or a directory role is missing."""

    code = "denied"


class Rejected(ServiceError):
    """Another 4xx: the service understood and will refuse the same call again."""

    code = "rejected"


class NotYet(CurfewError):
    """What was written cannot be read yet. Entra replicates without any promise of speed."""

    code = "not-yet"


class NameTaken(NotYet):
    """The name is taken by an account that cannot be read yet: perhaps by one we have just made."""

    code = "name-taken"


class ForeignAccount(CurfewError):
    """The account exists and Curfew did not make it, or it may never be touched (rule 8)."""

    code = "foreign-account"


class NoLicence(CurfewError):
    """The profile insists on something for which the tenant has no licence."""

    code = "no-licence"


class Unusable(CurfewError):
    """The tenant's policy makes a credential of this kind worthless for this account."""

    code = "credential-unusable"


class Withdrawn(CurfewError):
    """The lease was withdrawn while its account was being created: there is something to undo."""

    code = "withdrawn"


class Begun(CurfewError):
    """Giving may have begun under the lease: it is taken back, not closed as if nothing was."""

    code = "begun"


class NoOpenLease(CurfewError):
    """There is no lease for this grant, or it is ending: nothing may be given (rule 1)."""

    code = "no-open-lease"


class UntrustedState(CurfewError):
    """The state of a consent answer proves nothing: whoever sent it was not sent by Curfew."""

    code = "untrusted-state"


class LapsedState(UntrustedState):
    """Curfew has signed the state, and its time is over."""

    code = "lapsed-state"
