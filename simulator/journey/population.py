"""Who visitor k is: devices, identities, source, journey and values, each from a stream of its own.

Within a run every identity value is a bijection of the visitor number, keyed by seed and namespace, so equal values
occur only where a mobile is shared on purpose. Shared phones and mobiles come in blocks of two visitor numbers.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

from simulator.events import Device, Identity
from simulator.immutable import immutable
from simulator.journey.devices import draw_device
from simulator.rand import Stream, Weights, scramble
from simulator.scenario.model import PPM, PinnedDevice, Scenario

PAIR = 2  # visitor numbers of one block where phones or mobiles are shared
VARIABLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")  # in paths and events, see value_of
_MANY = 1 << 60  # more than any run's visitors, so that a bijection of the number fits ten base64 characters
_OPENIDS = frozenset({"applet-wechat", "wechat", "wechat-unionid"})


@immutable(frozen=True, slots=True)
class Person:
    """One visitor, before any step is taken."""

    visitor: int
    journey: str
    source: str  # the scenario's name; empty where the file has no sources
    returning: bool
    device: Device
    second_device: Device | None
    shares_device: bool
    identities: tuple[Identity, ...]
    identities_by_type: Mapping[str, str]  # the same


@immutable(frozen=True, slots=True)
class Population:
    """All that is the same for every visitor of a plan; parts are in millionths."""

    seed: int
    namespace: str
    count: int
    real_looking: bool
    journeys: tuple[str, ...]
    journey_weights: Weights
    sources: tuple[str, ...]
    source_weights: Weights
    returning: int
    second_device: int
    share_device: int
    share_mobile: int
    identities: tuple[tuple[str, int], ...]  # type, part of the visitors that have one
    device: PinnedDevice | None
    run: str  # sixteen hexadecimal digits of seed and namespace
    block: int  # visitors that may share something


def population_of(scenario: Scenario, seed: int, namespace: str, count: int, real_looking: bool = True) -> Population:
    """The population of a scenario with `count` visitors."""
    visitors = scenario.visitors
    return Population(
        seed,
        namespace,
        count,
        real_looking,
        tuple(scenario.journeys),
        Weights([journey.weight for journey in scenario.journeys.values()]),
        tuple(scenario.sources),
        Weights([source.weight for source in scenario.sources.values()]),
        visitors.returning,
        visitors.second_device,
        visitors.share_device,
        visitors.share_mobile,
        tuple(visitors.identities.items()),
        visitors.device,
        blake2b(f"{seed}/{len(namespace)}:{namespace}".encode(), digest_size=8).hexdigest(),
        block_size(scenario),
    )


def block_size(scenario: Scenario) -> int:
    """Visitors of one block: two where anything is shared, else one."""
    return PAIR if scenario.visitors.share_device or scenario.visitors.share_mobile else 1


def person(of: Population, visitor: int) -> Person:
    """Draw one visitor. The last visitor of an odd count has no partner and shares nothing."""
    seed = of.seed
    who = Stream("who", seed, visitor)
    journey = of.journeys[who.pick(of.journey_weights)]
    source = of.sources[who.pick(of.source_weights)] if of.sources else ""
    returning = who.chance(of.returning)
    has_second = who.chance(of.second_device)

    shares_device = shares_mobile = False
    if of.block == PAIR and (visitor | 1) < of.count:
        pair = Stream("pair", seed, visitor // PAIR)
        shares_device = pair.chance(of.share_device)
        shares_mobile = pair.chance(of.share_mobile)
    values = _identities(of, visitor, shares_mobile)
    return Person(
        visitor,
        journey,
        source,
        returning,
        _device(of, visitor - visitor % PAIR if shares_device else visitor, 0),
        _device(of, visitor, 1) if has_second else None,
        shares_device,
        tuple([Identity(kind, value) for kind, value in values.items()]),
        values,
    )


def _identities(of: Population, visitor: int, shares_mobile: bool) -> dict[str, str]:
    values: dict[str, str] = {}
    for kind, part in of.identities:
        # Each type has a stream of its own, so where there is nothing to draw, not drawing moves nothing else.
        has = part >= PPM or (part > 0 and Stream("has", of.seed, visitor, kind).chance(part))
        shared = kind == "mobile" and shares_mobile
        if has or shared:
            owner = visitor & ~1 if shared else visitor
            values[kind] = identity_value(kind, of.seed, of.namespace, owner, of.real_looking)
    return values


def _device(of: Population, owner: int, ordinal: int) -> Device:
    """Its anonymousId is thirty-two hex digits: sixteen of the run, sixteen a bijection of (owner, ordinal)."""
    unique = scramble(owner * 2 + ordinal, 1 << 64, "anonymous", of.seed, of.namespace)
    anonymous_id = f"{of.run}{unique:016x}"
    return draw_device(anonymous_id, Stream("device", of.seed, owner, ordinal), of.device)


def identity_value(kind: str, seed: int, namespace: str, visitor: int, real_looking: bool) -> str:
    """The value of one identity type: a bijection of the visitor number within a run.

    Values that are not real-looking belong to nobody: openids begin oMPSIM, mobiles have an unassigned prefix.
    """
    if kind in _OPENIDS:
        return _openid(kind, seed, namespace, visitor, real_looking)
    if kind == "mobile":
        return _mobile(seed, namespace, visitor, real_looking)
    if kind == "email":
        return f"mp{scramble(visitor, _MANY, kind, seed, namespace):x}@example.com"
    return f"M{scramble(visitor, 10**12, kind, seed, namespace):012}"


def _openid(kind: str, seed: int, namespace: str, visitor: int, real_looking: bool) -> str:
    """Twenty-eight characters: o, five of the application, twelve of the run and visitor, ten of the bijection."""
    unique = scramble(visitor, _MANY, kind, seed, namespace)
    run = blake2b(f"{seed}/{namespace}/{visitor}".encode(), digest_size=9).digest()
    # Nine bytes are just twelve characters, so both parts are written at once.
    return f"o{_head(kind, real_looking)}{_base64(run + (unique << 4).to_bytes(8, 'big'))[:22]}"


@lru_cache(maxsize=64)
def _head(kind: str, real_looking: bool) -> str:
    return _base64(blake2b(kind.encode(), digest_size=6).digest())[:5] if real_looking else "MPSIM"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _mobile(seed: int, namespace: str, visitor: int, real_looking: bool) -> str:
    prefixes = mobile_prefixes() if real_looking else ("120", "121", "122", "123", "124", "125", "126", "127")
    unique = scramble(visitor, len(prefixes) * 10**8, "mobile", seed, namespace)
    return f"{prefixes[unique // 10**8]}{unique % 10**8:08}"


@lru_cache(maxsize=1)
def mobile_prefixes() -> tuple[str, ...]:
    """Prefixes of Chinese mobile numbers, from Faker's zh_CN data."""
    from faker.providers.phone_number.zh_CN import Provider  # noqa: PLC0415  Faker costs 0.1 s to import

    return tuple(map(str, Provider.phonenumber_prefixes))


@lru_cache(maxsize=1)
def names_and_cities() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pools of Chinese names and cities: Faker is asked once a process, not once an event."""
    from faker import Faker  # noqa: PLC0415  as above

    fake = Faker("zh_CN")
    fake.seed_instance(20260301)
    names = tuple(dict.fromkeys(fake.name() for _ in range(400)))
    cities = tuple(dict.fromkeys(fake.city_name() for _ in range(120)))
    return names, cities


def value_of(scenario: Scenario, seed: int, visitor: int, name: str) -> str:
    """What `{name}` stands for in this visitor's paths and events: a var of the file, or visitor, name, city.

    Raises:
        KeyError: no such variable.
    """
    given = scenario.visitors.vars.get(name)
    if given is not None:
        choices = given if isinstance(given, list) else scenario.lists[name]
        return str(choices[Stream("var", seed, name, visitor).below(len(choices))])
    if name == "visitor":
        return str(visitor)
    pool = dict(zip(("name", "city"), names_and_cities(), strict=True))[name]
    return pool[Stream("look", seed, name, visitor).below(len(pool))]
