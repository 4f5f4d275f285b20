"""The message classes that Microsoft's worker library is written against.

`azure_functions_runtime` takes them as one namespace (`request.properties["protos"]`), so that it
need not know how they travel. The real host sends them as protobuf; here they are plain objects
and travel as JSON. Only what the library touches exists; anything else is an AttributeError.
"""

import base64
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

type Json = dict[str, Any]


class TypedData:
    """One value of one kind (`json`, `string`, `bytes`, `http`, …), or nothing at all."""

    def __init__(self, **kinds: Any) -> None:
        if len(kinds) > 1:
            raise TypeError(f"TypedData holds one kind, got {sorted(kinds)}")
        self.kind: str | None = next(iter(kinds), None)
        self.value: Any = kinds.get(self.kind) if self.kind else None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        """Name the kind that is set."""
        return self.kind

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name == self.__dict__.get("kind"):
            return self.value
        raise AttributeError(name)

    def to_json(self) -> Json:
        """Give the shape that crosses the pipe."""
        if self.kind is None:
            return {}
        if self.kind == "bytes":
            return {"bytes": base64.b64encode(self.value).decode("ascii")}
        if self.kind == "http":
            return {"http": self.value.to_json()}
        return {self.kind: self.value}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read what `to_json` gave."""
        if not data:
            return cls()
        ((kind, value),) = data.items()
        if kind == "bytes":
            return cls(bytes=base64.b64decode(value))
        if kind == "http":
            return cls(http=RpcHttp.from_json(value))
        return cls(**{kind: value})


@dataclass
class NullableValue:
    """A value that the protocol tells apart from its type's default."""

    value: Any


class NullableString(NullableValue):
    """A string or nothing."""


class NullableBool(NullableValue):
    """A boolean or nothing."""


class NullableDouble(NullableValue):
    """A number or nothing."""


class NullableTimestamp(NullableValue):
    """A point in time or nothing."""


class _SameSite:
    Lax = "Lax"
    Strict = "Strict"
    ExplicitNone = "None"


setattr(_SameSite, "None", "")


@dataclass
class RpcHttpCookie:
    """A cookie that the function sets."""

    SameSite: ClassVar[type[_SameSite]] = _SameSite
    name: str
    value: str
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: str = ""
    max_age: NullableDouble | None = None

    def to_json(self) -> Json:
        """Flatten the optional values."""

        def plain(item: NullableValue | None) -> Any:
            return None if item is None else item.value

        expires = plain(self.expires)
        return {
            "name": self.name,
            "value": self.value,
            "domain": plain(self.domain),
            "path": plain(self.path),
            "expires": None if expires is None else expires.seconds,
            "secure": plain(self.secure),
            "httpOnly": plain(self.http_only),
            "sameSite": self.same_site,
            "maxAge": plain(self.max_age),
        }


@dataclass
class RpcHttp:
    """A request on its way in, a response on its way out."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: TypedData | None = None
    status_code: str = ""
    cookies: list[RpcHttpCookie] | None = None
    enable_content_negotiation: bool = False

    def to_json(self) -> Json:
        """Give the response half, the only one the worker sends."""
        return {
            "status": self.status_code,
            "headers": self.headers,
            "cookies": [cookie.to_json() for cookie in self.cookies or ()],
            "body": (self.body or TypedData()).to_json(),
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read the request half, the only one the host sends."""
        return cls(
            method=data["method"],
            url=data["url"],
            headers=data["headers"],
            params=data["params"],
            query=data["query"],
            body=TypedData.from_json(data["body"]),
        )


@dataclass
class ParameterBinding:
    """A named argument of an invocation."""

    name: str
    data: TypedData | None

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        """Say that the value is inline; shared memory is not used here."""
        return "data"


@dataclass
class BindingInfo:
    """A binding as the worker read it from the decorators.

    The library compares the numbers by identity (`is not`), so they are plain integers.
    """

    undefined: ClassVar[int] = 0
    out: ClassVar[int] = 1
    inout: ClassVar[int] = 2
    type: str
    data_type: int | None
    direction: int


@dataclass
class RpcException:
    """An exception of the function app, as text."""

    message: str
    stack_trace: str
    source: str = ""


@dataclass
class StatusResult:
    """Whether something worked, and if not, why."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1
    status: int
    exception: RpcException | None = None


@dataclass
class RpcRetryOptions:
    """A function's own retry policy."""

    max_retry_count: int
    retry_strategy: str
    delay_interval: Any = None
    minimum_interval: Any = None
    maximum_interval: Any = None


@dataclass
class RpcFunctionMetadata:
    """An indexed function."""

    name: str
    function_id: str
    raw_bindings: list[str]
    bindings: dict[str, BindingInfo]
    managed_dependency_enabled: bool = False
    directory: str = ""
    script_file: str = ""
    entry_point: str = ""
    is_proxy: bool = False
    language: str = "python"
    retry_options: RpcRetryOptions | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerMetadata:
    """What runs the function app."""

    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerInitResponse:
    """The answer to the first request: whether all functions were indexed."""

    capabilities: dict[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


@dataclass
class FunctionMetadataResponse:
    """The indexed functions."""

    use_default_metadata_indexing: bool
    function_metadata_results: list[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass
class InvocationResponse:
    """What one invocation came to."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] = field(default_factory=list)

    def to_json(self) -> Json:
        """Give the shape that crosses the pipe."""
        failure = self.result.exception
        if self.result.status != StatusResult.Success:
            return {
                "ok": False,
                "message": failure.message if failure else "The function failed without a reason.",
                "stack": failure.stack_trace if failure else "",
            }
        return {
            "ok": True,
            "returns": (self.return_value or TypedData()).to_json(),
            "outputs": {
                binding.name: (binding.data or TypedData()).to_json()
                for binding in self.output_data
            },
        }
