"""What a visitor's run of a small shop leaves behind, written as a story: `told` things happen one after another."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from simulator.events import NO_SOURCE, Identity, Json, Source, Visit
from simulator.inspect.capture import Recogniser
from simulator.inspect.case import Case, Facts, Seen, Trial, Trouble
from simulator.inspect.source import SourceCode
from simulator.runtime.program import Problem
from simulator.runtime.trace import Exchange, Mark, Moment, Place, Reply, Trace
from simulator.times import SECOND, Ms, iso_utc, parse_instant
from simulator.wire.options import WireOptions

START = parse_instant("2026-03-01T10:00:00+08:00")
APPID = "wx0123456789abcdef"
TENANT = "740843171"
OPENID = Identity("applet-wechat", "oI_M5xC_YlVhrGe5kcYhkzEQM6wM")
UNIONID = Identity("wechat-unionid", "o7QvZ1TT5oo1F8rNJvchn1GGv5t8")
MOBILE = Identity("mobile", "13800000000")
COLLECTOR = "https://cbe.convertlab.com/cbe/__utm"
LINK = "pages/index/index?cl_sr=poster&cl_ctnm=hall"
FACTS = Facts(
    appid=APPID,
    events=frozenset({"c_add_to_cart"}),
    identity_types=frozenset({"c_memberid"}),
    domains=frozenset({"cbe.convertlab.com", "api.shop.example"}),
    links={"p7": LINK},
)
OPTIONS = WireOptions(appid=APPID, app_name="shop", tenant=TENANT, namespace="", events=tuple(sorted(FACTS.events)))
HOME = "pages/index/index"


class Story:
    """One visitor's run as it goes on; every method is one thing that happens, a second after the last."""

    def __init__(self, visitor: int = 0, identities: tuple[Identity, ...] = (OPENID, UNIONID)) -> None:
        self.visitor = visitor
        self.now = START
        self.entries: list[Mark | Exchange] = []
        self.identities = identities
        self.pushed: dict[str, str] = {}
        self.source = Source()
        self.page = HOME
        self.number = 0

    def wait(self, milliseconds: int = SECOND) -> Story:
        self.now = Ms(self.now + milliseconds)
        return self

    def mark(self, moment: Moment, detail: str = "", data: Json = None, place: Place | None = None) -> Story:
        self.entries.append(Mark(self.now, moment, self.page, detail, data, place))
        return self

    def launch(self, source: Source = NO_SOURCE, scene: int = 1089, code: str = "", *, page: str = HOME) -> Story:
        """A cold start with its show; the tracker takes the source."""
        self.wait()
        self.page, self.source = page, source
        options: Json = {"path": page, "scene": scene, "query": _query(source, code)}
        self.mark(Moment.APP_LAUNCH, data=options)
        return self.mark(Moment.APP_SHOW, data=options)

    def back_again(self, source: Source | None = None, code: str = "") -> Story:
        """Hidden for a while, and back."""
        self.wait().mark(Moment.APP_HIDE).wait(60 * SECOND)
        query = _query(source or Source(), code)
        self.source = self.source if source is None else source
        return self.mark(Moment.APP_SHOW, data={"path": "", "scene": 1089, "query": query})

    def shown(self, page: str = "") -> Story:
        """A page comes into sight; nothing is sent."""
        self.page = page or self.page
        return self.mark(Moment.PAGE_SHOW)

    def asked(self, url: str, answer: str, status: int = 200) -> Story:
        """A request of the application's own."""
        self.wait()
        return self.exchange(
            url, Reply(Ms(self.now + 50), status, (), answer.encode()), method="POST", body=b"{}"
        ).wait()

    def looked_up(self, code: str = "p7", status: int = 200) -> Story:
        return self.exchange(
            f"https://cbe.convertlab.com/v1/source/links/{code}", Reply(Ms(self.now + 1), status, (), b"{}")
        ).wait(2)

    def logged_in(self) -> Story:
        """The backend tells who it is, and the program pushes the first two."""
        values = ", ".join(f'"{one.type}": "{one.value}"' for one in self.identities)
        self.asked("https://api.shop.example/login", f"{{{values}}}")
        return self.push(*self.identities[:2])

    def push(self, *identities: Identity) -> Story:
        """The first into slot 1, and so on."""
        for slot, identity in zip(("", "2", "3"), identities, strict=False):
            self.pushed |= {f"identityType{slot}": identity.type, f"identityValue{slot}": identity.value}
        return self

    def sent(self, event: str, *, reply: int | None = 200, **more: str | None) -> Story:
        """An event leaves as a good tracker sends it; `more` changes its pairs, None takes one away."""
        return self.event(event, more, reply)

    def event(self, event: str, more: Mapping[str, str | None], reply: int | None = 200) -> Story:
        self.wait(10)
        pairs: dict[str, str | None] = {"identityType": "applet-wechat", **self.pushed}
        pairs |= {"source": self.source.name or None, "contentName": self.source.content or None}
        pairs |= {"date": iso_utc(self.now), "externalId": f"{self.visitor}-{self.number}", "anonymousId": "d1"}
        pairs |= {"tenantId": TENANT, "event": event, "utma": "0.1.2.3.4.5"}
        pairs |= {key.removeprefix("letter_"): value for key, value in more.items()}
        return self.posted({key: value for key, value in pairs.items() if value is not None}, reply)

    def posted(self, pairs: Mapping[str, str], reply: int | None = 200, url: str = COLLECTOR) -> Story:
        answer = None if reply is None else Reply(Ms(self.now + 5), reply)
        return self.exchange(f"{url}?{urlencode(pairs)}", answer)

    def by_link(self) -> Story:
        """The tracker takes the source of the complete path."""
        self.source = Source("poster", "hall")
        return self

    def open(self, *, reply: int | None = 200, **more: str | None) -> Story:
        more = {"targetName": "shop", "targetId": APPID, **more}
        return self.event("mini_program_open", more, reply)

    def tried_open(self, reply: int | None, after: int = 5) -> Story:
        """One try of the story's open event, answered so many ms later."""
        pairs = {"event": "mini_program_open", "utma": "1", "tenantId": TENANT, "targetName": "shop", "targetId": APPID}
        pairs |= {"externalId": "o", "anonymousId": "d1", "date": "2026-03-01T02:00:02.000Z"}
        answer = None if reply is None else Reply(Ms(self.now + after), reply)
        return self.exchange(f"{COLLECTOR}?{urlencode(pairs)}", answer)

    def view(self, page: str = "", **more: str | None) -> Story:
        """A page comes into sight, and its view is sent."""
        self.wait().shown(page)
        return self.event("mini_program_view", {"targetName": self.page, "targetId": APPID, **more})

    def exchange(
        self,
        url: str,
        reply: Reply | None,
        *,
        method: str = "GET",
        body: bytes = b"",
        failed: str = "",
        after_hide: Ms | None = None,
    ) -> Story:
        self.entries.append(
            Exchange(self.number, self.now, method, url, (), body, reply, failed, self.page, after_hide)
        )
        self.number += 1
        return self

    @property
    def seen(self) -> Seen:
        trace = Trace(self.visitor, tuple(self.entries))
        recogniser = Recogniser(OPTIONS)
        visit = Visit(self.visitor, "browse", "direct", START, (), self.identities)
        return Seen(trace, tuple(recogniser.read(one) for one in trace.exchanges), visit)


