"""What can go wrong.

HostError is a reason for the host to stop, in words for the person at the terminal. The others
are outcomes of one invocation; the host lives on.

- HostError
    - BadConfiguration: settings, a host.json or a binding that the host cannot work with
    - PortInUse: somebody else listens there
    - AppRefused: the worker would not index the function app
- WorkerLost: the worker died during an invocation, and nobody knows how far it came
- InvocationTimedOut: the invocation took longer than host.json's functionTimeout
- FunctionFailed: a function that was run on demand raised
"""


class HostError(Exception):
    """A reason for the host to stop."""


class BadConfiguration(HostError):
    """Settings, a host.json or a binding that the host cannot work with."""


class PortInUse(HostError):
    """The HTTP port is taken."""


class AppRefused(HostError):
    """The worker refused the function app, as the real one would."""


class WorkerLost(Exception):
    """The worker process died with the invocation in flight."""


class InvocationTimedOut(Exception):
    """The invocation exceeded the function timeout; its worker was ended."""


class FunctionFailed(Exception):
    """A function that was run on demand raised; message and stack are the app's."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.stack = stack or message
