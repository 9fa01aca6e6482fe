"""One listening, from the bound port to its summary."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import uvicorn

from simulator.errors import UsageError
from simulator.events import Json
from simulator.finding import ExitCode
from simulator.immutable import immutable
from simulator.inspect.listening.address import LOOPBACK, Address, address_in_the_network
from simulator.inspect.listening.application import Application, State, View
from simulator.inspect.listening.figures import Row
from simulator.inspect.listening.own_pages import OWN, OwnPages, Page, is_own
from simulator.inspect.listening.pass_on import PassOn
from simulator.inspect.listening.protocol import HeardProtocol
from simulator.inspect.listening.reading import Format, Reader
from simulator.inspect.listening.recording import Recorder
from simulator.times import Ms
from simulator.traffic.serving import Server, config_of, listen, url_of

_KEEP_ALIVE = 75  # seconds
_STOPPING = 3  # seconds that requests in progress are given
_INSTEAD = "choose another port with --listen (port 0 takes a free one)"


@immutable(frozen=True, slots=True)
class Options:
    """What a listening is started with."""

    address: Address
    form: Format
    pass_on: str = ""  # base URL of the real collector, checked; empty: nothing is sent anywhere
    out: Path | None = None  # the capture file
    most_events: int | None = None  # ends when so many have come
    most_seconds: float | None = None  # ends after so long
    certificate: Path | None = None  # PEM; TLS is spoken then
    key: Path | None = None  # None: it is in the certificate's file


@immutable(frozen=True, slots=True)
class Where:
    """How the listening is reached."""

    url: str  # of the bound socket
    page: str
    phone: str  # the URL that a phone in the network reaches; empty: none does, or this machine knows none
    is_loopback: bool
    pass_on: str
    out: str


@immutable(frozen=True, slots=True)
class Summary:
    """What a listening came to."""

    requests: int
    events: int
    bad: int
    unknown: int
    refused: int
    not_passed: int
    not_taken: int
    repeated: int
    nobodys: int
    seconds: float
    wanted: int | None  # events that were waited for
    rows: tuple[Row, ...]  # in all, then by source
    out: str
    faults: int = 0  # requests on which we failed ourselves

    @property
    def exit_code(self) -> ExitCode:
        """Fail where an event is bad or the collector refused one; incomplete where too little was seen to pass."""
        if self.faults:
            return ExitCode.OWN_FAULT
        if self.bad or self.not_taken:
            return ExitCode.FAIL
        unclear = self.unknown or self.refused or self.not_passed
        short = not self.events or (self.wanted is not None and self.events < self.wanted)
        return ExitCode.INCOMPLETE if unclear or short else ExitCode.PASS


class Face(View, Protocol):
    """Who shows a listening to a person."""

    def begins(self, where: Where) -> None:
        """It listens now."""
        ...

    def goes_on(self, state: State) -> None:
        """A tenth of a second has passed."""
        ...


def listen_to_phones(options: Options, page: Page, face: Face) -> Summary:
    """Listen until Ctrl-C, SIGTERM, or as long as the options say; what came is shown, and summed up.

    Raises:
        UsageError: the address, the capture file, the certificate or the format cannot be used.
        EngineError: the capture file could not be written any more.
    """
    reader = Reader(options.form)
    context = _tls(options.certificate, options.key)
    listener = listen(options.address.host, options.address.port, _INSTEAD)
    try:
        recorder = None if options.out is None else Recorder(options.out, Ms(time.time_ns() // 1_000_000))
    except BaseException:
        listener.close()
        raise
    where = _where(options, url_of(listener))
    state = State()
    pages = OwnPages(state, page, options.address, _facts(where))
    pass_on = PassOn(options.pass_on) if options.pass_on else None
    application = Application(
        reader, state, face, own_pages=pages.app, is_own=is_own, pass_on=pass_on, recorder=recorder
    )
    server = _Server(_config(application, context), application, pages, options, face, where)
    began = time.monotonic()
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
        if recorder is not None:
            recorder.close()
    if application.broken is not None:
        raise application.broken
    return _summary(state, options, time.monotonic() - began)


class _Server(Server):
    """Ends when enough has come, when the time is up, or when something of ours is broken."""

    def __init__(
        self,
        config: uvicorn.Config,
        application: Application,
        pages: OwnPages,
        options: Options,
        face: Face,
        where: Where,
    ) -> None:
        super().__init__(config, lambda: face.begins(where))
        self._application = application
        self._pages = pages
        self._options = options
        self._face = face
        self._until = None if options.most_seconds is None else time.monotonic() + options.most_seconds

    async def on_tick(self, counter: int) -> bool:
        state, options = self._application.state, self._options
        self._face.goes_on(state)
        enough = options.most_events is not None and state.events >= options.most_events
        late = self._until is not None and time.monotonic() >= self._until
        if enough or late or self._application.broken is not None:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._pages.end()
        await super().shutdown(sockets)  # type: ignore[arg-type]
        await self._application.end()


def _config(application: Application, context: ssl.SSLContext | None) -> uvicorn.Config:
    config = config_of(application, HeardProtocol, keep_alive=_KEEP_ALIVE, stopping=_STOPPING)
    config.load()
    config.ssl = context
    return config


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What TLS is spoken with.

    Raises:
        UsageError: no certificate, no key that fits it, or a key that asks for a password.
    """
    if certificate is None:
        if key is not None:
            raise UsageError("--tls-key needs --tls-cert")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as no:
        reason = getattr(no, "reason", None) or getattr(no, "strerror", None) or str(no)
        raise UsageError(
            f"--tls-cert {certificate}: {reason}; expected a certificate in PEM, and its key there or in --tls-key"
        ) from no
    return context


def _no_password() -> str:
    raise ValueError("the key asks for a password")


def _where(options: Options, url: str) -> Where:
    scheme, _, place = url.partition("://")
    if options.certificate is not None:
        scheme = "https"
    port = place.rpartition(":")[2]
    reached = "" if options.address.is_loopback else address_in_the_network(options.address)
    bracketed = f"[{reached}]" if ":" in reached else reached
    loopback = "[::1]" if ":" in options.address.host else LOOPBACK
    here = f"{loopback}:{port}" if options.address.is_everywhere else place
    return Where(
        url=f"{scheme}://{place}",
        page=f"{scheme}://{here}{OWN}",
        phone=f"{scheme}://{bracketed}:{port}" if reached else "",
        is_loopback=options.address.is_loopback,
        pass_on=options.pass_on,
        out="" if options.out is None else str(options.out),
    )


def _facts(where: Where) -> Mapping[str, Json]:
    return {
        "url": where.url,
        "phone": where.phone,
        "loopback": where.is_loopback,
        "pass_on": where.pass_on,
        "out": where.out,
        "began": time.time_ns() // 1_000_000,
    }


def _summary(state: State, options: Options, seconds: float) -> Summary:
    return Summary(
        state.requests,
        state.events,
        state.bad,
        state.unknown,
        state.refused,
        state.not_passed,
        state.not_taken,
        state.figures.repeated,
        state.figures.nobodys,
        seconds,
        options.most_events,
        state.figures.rows(),
        "" if options.out is None else str(options.out),
        state.faults,
    )


__all__ = ["Face", "Options", "Summary", "Where", "listen_to_phones"]