def _query(source: Source, code: str) -> Json:
    if code:
        return {"scene": code}
    given = {"cl_sr": source.name, "cl_ctnm": source.content}
    return {key: value for key, value in given.items() if value}


APP_JS = """\
var cl_tracker = require('./utils/cl_tracker.js');
App({
  onLaunch: function () {
    cl_tracker.onAppLaunch.apply(this);
    this.cl_tracker.track('mini_program_open', 'shop', 'wx0123456789abcdef');
  },
  onShow: function (params) { cl_tracker.onAppShow(params); }
});
"""
TRACKER_JS = "module.exports = { onAppLaunch: function () {}, onAppShow: function () {}, track: 0, push: 0 };\n"


def program(app: str = APP_JS, **more: str) -> SourceCode:
    """A small program; keyword arguments are further files, `__` for a slash and `_js` for the suffix."""
    files = {"app.js": app, "utils/cl_tracker.js": TRACKER_JS, "app.json": f'{{"pages": ["{HOME}"]}}'}
    files |= {f"{HOME}.js": "Page({});\n"}
    files |= {
        key.replace("__", "/").replace("_js", ".js").replace("_json", ".json"): text for key, text in more.items()
    }
    return SourceCode({file: text.encode() for file, text in files.items()})


def good() -> Story:
    """A visitor from an advertisement who logs in, looks, puts something into the cart, leaves and comes back."""
    story = Story().launch(Source("wechat_ad", "spring"), 1045).open().view()
    story.logged_in().view("pages/product/detail")
    story.sent("c_add_to_cart", targetName="SKU", targetId="1").back_again().view()
    return story.wait().mark(Moment.APP_HIDE).wait(3_600_000).launch(code="p7").looked_up().by_link().open().view()


def case(
    *stories: Story, source: SourceCode | None = None, facts: Facts = FACTS, problems: tuple[Problem, ...] = ()
) -> Case:
    return Case(facts, tuple(story.seen for story in stories), source, problems)


def trial(trouble: Trouble, story: Story) -> Case:
    return Case(FACTS, trials=(Trial(trouble, story.seen),))
