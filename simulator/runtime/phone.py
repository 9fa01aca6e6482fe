"""One visitor's phone with the program on it: launch, show, hide, pages, taps; and what it left behind.

Every cold start is a fresh V8 isolate in a process apart (engine.py), so that nothing a program does can reach Python,
the disk or the network, hang the caller or take it down. Time is virtual: `at` moves it, timers fire on the way, and
45 minutes in the background cost nothing.

What happens inside is js/; here are the orders to it. What it says becomes a trace in recording.py.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Final

from simulator.errors import EngineError
from simulator.events import Device
from simulator.runtime.answering import Answerer, Failure
from simulator.runtime.bodies import reply_text
from simulator.runtime.bounds import Bounds, Watch
from simulator.runtime.engine import Engine, Stopped, shim
from simulator.runtime.places import BEFORE_CODE, WRAPPER, address
from simulator.runtime.program import Program
from simulator.runtime.recording import Recording
from simulator.runtime.trace import Moment, Reply, Trace
from simulator.times import MINUTE, Ms
from simulator.wechat import CLASS_A_SCENES, REPLY_TIMEOUT, SUSPEND_AFTER, parameters, split_path

__all__ = ["PLAIN_DEVICE", "Bounds", "Phone", "Storage", "Watch"]

LIBRARY: Final = "3.7.8"  # of WeChat's base library, as getSystemInfo tells it
WECHAT: Final = "8.0.60"
PLAIN_DEVICE: Final = Device(
    anonymous_id="",
    model="iPhone 13<iPhone14,5>",
    width=390,
    height=753,
    system="iOS 17.4.1",
    network="wifi",
    user_agent=(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2a) NetType/WIFI Language/zh_CN"
    ),
)
_WHY = {"time": "endless loop: a callback did not return", "memory": "memory: the heap grew beyond its bound"}


class Storage:
    """What wx.setStorage keeps on a phone, as text by key.

    It outlives the program; visitors who share a phone share it.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}


