"""Puts the host together: what is opened first is closed last."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from devhost import environment
from devhost.admin import Admin
from devhost.backend import LoopbackBackend
from devhost.catalog import Catalog
from devhost.client_binding import ClientBinding
from devhost.configuration import Configuration
from devhost.easyauth import Gate
from devhost.errors import BadConfiguration, HostError
from devhost.front import Front
from devhost.hostjson import HostJson
from devhost.listening import listen, serving
from devhost.logbook import Logbook
from devhost.process import WorkerSpec
from devhost.pump import Pump
from devhost.runner import Runner
from devhost.schedules import resolve
from devhost.strikes import Strikes
from devhost.supervisor import Supervisor
from devhost.timers import Timers


@dataclass(frozen=True)
class Running:
    """The parts of a running host that its owner may touch."""

    port: int
    supervisor: Supervisor
    catalog: Catalog
    admin: Admin


@asynccontextmanager
async def running(
    configuration: Configuration,
    backend: LoopbackBackend,
    log: Logbook,
    strikes: Strikes,
    on_fatal: Callable[[HostError], None],
) -> AsyncIterator[Running]:
    """Run the app while the block lasts; HostError when it cannot be run."""
    directory = configuration.app_directory.resolve()
    host_json = HostJson.read(directory / "host.json")
    if not (directory / "function_app.py").is_file():
        raise BadConfiguration(f"{directory / 'function_app.py'} is missing")
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listen(configuration.address, configuration.port))
        port = listener.getsockname()[1]
        settings = environment.of_worker(configuration, port)
        backend.default_version = host_json.default_version
        hub_address = backend.start()
        stack.push_async_callback(asyncio.to_thread, backend.stop, 0)
        catalog = Catalog(settings, host_json.route_prefix, log)
        supervisor = Supervisor(
            _spec(configuration, host_json, settings),
            log,
            timeout=host_json.function_timeout,
            on_indexed=catalog.take,
            on_fatal=on_fatal,
        )
        stack.push_async_callback(supervisor.close)
        await supervisor.start()
        client = ClientBinding(
            hub_name=resolve(host_json.hub_name, settings, "hubName in host.json"),
            rpc_url=f"http://{hub_address}",
            http_url=f"http://localhost:{port}",
        )
        runner = Runner(supervisor, client, log)
        timers = Timers(runner, settings)
        timers.read(catalog.app)
        pump = Pump(
            hub_address,
            host_json,
            runner=runner,
            catalog=catalog,
            strikes=strikes,
            worker_exit_fails_activities=configuration.worker_exit_fails_activities,
            on_fatal=on_fatal,
        )
        stack.push_async_callback(pump.close)
        pump.start()
        admin = Admin(
            configuration.master_key,
            runner=runner,
            catalog=catalog,
            timers=timers,
            start_instance=pump.start_instance,
        )
        stack.push_async_callback(admin.close)
        gate = None
        if configuration.easy_auth is not None:
            gate = Gate(configuration.easy_auth, log)
            stack.push_async_callback(gate.close)
        front = Front(
            function_key=configuration.function_key,
            master_key=configuration.master_key,
            runner=runner,
            catalog=catalog,
            admin=admin,
            gate=gate,
        )
        await stack.enter_async_context(serving(front, listener))
        stack.push_async_callback(timers.close)
        timers.start()
        # Once more, to be the first when it comes to closing: without a worker nothing hangs on.
        stack.push_async_callback(supervisor.close)
        yield Running(port, supervisor, catalog, admin)


def _spec(
    configuration: Configuration, host_json: HostJson, settings: environment.Environment
) -> WorkerSpec:
    spans = configuration.spans_file
    return WorkerSpec(
        configuration.python,
        settings,
        {
            "app_directory": str(configuration.app_directory.resolve()),
            "host": configuration.address,
            "log_level": configuration.log_level or host_json.log_level,
            "spans_file": None if spans is None else str(spans.absolute()),
        },
    )