class Phone:
    """One visitor's phone. Instants that lie before the phone's own clock count as now.

    Every method runs what it asks for, and all that follows at that instant, before it returns. None of them raises for
    anything the program does: after a STOPPED mark the program is dead, and they do nothing until the next launch
    (`stopped` stays true, so that a caller may leave the visitor).

    Args:
        visitor: number in the plan, for the trace; -1 where there is none.
        now: the phone's clock, Unix milliseconds.
        seed: of Math.random in the program, so that a run can be repeated to the byte.
        destroy_after: in the background, from the hide; at it the program is gone.
        engine: where the program runs; one phone at a time. Without one the phone starts its own and ends it.
    """

    def __init__(
        self,
        program: Program,
        answer: Answerer,
        *,
        now: Ms,
        visitor: int = -1,
        device: Device = PLAIN_DEVICE,
        storage: Storage | None = None,
        seed: int = 1,
        destroy_after: Ms = Ms(30 * MINUTE),
        watch: Watch = Watch(),  # noqa: B008
        bounds: Bounds = Bounds(),  # noqa: B008
        engine: Engine | None = None,
    ) -> None:
        self._program = program
        self._answer = answer
        self._now = now
        self._visitor = visitor
        self._device = device
        self._storage = storage if storage is not None else Storage()
        self._seed = seed
        self._destroy_after = destroy_after
        self._watch = watch
        self._bounds = bounds
        self._engine = engine if engine is not None else Engine()
        self._own_engine = engine is None
        self._name = ""  # of the way into the isolate
        self._recording = Recording(program, visitor)
        self._replies: dict[int, Reply | Failure] = {}
        self._launches = 0
        self._running = False
        self._hidden: Ms | None = None  # since
        self._stopped = False
        self._left = bounds.visitor_seconds

    # ---- what a caller can see ------------------------------------------------------------------------------------

    @property
    def now(self) -> Ms:
        """The phone's clock."""
        return self._now

    @property
    def running(self) -> bool:
        """Launched and not destroyed."""
        return self._running

    @property
    def stopped(self) -> bool:
        """The runtime has ended the program at least once; the trace says why."""
        return self._stopped

    @property
    def page(self) -> str:
        """The route on top; empty where no page is open."""
        return self._recording.page if self._running else ""

    def trace(self) -> Trace:
        """Everything so far; a request that nobody answered yet is there without a reply."""
        return self._recording.trace()

    @property
    def destroy_after(self) -> Ms:
        """In the background, from the hide; at it the program is gone."""
        return self._destroy_after

    def use(self, device: Device, storage: Storage) -> None:
        """From now on the visitor is on this phone; the program on the former one is gone."""
        if self._running:
            self.destroy(self._now, "new entry")
        self._device, self._storage = device, storage

    # ---- entering and leaving -------------------------------------------------------------------------------------

    def launch(self, at: Ms, path: str = "", scene: int = 1001) -> None:
        """A cold start by a path with its query (percent-encoded, as in a code); empty: the first page.

        A program that still runs is destroyed first.
        """
        self.advance(at)
        if self._running:
            self.destroy(at, "new entry")
        if self._left <= 0:
            return
        path = path.removeprefix("/") or self._program.entry
        self._running, self._hidden = True, None
        self._recording.doing = "launch"
        self._launches += 1
        try:
            orders = self._start(path)
        except Stopped as stopped:
            self._stop(_WHY[stopped.why])
            return
        self._run([*orders, self._call("launch", _enter_options(path, scene))], self._now)

    def show(self, at: Ms, path: str = "", scene: int = 1089) -> None:
        """Back from the background: a cold start where the program was destroyed meanwhile.

        A scene of class A, or no path, keeps the pages; any other opens the path as reLaunch does.
        """
        self.advance(at)
        if not self._running:
            self.launch(at, path, scene)
            return
        if self._hidden is None:
            return
        self._hidden = None
        path = path.removeprefix("/")
        opened = "" if scene in CLASS_A_SCENES else path
        self._order("show", _enter_options(path or self._recording.page, scene), opened)

    def hide(self, at: Ms) -> None:
        """To the background: timers go on for 5 s, then everything stands still; destroyed after `destroy_after`."""
        self.advance(at)
        if self._running and self._hidden is None:
            self._hidden = self._now
            self._order("hide")

    def leave(self, at: Ms, until: Ms | None = None) -> None:
        """Closed by the visitor: hidden, then 5 s of grace as in every background, then destroyed.

        Args:
            until: the next entry, when it comes within the grace.
        """
        self.hide(at)
        if self._hidden is not None:
            grace = Ms(self._hidden + SUSPEND_AFTER)
            self.destroy(grace if until is None else min(grace, until), "exit")

    def destroy(self, at: Ms, why: str) -> None:
        """WeChat ends the program, without a word to it."""
        self.advance(at)
        if not self._running:
            return
        self._recording.mark(self._now, Moment.DESTROYED, why)
        self._end()

    # ---- what visitors do -----------------------------------------------------------------------------------------

    def view(self, at: Ms, path: str) -> None:
        """Go to a page as the app would: switchTab to a tab, else navigateTo, redirectTo where ten are open."""
        self._act(at, "view", path.removeprefix("/"))

    def back(self, at: Ms, pages: int = 1) -> None:
        """The back button."""
        self._act(at, "back", pages)

    def tap(self, at: Ms, handler: str) -> None:
        """Tap what the page on top binds to a handler; an ERROR mark where it has no such one."""
        self._act(at, "tap", handler)

    def share(self, at: Ms) -> None:
        """The share button of the menu."""
        self._act(at, "share")

    def network(self, at: Ms, kind: str) -> None:
        """The network changes: wifi, 4g … or none, on which every new request fails."""
        self._act(at, "network", kind)

    def advance(self, at: Ms) -> None:
        """Let time pass; a program in the background is destroyed on the way when its time has come."""
        if self._running and self._hidden is not None:
            end = Ms(self._hidden + self._destroy_after)
            if at >= end:
                self._run([], end)
                if self._running:
                    self._recording.mark(self._now, Moment.DESTROYED, "timeout")
                    self._end()
        if self._running:
            self._run([], at)
        self._now = max(self._now, at)

    def close(self) -> None:
        """Give the engine back; the trace stays. Also by leaving a `with` block."""
        self._running = False
        if self._own_engine:
            self._engine.close()

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # ---- the isolate ----------------------------------------------------------------------------------------------

    def _start(self, path: str) -> list[str]:
        """A fresh isolate with the program's files in it, nothing of them run; orders for what V8 refused."""
        self._name = f"mpsim_{secrets.token_hex(16)}"
        begun = time.monotonic()
        files = list(self._program.modules.values())
        scripts = [shim(self._name), self._call("configure", self._settings(path))]
        for number, module in enumerate(files):
            start = f"{self._name}('define', '{number:05}', {WRAPPER}"
            assert len(start) == BEFORE_CODE
            scripts.append(f"{start}{module.code}\n}})\n//# sourceURL={address(module.file)}")
        wrong = self._engine.open(scripts, self._bounds.memory)
        orders = [self._call("json", file, json.dumps(value)) for file, value in self._program.json_files.items()]
        for number, words in wrong:
            if not 2 <= number < len(scripts):
                raise EngineError(f"script {number} of the runtime was refused: {words}")
            orders.append(self._call("broken", files[number - 2].file, words.partition("\n")[0]))
        orders += [self._call("broken", file, words) for file, words in self._program.broken.items()]
        self._left -= time.monotonic() - begun
        return orders

    def _settings(self, path: str) -> Mapping[str, object]:
        program, device = self._program, self._device
        bounds = asdict(self._bounds)
        return {
            "now": self._now,
            "appid": program.appid,
            "name": program.name,
            "version": "1.0.0",
            "library": LIBRARY,
            "wechat": WECHAT,
            "modules": [module.file for module in program.modules.values()],
            "pages": program.pages,
            "entry": program.entry,
            "start": path,
            "tabs": [tab.page for tab in program.tabs],
            "tabTexts": [tab.text for tab in program.tabs],
            "files": [
                {"path": file.removesuffix(".js"), "file": file, "page": page} for file, page in program.registering
            ],
            "taps": program.taps,
            "parts": program.parts,
            "window": program.app_json.get("window") or {},
            "timeout": _request_timeout(program),
            "device": {
                "model": device.model,
                "brand": "iPhone" if device.system.startswith("iOS") else device.model.partition(" ")[0],
                "system": device.system,
                "platform": "ios" if device.system.startswith("iOS") else "android",
                "width": device.width,
                "height": device.height,
            },
            "network": device.network,
            "seed": (self._seed * 1_000_003 + self._visitor * 8_191 + self._launches * 131) & 0x7FFFFFFF,
            "first": self._recording.requests,
            "storage": self._storage.texts,
            "watch": asdict(self._watch),
            "bounds": bounds,
        }

    def _call(self, order: str, *given: object) -> str:
        # As a text that is parsed inside: in code, a key `__proto__` would mean something else.
        return f"{self._name}({json.dumps(order)}, {json.dumps(json.dumps(given))})"

    def _act(self, at: Ms, order: str, *given: object) -> None:
        self.advance(at)
        if self._running and self._hidden is None:
            self._order(order, *given)

    def _order(self, order: str, *given: object) -> None:
        if self._running:
            self._recording.doing = order
            self._run([self._call(order, *given)], self._now)

    def _run(self, codes: Sequence[str], until: Ms) -> None:
        """Everything up to an instant; requests are answered on the way."""
        turn = self._call("turn", max(until, self._now))
        flush = self._call("flush")
        state = "M"
        while state in "MR":
            begun = time.monotonic()
            try:
                ran = self._engine.run(codes, turn, flush, min(self._bounds.turn_seconds, max(self._left, 0.1)))
            except Stopped as stopped:
                self._read(stopped.texts)
                self._stop(_WHY[stopped.why])
                return
            state = ran.state
            codes = self._read(ran.texts)
            self._left -= time.monotonic() - begun
            if state == "D" and self._running:
                self._stop("the program overran a bound")
            if state in "MR" and self._left <= 0:
                self._stop(f"one visitor took more than {self._bounds.visitor_seconds:g} s")
            if not self._running:
                return
        self._now = max(self._now, until)

    def _stop(self, why: str) -> None:
        seen = self._recording
        page = f" on {seen.page}" if seen.page else ""
        seen.mark(self._now, Moment.STOPPED, f"{why}{page} (at {seen.doing})")
        self._stopped = True
        self._end()

    def _end(self) -> None:
        self._running, self._hidden = False, None
        self._recording.end_life()
        self._replies.clear()

    # ---- what it says ---------------------------------------------------------------------------------------------

    def _read(self, texts: Sequence[str]) -> list[str]:
        """Take in what the isolate said; the orders that answer its requests."""
        orders: list[str] = []
        for text in texts:
            for said in json.loads(text):
                order = self._take(said)
                if order:
                    orders.append(order)
        return orders

    def _take(self, said: dict[str, Any]) -> str:
        if "at" in said:
            self._now = Ms(max(self._now, int(said["at"])))
        match said["k"]:
            case "mark":
                self._recording.take_mark(said)
            case "request":
                self._recording.take_request(said, self._device.user_agent)
            case "sent":
                return self._send(int(said["n"]), Ms(int(said["at"])))
            case "received":
                self._recording.finish(int(said["n"]), self._now, self._replies.pop(int(said["n"]), None), "")
            case "failed":
                self._replies.pop(int(said["n"]), None)
                self._recording.finish(int(said["n"]), self._now, None, said["why"])
            case "set":
                self._storage.texts[said["key"]] = said["text"]
            case "remove":
                self._storage.texts.pop(said["key"], None)
            case "clear":
                self._storage.texts.clear()
            case "stop":
                self._stop(said["why"])
        return ""

    def _send(self, number: int, at: Ms) -> str:
        exchange = self._recording.waiting(number)
        if exchange is None:  # the program was stopped meanwhile
            return ""
        answer = self._answer(exchange)
        self._replies[number] = answer
        if isinstance(answer, Failure):
            return self._call("answer", number, max(answer.at, at), answer.words or "request:fail ", answer.number)
        text, coded = reply_text(answer.body)
        headers = [list(pair) for pair in answer.headers]
        return self._call("answer", number, max(answer.at, at), "", 0, answer.status, headers, text, coded)


def _enter_options(path: str, scene: int) -> Mapping[str, object]:
    route, query = split_path(path)
    return {
        "path": route,
        "query": dict(parameters(query)),
        "scene": scene,
        "shareTicket": None,
        "referrerInfo": {},
        "mode": "default",
        "apiCategory": "default",
    }


def _request_timeout(program: Program) -> int:
    """Milliseconds after which wx.request gives up where the call says nothing: networkTimeout of app.json, or 60 s."""
    given = program.app_json.get("networkTimeout")
    wanted = given.get("request") if isinstance(given, dict) else None
    return wanted if isinstance(wanted, int) and 0 < wanted < REPLY_TIMEOUT else REPLY_TIMEOUT
